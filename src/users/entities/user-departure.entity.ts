import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { type UserStatus } from './user.entity';

/** An account that was deleted and may still be restored. It is suspended meanwhile. */
@Entity('user_departures')
@Index('user_departures_removal_due_at_idx', ['removalDueAt'])
@Check('user_departures_status_before_check', "status_before IN ('active', 'suspended')")
export class UserDeparture {
  @ForeignKey('User', { name: 'user_departures_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_departures_pkey' })
  userId: number;

  /** What it is again once restored. */
  @Column({ name: 'status_before', type: 'varchar', length: 20 })
  statusBefore: UserStatus;

  @Column({ name: 'removal_due_at', type: 'timestamptz' })
  removalDueAt: Date;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
