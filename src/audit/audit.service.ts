import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, type EntityManager, type FindOperator, LessThan, MoreThanOrEqual, Repository } from 'typeorm';
import { definedOnly } from '../common/defined-only';
import { type Actor } from '../common/principal';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { ValidationProblem } from '../http/problem';
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
  constructor(@InjectRepository(AuditEvent) private readonly events: Repository<AuditEvent>) {}

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

  /** Newest first. @param from where it is read; default: the primary */
  async list(query: ListAuditEventsQuery, from?: EntityManager): Promise<Page<AuditEventDto>> {
    const { limit: _, cursor, ...filters } = query;
    const { since, until, ...equal } = filters;
    assertInOrder(filters);
    const chosen = { list: 'audit-events', ...filters };
    const after = cursorPosition(cursor, chosen);
    const size = pageSize(query);
    const rows = await (from?.getRepository(AuditEvent) ?? this.events).find({
      where: { ...definedOnly(equal), ...within(since, until), ...(after === null ? {} : { id: LessThan(after) }) },
      order: { id: 'DESC' },
      take: size + 1,
    });
    return toPage(rows, size, chosen, (row) => row.id, AuditEventDto.of);
  }
}

/** From `since` on, and before `until`. */
function within(since: string | undefined, until: string | undefined): { createdAt?: FindOperator<Date> } {
  const bounds = [...(since === undefined ? [] : [MoreThanOrEqual(new Date(since))]), ...(until === undefined ? [] : [LessThan(new Date(until))])];
  return bounds.length === 0 ? {} : { createdAt: And(...bounds) };
}

/** A list of no time at all would be empty, which does not show the mistake. */
function assertInOrder({ since, until }: Pick<ListAuditEventsQuery, 'since' | 'until'>): void {
  if (since === undefined || until === undefined || Date.parse(since) <= Date.parse(until)) return;
  throw new ValidationProblem([{ pointer: '#/query/since', detail: 'is after `until`', code: 'out-of-order' }]);
}
