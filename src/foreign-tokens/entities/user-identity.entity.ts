import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Who at an identity provider is which user here. */
@Entity('user_identities')
@Check('user_identities_subject_check', "subject <> ''")
export class UserIdentity {
  @PrimaryColumn({ type: 'varchar', length: 500, primaryKeyConstraintName: 'user_identities_pkey' })
  issuer: string;

  /** What the issuer calls them. */
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'user_identities_pkey' })
  subject: string;

  @Index('user_identities_user_id_idx')
  @ForeignKey('User', { name: 'user_identities_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  /** The plan that the issuer asked for last: only another one changes the user's. */
  @Column({ type: 'varchar', length: 50, nullable: true })
  tier: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
