import { Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { type SealedValue } from '../../settings/secret-box';

/** An authenticator app of a user. It counts once a code of it was shown. */
@Entity('second_factors')
export class SecondFactor {
  @ForeignKey('User', { name: 'second_factors_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'second_factors_pkey' })
  userId: number;

  /** What the app reckons its codes from, in base32, sealed. */
  @Column({ type: 'jsonb' })
  secret: SealedValue;

  /** When the first code was shown; null: it does not count yet. */
  @Column({ name: 'confirmed_at', type: 'timestamptz', nullable: true })
  confirmedAt: Date | null;

  /** The step of 30 s whose code was used last: neither it nor an earlier one is taken again. */
  @Column({ name: 'last_step', type: 'bigint', nullable: true })
  lastStep: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
