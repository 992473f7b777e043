import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** What is known of an account's address, beside the account: a charge writes the row of `users` anew, and none of this. */
@Entity('address_proofs')
@Check('address_proofs_proven_email_check', '(proven_email IS NULL) = (proven_at IS NULL)')
export class AddressProof {
  @ForeignKey('User', { name: 'address_proofs_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'address_proofs_pkey' })
  userId: number;

  /** The address that was proven last, in lower case. It counts while it is the account's: whoever changes that by plain SQL ends the proof. */
  @Column({ name: 'proven_email', type: 'varchar', length: 255, nullable: true })
  provenEmail: string | null;

  @Column({ name: 'proven_at', type: 'timestamptz', nullable: true })
  provenAt: Date | null;

  /** The address that the account gets once it is proven, as typed. */
  @Column({ name: 'pending_email', type: 'varchar', length: 255, nullable: true })
  pendingEmail: string | null;
}
