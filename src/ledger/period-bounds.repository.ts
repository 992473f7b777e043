import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { DataSource } from 'typeorm';

export interface Bounds {
  /** Milliseconds since 1970. */
  startsAt: number;
  endsAt: number;
}

/**
 * When a period begins and ends. The database reckons it, by the functions that every reader uses; users of one zone
 * share their days, so its answers are kept.
 */
@Injectable()
export class PeriodBoundsRepository {
  private readonly known = new BoundedCache<string, Bounds>(5_000);

  constructor(private readonly dataSource: DataSource) {}

  /** Those that are known; `undefined`: ask `find`. */
  peek(day: string, periodZone: string, zone: string): Bounds | undefined {
    return this.known.get(`${day} ${periodZone} ${zone}`);
  }

  async find(day: string, periodZone: string, zone: string): Promise<Bounds> {
    const kept = this.peek(day, periodZone, zone);
    if (kept) return kept;
    const [bounds] = await this.dataSource.query<[Bounds]>(
      `SELECT (extract(epoch FROM quota_day_start($1::date, $2)) * 1000)::float8 AS "startsAt",
         (extract(epoch FROM quota_period_end($1::date, $2, $3)) * 1000)::float8 AS "endsAt"`,
      [day, periodZone, zone],
    );
    this.known.set(`${day} ${periodZone} ${zone}`, bounds);
    return bounds;
  }
}
