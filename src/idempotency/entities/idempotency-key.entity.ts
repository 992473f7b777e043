import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('idempotency_keys')
@Index('idempotency_keys_created_at_idx', { synchronize: false })
@Check('idempotency_keys_response_check', '(request_id IS NULL) <> (response_status IS NULL)')
export class IdempotencyKey {
  @ForeignKey('User', { name: 'idempotency_keys_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'idempotency_keys_pkey' })
  userId: number;

  /** The operation: a key used on two routes is two keys. */
  @PrimaryColumn({ type: 'varchar', length: 50, collation: 'C', primaryKeyConstraintName: 'idempotency_keys_pkey' })
  scope: string;

  @PrimaryColumn({ type: 'varchar', length: 255, collation: 'C', primaryKeyConstraintName: 'idempotency_keys_pkey' })
  key: string;

  /** SHA-256 of the canonical body, to distinguish a retry from another request under the same key. */
  @Column({ type: 'bytea' })
  fingerprint: Buffer;

  /** The request that was made. Its row may be gone before the key is. */
  @Column({ name: 'request_id', type: 'uuid', nullable: true })
  requestId: string | null;

  /** With `request_id`, what the call was answered first; the rest of it is in the call. Null in rows of before 0.2.0. */
  @Column({ name: 'request_status', type: 'varchar', length: 20, nullable: true })
  requestStatus: string | null;

  @Column({ name: 'request_cost', type: 'integer', nullable: true })
  requestCost: number | null;

  @Column({ name: 'charged_on', type: 'date', nullable: true })
  chargedOn: string | null;

  @Column({ name: 'deadline_at', type: 'timestamptz', nullable: true })
  deadlineAt: Date | null;

  @Column({ name: 'response_status', type: 'smallint', nullable: true })
  responseStatus: number | null;

  /** JSON as text: jsonb would give its members back in another order. */
  @Column({ name: 'response_body', type: 'text', nullable: true })
  responseBody: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
