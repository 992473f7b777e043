import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export const REQUEST_STATUSES = ['pending', 'processing', 'succeeded', 'failed', 'canceled', 'expired'] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** Final states never change. */
export function isFinal(status: RequestStatus): boolean {
  return status !== 'pending' && status !== 'processing';
}

const PENDING = "status = 'pending'";

/** One metered act. The table is the ledger: the user's counter is the sum of (cost − refunded units) over its period, but for what was drawn elsewhere. */
@Entity('requests')
@Index('requests_user_id_id_idx', ['userId', 'id'])
@Index('requests_type_created_at_idx', ['type', 'createdAt'], { where: `${PENDING} AND available_at IS NULL` })
@Index('requests_type_user_id_created_at_idx', ['type', 'userId', 'createdAt'], { where: `${PENDING} AND available_at IS NULL` })
@Index('requests_type_available_at_idx', ['type', 'availableAt'], { where: `${PENDING} AND available_at IS NOT NULL` })
@Index('requests_type_lease_expires_at_idx', ['type', 'leaseExpiresAt'], { where: "status = 'processing'" })
@Index('requests_lease_expires_at_idx', ['leaseExpiresAt'], { where: "status = 'processing' AND held" })
@Index('requests_deadline_at_idx', ['deadlineAt'], { where: `${PENDING} AND deadline_at IS NOT NULL` })
@Index('requests_status_id_idx', ['status', 'id'], { where: "status IN ('failed', 'canceled', 'expired')" })
@Index('requests_in_flight_idx', ['userId'], { where: "counts_in_flight AND status IN ('pending', 'processing')" })
@Index('requests_user_id_charged_on_idx', ['userId', 'chargedOn'], {
  where: "refunded_units > 0 AND status IN ('failed', 'canceled', 'expired')",
})
@Check('requests_type_check', "type <> '' AND left(type, 1) NOT IN ('.', '_', '-') AND translate(type, 'abcdefghijklmnopqrstuvwxyz0123456789._-', '') = ''")
@Check('requests_status_check', "status IN ('pending', 'processing', 'succeeded', 'failed', 'canceled', 'expired')")
@Check('requests_cost_check', 'cost > 0')
@Check('requests_refunded_units_check', 'refunded_units >= 0 AND refunded_units <= cost')
@Check('requests_drawn_units_check', 'drawn_units >= 0 AND drawn_units <= cost')
@Check('requests_used_at_charge_check', 'used_at_charge >= cost - drawn_units AND (used_at_charge <= limit_at_charge OR drawn_units = cost)')
@Check('requests_attempt_check', "attempt >= CASE WHEN status = 'processing' THEN 1 ELSE 0 END")
@Check('requests_lease_expires_at_check', "(lease_expires_at IS NOT NULL) = (status = 'processing')")
@Check('requests_available_at_check', "available_at IS NULL OR status = 'pending'")
@Check('requests_finished_at_check', "finished_at IS NULL OR status NOT IN ('pending', 'processing')")
@Check('requests_held_check', "NOT held OR status <> 'pending'")
export class Request {
  /** UUIDv7 by the database's clock, so ids sort by time. */
  @PrimaryColumn({ type: 'uuid', default: () => 'next_request_id()', primaryKeyConstraintName: 'requests_pkey' })
  id: string;

  @ForeignKey('User', { name: 'requests_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  /** The key that submitted it. No foreign key: the ledger outlives keys, and a charge does not pay for the check. */
  @Column({ name: 'api_key_id', type: 'integer', nullable: true })
  apiKeyId: number | null;

  @Column({ type: 'varchar', length: 50 })
  type: string;

  @Column({ type: 'varchar', length: 20, default: 'pending' })
  status: RequestStatus;

  /** Units charged at submit. */
  @Column({ type: 'integer', default: 1 })
  cost: number;

  @Column({ name: 'refunded_units', type: 'integer', default: 0 })
  refundedUnits: number;

  /** Of the cost, what the day's own units did not pay: the table `request_draws` has what did. They are refunded first. */
  /** The counters of limits beside the day that it was charged to; null: none. */
  @Column({ name: 'limits_charged', type: 'jsonb', nullable: true })
  limitsCharged: { name: string; period: string; starts_at: string }[] | null;

  @Column({ name: 'drawn_units', type: 'integer', default: 0 })
  drawnUnits: number;

  /** Whether it was held against a limit of units in flight, and counts for it until it ends. */
  @Column({ name: 'counts_in_flight', type: 'boolean', default: false })
  countsInFlight: boolean;

  /** The period charged: its local day and, beside it, its fold (see `User.quotaResetFold`). */
  @Column({ name: 'charged_on', type: 'date' })
  chargedOn: string;

  @Column({ name: 'charged_fold', type: 'smallint', default: 0 })
  chargedFold: number;

  /** The quota that this charge was held against; null when unlimited. */
  @Column({ name: 'limit_at_charge', type: 'integer', nullable: true })
  limitAtCharge: number | null;

  /** The user's counter just after this charge; null in rows that other programs wrote. */
  @Column({ name: 'used_at_charge', type: 'integer', nullable: true })
  usedAtCharge: number | null;

  @Column({ type: 'jsonb', default: {} })
  payload: unknown;

  @Column({ type: 'jsonb', nullable: true })
  result: unknown;

  @Column({ type: 'jsonb', nullable: true })
  error: unknown;

  /** How often it was begun. Whoever works on it must name the number it got: that fences off those who lost their lease. */
  @Column({ type: 'integer', default: 0 })
  attempt: number;

  /** Attempts that it has at most, as the settings were when it was last claimed. */
  @Column({ name: 'max_attempts', type: 'integer', nullable: true })
  maxAttempts: number | null;

  /** A reservation of the gateway: nobody tries again, and when its lease runs out it counts as succeeded. */
  @Column({ type: 'boolean', default: false })
  held: boolean;

  /** Set while it waits for its next attempt. */
  @Column({ name: 'available_at', type: 'timestamptz', nullable: true })
  availableAt: Date | null;

  @Column({ name: 'lease_expires_at', type: 'timestamptz', nullable: true })
  leaseExpiresAt: Date | null;

  /** Past it the request expires, wherever it is; no lease reaches beyond. */
  @Column({ name: 'deadline_at', type: 'timestamptz', nullable: true })
  deadlineAt: Date | null;

  /** Its worker learns of it at the next heartbeat. */
  @Column({ name: 'cancel_requested_at', type: 'timestamptz', nullable: true })
  cancelRequestedAt: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  /** When the attempt began. */
  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt: Date | null;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
