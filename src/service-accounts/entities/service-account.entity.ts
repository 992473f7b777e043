import { Check, Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** An account that is a program's and no person's: nobody logs in to it, and it outlives whoever made it. */
@Entity('service_accounts')
@Unique('service_accounts_name_key', ['name'])
@Check('service_accounts_name_check', "name ~ '^[a-z0-9][a-z0-9._-]*$'")
export class ServiceAccount {
  @ForeignKey('User', { name: 'service_accounts_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'service_accounts_pkey' })
  userId: number;

  @Column({ type: 'varchar', length: 100 })
  name: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
