import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';

/** Events in one transaction, which keeps writers of the log waiting for some hundredths of a second. */
export const REDACTED_AT_ONCE = 100;

/** What became of one event: its digest as it was found, which is not the chain's where somebody had changed it, and as it is now. Hexadecimal. */
export interface Redaction {
  id: string;
  from: string;
  to: string;
}

/** The addresses among the members of a document, as the log keeps them since there are digests. */
const digested = (document: string) =>
  `${document} || (SELECT coalesce(jsonb_object_agg(m.key, 'sha256:' || encode(sha256(convert_to(lower(m.value), 'UTF8')), 'hex')), '{}')
     FROM jsonb_each_text(${document}) m WHERE m.key IN ('email', 'pendingEmail') AND m.value NOT LIKE 'sha256:%')`;

const holdsAddress = (document: string) =>
  `jsonb_typeof(${document}) = 'object' AND (${document} ->> 'email' NOT LIKE 'sha256:%' OR ${document} ->> 'pendingEmail' NOT LIKE 'sha256:%')`;

const WITH_ADDRESS = `((${holdsAddress('e.before')}) OR (${holdsAddress('e.after')}))`;
const OF_USER = `e.target_kind = 'user' AND e.target_id = $3 AND e.action <> 'audit.redact' AND (e.before IS NOT NULL OR e.after IS NOT NULL)`;

/** Changes events that are there, which the log refuses but to its owner. Each change is the caller's to record, in the same transaction. */
@Injectable()
export class AuditRedactionRepository {
  /** Until the transaction ends events can be changed, and nobody adds one. @throws when the role does not own the tables */
  async open(tx: EntityManager): Promise<void> {
    await tx.query(`ALTER TABLE audit_events DISABLE TRIGGER audit_events_refuse_change`);
  }

  async close(tx: EntityManager): Promise<void> {
    await tx.query(`ALTER TABLE audit_events ENABLE TRIGGER audit_events_refuse_change`);
  }

  /** Replaces addresses by their digests in the next events after one. */
  addresses(tx: EntityManager, after: string): Promise<Redaction[]> {
    const set = (document: string) => `CASE WHEN ${holdsAddress(`e.${document}`)} THEN ${digested(`e.${document}`)} ELSE e.${document} END`;
    return this.redact(tx, `before = ${set('before')}, after = ${set('after')}`, WITH_ADDRESS, [after, REDACTED_AT_ONCE]);
  }

  /** Takes what changed out of the next events about a user. */
  contents(tx: EntityManager, after: string, userId: string): Promise<Redaction[]> {
    return this.redact(tx, 'before = NULL, after = NULL', OF_USER, [after, REDACTED_AT_ONCE, userId]);
  }

  private async redact(tx: EntityManager, change: string, which: string, values: unknown[]): Promise<Redaction[]> {
    const [rows] = await tx.query<[Redaction[], number]>(
      `UPDATE audit_events e SET ${change}
       FROM (SELECT e.id, audit_event_digest(e) AS digest FROM audit_events e WHERE e.id > $1 AND ${which} ORDER BY e.id LIMIT $2) was
       WHERE e.id = was.id RETURNING e.id::text AS id, encode(was.digest, 'hex') AS "from", encode(audit_event_digest(e), 'hex') AS "to"`,
      values,
    );
    return rows.sort((a, b) => Number(a.id) - Number(b.id));
  }
}
