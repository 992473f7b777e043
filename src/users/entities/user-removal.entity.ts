import { CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** An account that was deleted and whose rows still go. */
@Entity('user_removals')
export class UserRemoval {
  @ForeignKey('User', { name: 'user_removals_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_removals_pkey' })
  userId: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
