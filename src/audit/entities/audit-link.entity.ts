import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** A place in the chain of the audit log: its hash covers the one before, so whatever came earlier cannot be changed without being found. */
@Entity('audit_chain')
@Unique('audit_chain_event_id_key', ['eventId'])
@Check('audit_chain_digest_check', 'octet_length(digest) = 32')
@Check('audit_chain_hash_check', 'octet_length(hash) = 32')
export class AuditLink {
  /** From 1, without gaps. */
  @PrimaryColumn({ type: 'bigint', primaryKeyConstraintName: 'audit_chain_pkey' })
  position: string;

  @Column({ name: 'event_id', type: 'bigint' })
  eventId: string;

  /** SHA-256 of the event as it was written. */
  @Column({ type: 'bytea' })
  digest: Buffer;

  /** SHA-256 of the hash before, the position and the digest. */
  @Column({ type: 'bytea' })
  hash: Buffer;

  @Column({ name: 'sealed_at', type: 'timestamptz', default: () => 'now()' })
  sealedAt: Date;
}
