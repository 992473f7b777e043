import { type OnApplicationShutdown } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type EntityManager } from 'typeorm';
import { BoundedCache } from '../common/bounded-cache';
import { type ReadReplica } from './read-replica';

const MAX_WRITERS = 100_000;
/** Longer than a replica may be behind by any setting. */
const REMEMBERED_MS = 600_000;

type Request = Pick<FastifyRequest, 'headers'> & { principal?: { userId: number } };

/** Reads by the replica or by the primary, which is meant where nothing is given. */
export type ReadPiece = <T>(work: (from?: EntityManager) => Promise<T>) => Promise<T>;

/** How the replica stands, for operators. */
export interface ReplicaStatus {
  name: string;
  isUsed: boolean;
  detail: string;
}

/**
 * Answers lists, usage and exports from the replica where there is one, and never a decision. Always true: such an answer states in
 * `X-Read-As-Of` since when it may lack something; that is no longer ago than the bound, and no earlier than what its caller has written
 * through this process; and whatever goes wrong with the replica, the primary answers.
 */
export class ReplicaReads implements OnApplicationShutdown {
  /** How far behind the replica may be, in milliseconds. Given by who knows the setting. */
  maxLagMs: () => number = () => 0;
  private readonly wroteAt = new BoundedCache<number, number>(MAX_WRITERS, { ttl: REMEMBERED_MS });

  constructor(readonly replica: ReadReplica | null) {}

  async onApplicationShutdown(): Promise<void> {
    await this.replica?.close();
  }

  /** The user changed something, and reads of it from now on. */
  wrote(userId: number): void {
    this.wroteAt.set(userId, performance.now());
  }

  /**
   * Does the work by the replica, else by the primary.
   *
   * @param work given nothing it reads from the primary; may run a second time
   */
  async answer<T>(request: Request, reply: FastifyReply, work: (from?: EntityManager) => Promise<T>): Promise<T> {
    const asOf = this.asOfFor(request);
    const manager = this.replica?.manager;
    if (asOf === null || !manager) return work();
    try {
      const answer = await work(manager);
      void reply.header('x-read-as-of', asOf.toISOString());
      return answer;
    } catch {
      // The replica's own trouble, or something that it does not have yet: what the primary answers counts.
      return work();
    }
  }

  /** The same for an answer that is read in pieces. One that the replica fails in goes on by the primary. */
  inPieces(request: Request, reply: FastifyReply): ReadPiece {
    const asOf = this.asOfFor(request);
    if (asOf === null) return (work) => work();
    void reply.header('x-read-as-of', asOf.toISOString());
    let isLost = false;
    return async (work) => {
      const manager = isLost ? null : this.replica?.manager;
      if (!manager) return work();
      try {
        return await work(manager);
      } catch {
        isLost = true;
        return work();
      }
    };
  }

  /** How old an answer of the replica's may be for this caller; null: the primary is to answer. */
  private asOfFor({ headers, principal }: Request): Date | null {
    const asOf = this.replica?.asOf ?? null;
    if (asOf === null || /\bno-cache\b/i.test(headers['cache-control'] ?? '') || performance.now() - asOf.at > this.maxLagMs()) return null;
    const wroteAt = principal && this.wroteAt.get(principal.userId);
    return wroteAt !== undefined && wroteAt > asOf.at ? null : asOf.time;
  }

  /** Null: there is none. */
  get status(): ReplicaStatus | null {
    if (this.replica === null) return null;
    const { name, problem, asOf } = this.replica;
    if (asOf === null) return { name, isUsed: false, detail: `${name}: ${problem ?? 'it has not caught up with this process yet'}` };
    const behindMs = Math.round(performance.now() - asOf.at);
    const isUsed = behindMs <= this.maxLagMs();
    return {
      name,
      isUsed,
      detail: `${name} is as of ${asOf.time.toISOString()}, ${(behindMs / 1_000).toFixed(1)} s ago${isUsed ? '' : ': further behind than it may be'}`,
    };
  }
}
