import { type Service } from './service';

const HOUR_MS = 3_600_000;
const STEP_MS = 6 * HOUR_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Days are counted from 1970-01-01 in the plain calendar. */
export const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / DAY_MS;
export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/**
 * The days of a zone as Intl.DateTimeFormat has them, reckoned without any of the service's SQL: stretches of one offset,
 * found by looking every six hours and halving, and for each day the first instant of any stretch that bears its date.
 */
export class LocalDays {
  /** Where each stretch begins, and its offset, in milliseconds. */
  readonly stretches: { from: number; offset: number }[] = [];
  /** [day, first instant], in order. */
  readonly starts: [number, number][] = [];
  private readonly format: Intl.DateTimeFormat;
  private readonly startOfDay: Map<number, number>;
  private readonly byHour = new Map<string, LocalDays>();

  constructor(
    readonly zone: string,
    private readonly from: number,
    private readonly to: number,
    /** When its days begin, after its midnights, in milliseconds. */
    private readonly begins = 0,
    stretches?: LocalDays['stretches'],
  ) {
    const numeric = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const;
    this.format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...numeric });
    if (stretches !== undefined) this.stretches = stretches;
    else this.lookForStretches();
    this.startOfDay = this.firstInstants(to);
    this.starts.push(...[...this.startOfDay].sort((a, b) => a[1] - b[1]));
  }

  /** The same zone with days that begin at this hour, `HH:MM`. */
  beginningAt(hour: string): LocalDays {
    if (hour === '00:00') return this;
    const [hours, minutes] = hour.split(':').map(Number);
    const known = this.byHour.get(hour) ?? new LocalDays(this.zone, this.from, this.to, (hours * 60 + minutes) * 60_000, this.stretches);
    this.byHour.set(hour, known);
    return known;
  }

  private lookForStretches(): void {
    const { from, to } = this;
    for (let at = from; at < to; at += STEP_MS) {
      const offset = this.offsetAt(at);
      const known = this.stretches.at(-1);
      if (known?.offset !== offset) this.stretches.push({ from: known === undefined ? from : this.change(at - STEP_MS, at), offset });
    }
  }

  /** As the service names the two together. */
  get name(): string {
    return this.begins === 0 ? this.zone : `${this.zone}@${new Date(this.begins).toISOString().slice(11, 16)}`;
  }

  startOf(day: number): number | undefined {
    return this.startOfDay.get(day);
  }

  /** The day that an instant bears. By midnights it is the date, which clocks that are set back can show again; by an hour, the day that began last. */
  dayAt(at: number): number {
    if (this.begins > 0) return this.starts[this.indexFrom(at + 1) - 1][0];
    return Math.floor((at + this.offsetAt(at)) / DAY_MS);
  }

  /** The first beginning of a day at this instant or later. */
  firstStartFrom(at: number): number {
    return this.starts[this.indexFrom(at)]?.[1] ?? NaN;
  }

  private indexFrom(at: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle]?.[1] ?? Infinity) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private offsetAt(at: number): number {
    const [month, day, year, hour, minute, second] = this.format.format(at).split(/\D+/).map(Number) as [number, number, number, number, number, number];
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  }

  private change(before: number, after: number): number {
    const offset = this.offsetAt(after);
    while (after - before > 1_000) {
      const middle = before + Math.floor((after - before) / 2_000) * 1_000;
      if (this.offsetAt(middle) === offset) after = middle;
      else before = middle;
    }
    return after;
  }

  private firstInstants(to: number): Map<number, number> {
    const first = new Map<number, number>();
    this.stretches.forEach(({ from, offset }, i) => {
      const until = this.stretches[i + 1]?.from ?? to;
      const shift = this.begins - offset;
      for (let day = Math.floor((from - shift) / DAY_MS); day * DAY_MS + shift < until; day++) {
        if (!first.has(day)) first.set(day, Math.max(from, day * DAY_MS + shift));
      }
    });
    // The first day began before we looked.
    first.delete(Math.min(...first.keys()));
    return first;
  }
}

/** Whether PostgreSQL, by nothing but AT TIME ZONE, has the zone's offsets too. Governments change their minds, and releases of the two differ. */
export async function serverAgrees({ sql }: Service, { zone, stretches }: LocalDays, to: number): Promise<boolean> {
  const seconds = stretches.map(({ from }) => from / 1_000);
  const [{ agree }] = (await sql<{ agree: boolean }>(
    `WITH stretch AS (
       SELECT "from", coalesce(lead("from") OVER (ORDER BY "from"), $4) AS until, "offset"
       FROM unnest($2::float8[], $3::float8[]) AS s("from", "offset")
     )
     SELECT bool_and(extract(epoch FROM (to_timestamp(at) AT TIME ZONE $1) - (to_timestamp(at) AT TIME ZONE 'UTC')) = "offset") AS agree
     FROM stretch CROSS JOIN LATERAL (
       SELECT generate_series("from"::bigint, until::bigint - 1, 86400) UNION ALL SELECT until::bigint - 1
     ) probe(at)`,
    [zone, seconds, stretches.map(({ offset }) => offset / 1_000), to / 1_000],
  )) as [{ agree: boolean }];
  return agree;
}
