import { type AuditEvent } from '../entities/audit-event.entity';

export class AuditActorDto {
  /** `user` by a session, `key` by an API key, `command` on the command line, `system` by itself. */
  kind: 'user' | 'key' | 'command' | 'system';
  /** The user, also behind a key; null on the command line. */
  id: number | null;
  /** The API key; null for a session, on the command line, and in events of before 0.2. */
  keyId: number | null;
  /** The name of the service account that the key belongs to, as it is now; absent where it belongs to a person. */
  serviceAccount?: string;
}

export class AuditTargetDto {
  kind: string;
  id: string;
}

export class AuditEventDto {
  id: string;
  /** What was done, such as `user.update`. */
  action: string;
  actor: AuditActorDto;
  target: AuditTargetDto;
  /** What it was, as far as it was changed; null when it was not there. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  reason: string | null;
  /** The `X-Request-Id` of the call that did it. */
  requestId: string | null;
  createdAt: Date;

  static of(event: AuditEvent, serviceAccount?: string): AuditEventDto {
    return {
      id: event.id,
      action: event.action,
      actor: { kind: event.actorKind, id: event.actorId, keyId: event.actorKeyId, ...(serviceAccount === undefined ? {} : { serviceAccount }) },
      target: { kind: event.targetKind, id: event.targetId },
      before: event.before as Record<string, unknown> | null,
      after: event.after as Record<string, unknown> | null,
      reason: event.reason,
      requestId: event.requestId,
      createdAt: event.createdAt,
    };
  }
}
