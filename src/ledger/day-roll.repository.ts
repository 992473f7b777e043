import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type BuiltStatement } from '../database/build-statement';
import { Connections } from '../database/connections';
import { StatementPool } from '../database/statement-pool';
import { COUNT, ROLL, ROLL_OTHERS, SURVEY } from './day-roll.sql';

/** A zone as `users.time_zone` names it; null: that of the users who inherit the system's. */
export type Zone = string | null;

/** The ids above `after`, up to `upto`, that leave the rest when divided by the stride, a power of two. */
export interface Slice {
  after: number;
  upto: number;
  stride: number;
  rest: number;
}

/** What the next users of a zone are like. */
export interface Survey {
  /** The last of their ids. */
  upto: number;
  seen: number;
  /** Those whose day is over. */
  due: number;
}

/** Closes the days that are over by short slices, each a statement and a commit of its own. */
@Injectable()
export class DayRollRepository implements OnApplicationShutdown {
  private readonly pool: StatementPool;

  /**
   * One connection, opened when there is something to do. It does not wait for the disk: a slice that a crash takes with it
   * is a day that is not closed *yet*, which changes no answer; and whatever is committed after it and waits, as every charge
   * does, brings it to the disk too.
   */
  constructor(
    private readonly dataSource: DataSource,
    connections: Connections,
  ) {
    this.pool = new StatementPool(connections, { application: 'quotidian close-out', size: 1, settings: { synchronous_commit: 'off' } });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.onApplicationShutdown();
  }

  /**
   * The zones that users have, and in which a day has begun since the instant, at midnight or at an hour that is set. Skips from one to the next along the index.
   *
   * @param since an instant as PostgreSQL writes it; null: all zones
   */
  async zonesDue(since: string | null): Promise<Zone[]> {
    const rows: { name: Zone }[] = await this.dataSource.query(
      `WITH RECURSIVE named AS (
         SELECT min(time_zone) AS name FROM users
         UNION ALL
         SELECT (SELECT min(u.time_zone) FROM users u WHERE u.time_zone > n.name) FROM named n WHERE n.name IS NOT NULL
       ), zone AS (
         SELECT NULL AS name, quota_default_zone() AS in_force
         UNION ALL
         SELECT name, CASE WHEN quota_zone_known(name) THEN name ELSE quota_default_zone() END FROM named WHERE name IS NOT NULL
       )
       SELECT name FROM zone WHERE $1::timestamptz IS NULL OR ($1::timestamptz AT TIME ZONE in_force)::date < (now() AT TIME ZONE in_force)::date
         OR EXISTS (
           SELECT FROM (SELECT DISTINCT '@' || (p.plan ->> 6) AS hour FROM jsonb_each(quota_plans()) AS p(name, plan)) h
           WHERE h.hour IS NOT NULL AND quota_day_at($1::timestamptz, in_force || h.hour) < quota_day_at(now(), in_force || h.hour))`,
      [since],
    );
    return rows.map(({ name }) => name);
  }

  async countUsers(zone: Zone): Promise<number> {
    const [row] = await this.send<{ users: number }>(COUNT, zone, {});
    return row?.users ?? 0;
  }

  /** The next users of the zone by id, `count` of them at most; null: there are none. */
  async survey(zone: Zone, after: number, count: number): Promise<Survey | null> {
    const [row] = await this.send<{ upto: number | null; seen: number; due: number }>(SURVEY, zone, { after, count });
    return row === undefined || row.upto === null ? null : { upto: row.upto, seen: row.seen, due: row.due };
  }

  /** Closes the plain days of a slice. @returns how many; users whom somebody holds are not among them */
  async roll(zone: Zone, slice: Slice): Promise<number> {
    const [row] = await this.send<{ closed: number }>(ROLL, zone, { ...slice });
    return row?.closed ?? 0;
  }

  /** Closes what `roll` leaves: after a change of zone or plan, or with an override. @returns how many */
  async rollOthers(zone: Zone, slice: Slice): Promise<number> {
    const [row] = await this.send<{ closed: number }>(ROLL_OTHERS, zone, { ...slice });
    return row?.closed ?? 0;
  }

  private send<Row extends object>(kinds: { named: BuiltStatement; inherited: BuiltStatement }, zone: Zone, values: Record<string, unknown>): Promise<Row[]> {
    const statement = zone === null ? kinds.inherited : kinds.named;
    return this.pool.run<Row>(statement, statement.values({ ...values, zone }));
  }
}
