import { Check, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** A code in place of the app's, for one use. One that was used has no row. */
@Entity('recovery_codes')
@Check('recovery_codes_code_hash_check', 'octet_length(code_hash) = 32')
export class RecoveryCode {
  @ForeignKey('User', { name: 'recovery_codes_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'recovery_codes_pkey' })
  userId: number;

  /** SHA-256: the code has 80 bits that nobody guesses. */
  @PrimaryColumn({ name: 'code_hash', type: 'bytea', primaryKeyConstraintName: 'recovery_codes_pkey' })
  codeHash: Buffer;
}
