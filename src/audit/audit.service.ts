import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Actor } from '../common/principal';
import { cursorAt, cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { ValidationProblem } from '../http/problem';
import { AuditLogRepository } from './audit-log.repository';
import { AuditEventDto } from './dto/audit-event.dto';
import { ListAuditEventsQuery } from './dto/list-audit-events.dto';
import { AuditEvent } from './entities/audit-event.entity';

export interface AuditEntry {
  /** What was done, as `<target>.<verb>`: `user.update`, `tier.create`. */
  action: string;
  target: [kind: string, id: string | number];
  before?: unknown;
  after?: unknown;
  reason?: string | null;
}

/**
 * The record of every administrative change. Always true: an event commits with its change, or not at all,
 * and holds no secret.
 */
@Injectable()
export class AuditService {
  constructor(private readonly log: AuditLogRepository) {}

  async record(tx: EntityManager, actor: Actor, { action, target, before, after, reason }: AuditEntry): Promise<void> {
    await tx.insert(AuditEvent, {
      actorId: actor.id,
      actorKind: actor.kind,
      actorKeyId: actor.keyId ?? null,
      action,
      targetKind: target[0],
      targetId: String(target[1]),
      before: (before ?? null) as object,
      after: (after ?? null) as object,
      reason: reason ?? actor.reason ?? null,
      requestId: actor.requestId,
    });
  }

  /** Newest first; a page may hold fewer than asked for, or none, and still not be the last. @param from where it is read; default: the primary */
  async list(query: ListAuditEventsQuery, from?: EntityManager): Promise<Page<AuditEventDto>> {
    const { limit: _, cursor, ...filters } = query;
    assertInOrder(filters);
    const chosen = { list: 'audit-events', ...filters };
    const before = cursorPosition(cursor, chosen);
    const size = pageSize(query);
    const rows = await this.log.list(filters, before, size + 1, from);
    const names = await this.log.serviceAccounts([...new Set(rows.flatMap(({ actorId }) => actorId ?? []))], from);
    const page = toPage(
      rows,
      size,
      chosen,
      (row) => row.id,
      (row) => AuditEventDto.of(row, names.get(row.actorId ?? 0)),
    );
    if (page.nextCursor !== null) return page;
    const last = await this.log.lastLookedAt(filters, before, from);
    return last === null ? page : { ...page, nextCursor: cursorAt(last, chosen) };
  }
}

/** A list of no time at all would be empty, which does not show the mistake. */
function assertInOrder({ since, until }: Pick<ListAuditEventsQuery, 'since' | 'until'>): void {
  if (since === undefined || until === undefined || Date.parse(since) <= Date.parse(until)) return;
  throw new ValidationProblem([{ pointer: '#/query/since', detail: 'is after `until`', code: 'out-of-order' }]);
}
