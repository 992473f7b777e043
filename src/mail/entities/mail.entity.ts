import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { type SealedValue } from '../../settings/secret-box';

export type MailState = 'waiting' | 'sent' | 'failed';

/** A mail, from the transaction that asks for it until it is forgotten. Its contents are sealed while it waits, and gone when it does not. */
@Entity('mails')
@Index('mails_due_idx', ['dueAt', 'id'], { where: "state = 'waiting'" })
@Index('mails_ended_at_idx', ['endedAt'], { where: 'ended_at IS NOT NULL' })
@Check('mails_state_check', "state IN ('waiting', 'sent', 'failed')")
@Check('mails_contents_check', "(state = 'waiting') = (contents IS NOT NULL) AND (state = 'waiting') = (ended_at IS NULL)")
export class Mail {
  /** Also the left part of its Message-ID: the same at each try. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'mails_pkey' })
  id: string;

  /** Whose account it is about; it goes with them. Null: nobody's. */
  @Index('mails_user_id_idx')
  @ForeignKey('User', { name: 'mails_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer', nullable: true })
  userId: number | null;

  @Column({ type: 'varchar', length: 60 })
  template: string;

  @Column({ type: 'varchar', length: 10, default: 'waiting' })
  state: MailState;

  /** Address and parameters, sealed: tokens are among them. */
  @Column({ type: 'jsonb', nullable: true })
  contents: SealedValue | null;

  /** Tries that were begun. */
  @Column({ type: 'integer', default: 0 })
  attempts: number;

  /** When the next try is due; while one is under way, when its lease ends. */
  @Column({ name: 'due_at', type: 'timestamptz', default: () => 'now()' })
  dueAt: Date;

  /** After that it is of no use, and not sent any more. */
  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  /** Why the last try failed; null while one is under way. */
  @Column({ type: 'varchar', length: 300, nullable: true })
  error: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
