import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** An audit event that has no place in the chain yet. A trigger writes it with the event, in the same transaction, so nobody waits for anybody. */
@Entity('audit_unsealed')
@Check('audit_unsealed_digest_check', 'octet_length(digest) = 32')
export class UnsealedEvent {
  @PrimaryColumn({ name: 'event_id', type: 'bigint', primaryKeyConstraintName: 'audit_unsealed_pkey' })
  eventId: string;

  /** SHA-256 of the event as it was written: a change before it is sealed is found as well. */
  @Column({ type: 'bytea' })
  digest: Buffer;
}
