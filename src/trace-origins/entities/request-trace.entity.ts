import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** Where the submit of a request stands in its trace, for a day. */
@Entity('request_traces')
export class RequestTrace {
  @PrimaryColumn({ name: 'request_id', type: 'uuid', primaryKeyConstraintName: 'request_traces_pkey' })
  requestId: string;

  /** As W3C has it. */
  @Column({ type: 'varchar', length: 55 })
  traceparent: string;

  @Index('request_traces_created_at_idx')
  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
