import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { QuotaGrant } from './quota-grant.entity';
import { Request } from './request.entity';

/** What units that the day did not pay were drawn on: a grant, or nothing that there was. */
export type DrawSource = 'grant' | 'overage' | 'shadow';

/**
 * A part of a request's cost that the day's own units did not pay. Never changed: the units of a request are numbered from 0, those
 * of its draws are the last ones, and a refund gives the last ones back first.
 */
@Entity('request_draws')
@Index('request_draws_grant_id_idx', ['grantId'])
@Check('request_draws_begins_check', 'begins >= 0')
@Check('request_draws_units_check', 'units > 0')
@Check('request_draws_source_check', "source IN ('grant', 'overage', 'shadow') AND (source = 'grant') = (grant_id IS NOT NULL)")
export class RequestDraw {
  @ForeignKey(() => Request, 'id', { name: 'request_draws_request_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'request_id', type: 'uuid', primaryKeyConstraintName: 'request_draws_pkey' })
  requestId: string;

  /** The number of its first unit among those of the request. */
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'request_draws_pkey' })
  begins: number;

  @Column({ type: 'integer' })
  units: number;

  @Column({ type: 'varchar', length: 10 })
  source: DrawSource;

  /** The grant that paid, where one did. */
  @ForeignKey(() => QuotaGrant, 'id', { name: 'request_draws_grant_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'grant_id', type: 'integer', nullable: true })
  grantId: number | null;
}
