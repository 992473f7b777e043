import { type AuditEventDto } from './audit-event.dto';

export class AuditEventPage {
  items: AuditEventDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
