import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { EventListener } from './entities/event-listener.entity';
import { ListenersRepository } from './listeners.repository';

/** Stands for everybody in `event_listeners`. */
export const EVERYBODY = 0;

/**
 * Who listens to what. Frequent events (`request.*`, `quota.*`) are recorded for listeners alone, and the statement that makes
 * the change reads this table: a listener is in force for every change that begins after its commit.
 */
@Injectable()
export class ListenersService {
  constructor(private readonly repository: ListenersRepository) {}

  /** Has a source listen to one pattern of everybody's, if it does not yet. */
  ensure(tx: EntityManager, source: string, pattern: string): Promise<void> {
    return this.repository.add(tx, EVERYBODY, pattern, source);
  }

  /**
   * Replaces all that a source listens to; nothing: it listens no more. A participant of the transaction that changes the source.
   *
   * @param source who listens, such as `endpoint:12`
   * @param userId whose events; null: everybody's
   * @param patterns of `EVENT_PATTERNS`
   */
  async replace(tx: EntityManager, source: string, userId: number | null, patterns: readonly string[]): Promise<void> {
    await tx.delete(EventListener, { source });
    const rows = [...new Set(patterns)].map((type) => ({ userId: userId ?? EVERYBODY, type, source }));
    if (rows.length > 0) await tx.insert(EventListener, rows);
  }
}
