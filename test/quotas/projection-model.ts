import { dateOf, DAY_MS, type LocalDays } from '../support/local-days';

export interface Plan {
  name: string;
  /** Null: unlimited. */
  quota: number | null;
}

interface Override {
  quota: number;
  expiresAt: number;
}

/** When days begin: by the setting, or by a plan's own hour. */
export interface Hours {
  setting: string;
  plans: Map<string, string>;
}

/** What the service must answer for one user, reckoned from product.md alone. */
export class QuotaModel {
  used = 0;
  next: Plan | null = null;
  override: Override | null = null;

  constructor(
    public day: number,
    public periodZone: LocalDays,
    /** The zone that the user is in. */
    public place: LocalDays,
    public plan: Plan,
    private readonly hours: Hours = { setting: '00:00', plans: new Map() },
  ) {}

  /** Zone and hour that are in force. */
  get zone(): LocalDays {
    return this.place.beginningAt(this.hour);
  }

  get hour(): string {
    return this.hours.plans.get(this.plan.name) ?? this.hours.setting;
  }

  get start(): number {
    return this.periodZone.startOf(this.day) as number;
  }

  get end(): number {
    const { zone, start } = this;
    return zone.firstStartFrom(zone === this.periodZone ? start + 1 : Math.max(start + DAY_MS, zone.startOf(this.day) as number));
  }

  /** As it reads at an instant: what is over reads as the next period, and nothing is written by reading. */
  at(now: number): QuotaModel {
    const seen = Object.assign(new QuotaModel(this.day, this.periodZone, this.place, this.plan), this);
    if (now < this.end) return seen;
    return Object.assign(seen, { day: this.zone.dayAt(now), periodZone: this.zone, used: 0, plan: this.next ?? this.plan, next: null });
  }

  /** What is written by whoever changes something. */
  open(now: number): void {
    Object.assign(this, this.at(now));
  }

  limit(now: number): number | null {
    return this.override && now < this.override.expiresAt ? this.override.quota : this.plan.quota;
  }

  charge(now: number, cost: number): boolean {
    const seen = this.at(now);
    const limit = seen.limit(now);
    if (limit !== null && seen.used + cost > limit) return false;
    this.open(now);
    this.used += cost;
    return true;
  }

  assign(now: number, plan: Plan): void {
    this.open(now);
    const less = plan.quota !== null && (this.plan.quota === null || plan.quota < this.plan.quota);
    this.next = less ? plan : null;
    if (!less) this.plan = plan;
  }

  answer(now: number): object {
    const seen = this.at(now);
    const limit = seen.limit(now);
    return {
      limit,
      used: seen.used,
      remaining: limit === null ? null : Math.max(0, limit - seen.used),
      tier: seen.plan.name,
      timeZone: seen.place.zone,
      dayStartsAt: seen.hour,
      periodStart: new Date(seen.start).toISOString(),
      resetsAt: new Date(seen.end).toISOString(),
    };
  }

  today(now: number): object {
    const seen = this.at(now);
    return { date: dateOf(seen.day), limit: seen.limit(now) };
  }
}
