import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type SealedValue } from '../settings/secret-box';

/** Longer than a try takes with all its time-outs: a lease that ends was a process's that died. */
const LEASE_SECONDS = 90;
const REMOVED_AT_ONCE = 1_000;

export interface NewMail {
  id: string;
  userId: number | null;
  template: string;
  contents: SealedValue;
  expiresInSeconds: number | null;
}

/** A mail that this process holds the lease of. */
export interface DueMail {
  id: string;
  template: string;
  contents: unknown;
  /** The try that is begun, from 1. */
  attempt: number;
  createdAt: Date;
  expired: boolean;
}

@Injectable()
export class MailsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Writes the mail; the senders are notified with the commit. */
  async insert(tx: EntityManager, { id, userId, template, contents, expiresInSeconds }: NewMail): Promise<void> {
    await tx.query(
      `INSERT INTO mails (id, user_id, template, contents, expires_at) VALUES ($1, $2, $3, $4, now() + $5::float8 * interval '1 second')
       RETURNING pg_notify('mails', '')`,
      [id, userId, template, JSON.stringify(contents), expiresInSeconds],
    );
  }

  /**
   * Leases at most so many mails that are due, those that wait longest first. Of senders at once each gets others. While the key of
   * secrets is replaced, each leaves what it cannot open to those who can, for as long as the plan of a mail is.
   */
  async claim(max: number, keyIds: readonly string[]): Promise<DueMail[]> {
    const [rows] = await this.dataSource.query<[DueMail[], number]>(
      `UPDATE mails SET attempts = attempts + 1, due_at = now() + interval '${LEASE_SECONDS} seconds', error = NULL
       WHERE id IN (
         SELECT id FROM mails
         WHERE state = 'waiting' AND due_at <= now() AND (contents ->> 'keyId' = ANY ($2) OR created_at < now() - interval '3 days') ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING id, template, contents, attempts AS attempt, created_at AS "createdAt", coalesce(expires_at <= now(), false) AS expired`,
      [max, keyIds],
    );
    return rows;
  }

  /** Ends the mail, unless its lease was lost to another try meanwhile. Its contents are forgotten. */
  async end({ id, attempt }: DueMail, state: 'sent' | 'failed', error: string | null = null): Promise<void> {
    await this.dataSource.query(
      `UPDATE mails SET state = $3, contents = NULL, error = $4, ended_at = now() WHERE id = $1 AND attempts = $2 AND state = 'waiting'`,
      [id, attempt, state, error],
    );
  }

  /** Has the mail tried again after the pause, of which a fifth is left to chance. */
  async postpone({ id, attempt }: DueMail, pauseMs: number, error: string | null): Promise<void> {
    await this.dataSource.query(
      `UPDATE mails SET due_at = now() + $3::float8 * (0.9 + random() * 0.2) * interval '1 millisecond', error = $4
       WHERE id = $1 AND attempts = $2 AND state = 'waiting'`,
      [id, attempt, pauseMs, error],
    );
  }

  /** Gives the lease back, as if the try had not been begun. */
  async release({ id, attempt }: DueMail): Promise<void> {
    await this.dataSource.query(`UPDATE mails SET due_at = now(), attempts = attempts - 1 WHERE id = $1 AND attempts = $2 AND state = 'waiting'`, [
      id,
      attempt,
    ]);
  }

  /** Removes some of the mails that ended so long ago; 0: there are none left. */
  async removeEnded(days: number): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM mails WHERE id IN (
         SELECT id FROM mails WHERE ended_at IS NOT NULL AND ended_at < now() - $1::integer * interval '1 day' LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [days, REMOVED_AT_ONCE],
    );
    return count;
  }
}
