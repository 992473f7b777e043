import { CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Operators were alerted to a state of things. */
@Entity('operator_alerts')
export class OperatorAlert {
  /** The type of its event. */
  @PrimaryColumn({ type: 'varchar', length: 60, primaryKeyConstraintName: 'operator_alerts_pkey' })
  type: string;

  /** When, the last time. */
  @CreateDateColumn({ name: 'alerted_at', type: 'timestamptz', default: () => 'now()' })
  alertedAt: Date;
}
