import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Events in one statement: some hundredths of a second. */
const BATCH = 1_000;

/** The last place of the chain; 0: it is empty. */
export interface ChainHead {
  position: string;
  /** Hexadecimal. */
  hash: string;
}

export interface ChainFault {
  /** `changed`: the event is another one than was written. `removed`, `inserted`: it is not there, or was never written by the service. `broken`: the chain itself was touched at that place. */
  kind: 'changed' | 'removed' | 'inserted' | 'broken';
  /** The event; null for a place of the chain that a head named. */
  eventId: string | null;
  /** In the chain; null: it waits for its place, or has none. */
  position: string | null;
}

interface CheckedEvent {
  eventId: string;
  position: string | null;
  kind: ChainFault['kind'] | null;
}

const WRITTEN = (e: string, digest: string) => `CASE WHEN ${e}.id IS NULL THEN 'removed' WHEN audit_event_digest(${e}) <> ${digest} THEN 'changed' END`;

/** The chain of hashes over the audit log. Hashes are made and compared by the database alone. */
@Injectable()
export class AuditChainRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Gives a batch of events their places, and returns how many. Only what was committed is seen, so an order of places is an order of commits,
   * not of ids. Of several at once one works, by an advisory lock that no writer of events asks for.
   */
  async seal(): Promise<number> {
    const [{ sealed }] = await this.dataSource.query<[{ sealed: number }]>('SELECT seal_audit_events($1) AS sealed', [BATCH]);
    return sealed;
  }

  /** Of events that are not what was written, those that redactions made what they are: later events name the digests, one after the other. */
  async redacted(ids: readonly string[]): Promise<string[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      `WITH RECURSIVE named AS MATERIALIZED (
         SELECT r.id AS at, d.id::bigint AS id, d."from", d."to"
         FROM audit_events r CROSS JOIN LATERAL jsonb_to_recordset(r.after -> 'events') AS d (id text, "from" text, "to" text)
         WHERE r.action = 'audit.redact' AND jsonb_typeof(r.after -> 'events') = 'array' AND d.id = ANY ($1::text[])
       ), reached AS (
         SELECT n.at, n.id, n."to" FROM named n LEFT JOIN audit_chain c ON c.event_id = n.id LEFT JOIN audit_unsealed u ON u.event_id = n.id
         WHERE n."from" = encode(coalesce(c.digest, u.digest), 'hex')
         UNION
         SELECT n.at, n.id, n."to" FROM reached p JOIN named n ON n.id = p.id AND n."from" = p."to" AND n.at > p.at
       )
       SELECT DISTINCT e.id::text AS id FROM reached d JOIN audit_events e ON e.id = d.id WHERE d."to" = encode(audit_event_digest(e), 'hex')`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }

  async head(): Promise<ChainHead> {
    const rows: ChainHead[] = await this.dataSource.query(`SELECT position, encode(hash, 'hex') AS hash FROM audit_chain ORDER BY position DESC LIMIT 1`);
    return rows[0] ?? { position: '0', hash: '0'.repeat(64) };
  }

  /** Whether that place of the chain bears that hash. */
  async holds({ position, hash }: ChainHead): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(`SELECT 1 FROM audit_chain WHERE position = $1 AND hash = decode($2, 'hex')`, [position, hash]);
    return rows.length === 1;
  }

  /** The next places after one, each with what is wrong there. A place that is missing breaks the one after it. */
  async links(after: string): Promise<CheckedEvent[]> {
    return this.dataSource.query(
      `SELECT c.event_id AS "eventId", c.position, CASE
         WHEN p.hash IS NULL AND c.position > 1 OR c.hash <> sha256(coalesce(p.hash, decode(repeat('00', 32), 'hex')) || int8send(c.position) || c.digest) THEN 'broken'
         ELSE ${WRITTEN('e', 'c.digest')} END AS kind
       FROM audit_chain c LEFT JOIN audit_chain p ON p.position = c.position - 1 LEFT JOIN audit_events e ON e.id = c.event_id
       WHERE c.position > $1 ORDER BY c.position LIMIT ${BATCH}`,
      [after],
    );
  }

  /** The next events after one that wait for their places, each with what is wrong with it. */
  async unsealed(after: string): Promise<CheckedEvent[]> {
    return this.dataSource.query(
      `SELECT u.event_id AS "eventId", NULL AS position, ${WRITTEN('e', 'u.digest')} AS kind
       FROM audit_unsealed u LEFT JOIN audit_events e ON e.id = u.event_id WHERE u.event_id > $1 ORDER BY u.event_id LIMIT ${BATCH}`,
      [after],
    );
  }

  /** The next events after one; `inserted` are those that neither have a place nor wait for one. */
  async events(after: string): Promise<CheckedEvent[]> {
    return this.dataSource.query(
      `SELECT e.id AS "eventId", NULL AS position, CASE WHEN NOT EXISTS (SELECT FROM audit_chain c WHERE c.event_id = e.id)
         AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.event_id = e.id) THEN 'inserted' END AS kind
       FROM audit_events e WHERE e.id > $1 ORDER BY e.id LIMIT ${BATCH}`,
      [after],
    );
  }
}
