import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { type RecordedEvent } from './event-consumer';

/** The first four bytes of sha256('quotidian relay'). */
const RELAY_LOCK = 3_106_702_523;

/**
 * Gives events that are committed their positions.
 *
 * Why positions follow the order of each user's changes: event B follows event A when B's transaction drew its id after A was
 * committed, because it began later or waited for a row that A's held. Then B's id is the larger one, and whoever sees B sees A. A pass numbers
 * all that it sees in the order of ids, as far as its limit reaches, so A is numbered before B: in an earlier pass, or earlier in this one.
 * Passes follow each other, by the lock, which is let go when the commit is visible; one that saw less than the pass before it numbers
 * only what that one left. Events of transactions that ran at the same time and held nothing in common have no order to keep.
 *
 * A transaction that stays open keeps nobody's events but its own: nothing waits for a horizon. A pass begins above the floor that
 * `SettledIds` knows. Should the lock ever be held twice, positions stay unique by their index, and an event that has one keeps it.
 */
const PUBLISH = prepared(
  'publish events',
  `
    WITH held AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock($2) AS held
    ), numbered AS MATERIALIZED (
      SELECT o.id, nextval('events_position_seq') AS position,
        greatest(clock_timestamp(), (SELECT p.published_at FROM events p WHERE p.position IS NOT NULL ORDER BY p.position DESC LIMIT 1)) AS at
      FROM (SELECT id FROM events WHERE position IS NULL AND id > $3 ORDER BY id LIMIT (SELECT CASE WHEN held THEN $1::integer ELSE 0 END FROM held)) o
    ), published AS (
      UPDATE events e SET position = n.position, published_at = n.at FROM numbered n
      WHERE e.id = ANY (ARRAY(SELECT id FROM numbered)) AND e.id = n.id AND e.position IS NULL
      RETURNING e.id
    )
    SELECT h.held, (SELECT count(*) FROM published)::integer AS count, (SELECT count(*) FROM numbered)::integer AS seen,
      coalesce((SELECT true FROM event_listeners WHERE type IN ('*', 'request.*', 'request.succeeded', 'request.failed', 'request.canceled', 'request.expired') LIMIT 1), false)
        AS "requestsAreFollowed",
      (SELECT last_value::float8 FROM events_id_seq) AS "lastId"
    FROM held h`,
);

/** Whoever has inserted an event holds this lock to the end of the transaction, from before its id was drawn. */
const WRITERS = prepared(
  'writers of events',
  `SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
   WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()`,
);

const DUE = prepared(
  'consumers due',
  `SELECT c.name FROM event_cursors c
   WHERE c.name = ANY ($1::text[]) AND EXISTS (SELECT FROM events e WHERE e.position > c.position ORDER BY e.position LIMIT 1)`,
);

interface PublishedBatch {
  /** False: another process is at it. */
  held: boolean;
  count: number;
  /** Those that it saw: another process may have numbered some of them meanwhile. */
  seen: number;
  /** Whether anybody listens to requests. */
  requestsAreFollowed: boolean;
  /** The last id that was drawn: how fast events come in. */
  lastId: number;
}

/** Numbers events, and keeps how far each consumer has come. */
@Injectable()
export class RelayRepository {
  constructor(
    private readonly statements: StatementPool,
    private readonly dataSource: DataSource,
  ) {}

  /** Numbers a batch of what is committed, has no position, and an id above the floor. */
  async publish(limit: number, floor: number): Promise<PublishedBatch> {
    const [answer] = await this.statements.run<PublishedBatch>(PUBLISH, [limit, RELAY_LOCK, floor]);
    return answer as PublishedBatch;
  }

  /** The transactions that have recorded events, or are about to, and have not ended. */
  async writers(): Promise<string[]> {
    return (await this.statements.run<{ writer: string }>(WRITERS, [])).map(({ writer }) => writer);
  }

  /** The consumers that have not come to the last event. */
  async due(names: readonly string[]): Promise<string[]> {
    return (await this.statements.run<{ name: string }>(DUE, [names])).map(({ name }) => name);
  }

  /** Begins the cursors of consumers that are new, behind the last event that there is. */
  async begin(names: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO event_cursors (name, position) SELECT name, coalesce((SELECT max(position) FROM events), 0) FROM unnest($1::text[]) name ON CONFLICT DO NOTHING`,
      [names],
    );
  }

  /** A consumer's position, held to the end of the transaction; null: another process is at it. */
  async hold(tx: EntityManager, name: string): Promise<string | null> {
    const rows: { position: string }[] = await tx.query(`SELECT position FROM event_cursors WHERE name = $1 FOR UPDATE SKIP LOCKED`, [name]);
    return rows[0]?.position ?? null;
  }

  /** The events behind a position, in order. */
  after(tx: EntityManager, position: string, limit: number): Promise<RecordedEvent[]> {
    return tx.query(
      `SELECT id, type, user_id AS "userId", data, created_at AS "createdAt", position FROM events WHERE position > $1 ORDER BY position LIMIT $2`,
      [position, limit],
    );
  }

  async advance(tx: EntityManager, name: string, position: string, skipped = 0): Promise<void> {
    await tx.query(`UPDATE event_cursors SET position = $2, skipped = skipped + $3 WHERE name = $1`, [name, position, skipped]);
  }

  /** How far each consumer is behind, and what it was spared. */
  async lag(): Promise<{ name: string; skipped: number; waiting: number }[]> {
    return this.dataSource.query(
      `SELECT c.name, c.skipped::float8 AS skipped, greatest(0, coalesce((SELECT max(position) FROM events), 0) - c.position)::float8 AS waiting FROM event_cursors c`,
    );
  }
}
