import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export interface UnknownZone {
  column: 'time_zone' | 'quota_reset_zone';
  zone: string;
  users: number;
}

@Injectable()
export class StoredValuesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The zones of users that this PostgreSQL does not know. Skips from one zone to the next along the index: users do not count. */
  async unknownZones(): Promise<string[]> {
    const rows: { zone: string }[] = await this.dataSource.query(
      `WITH RECURSIVE zone AS (
         SELECT min(time_zone) AS name FROM users
         UNION ALL
         SELECT (SELECT min(u.time_zone) FROM users u WHERE u.time_zone > z.name) FROM zone z WHERE z.name IS NOT NULL
       ) SELECT name AS zone FROM zone WHERE NOT quota_zone_known(name)`,
    );
    return rows.map(({ zone }) => zone);
  }

  /** All unknown zones, with how many users have each. Reads every user: for the audit. */
  async countUnknownZones(): Promise<UnknownZone[]> {
    return this.dataSource.query(
      `SELECT c.column, c.zone, c.users FROM (
         SELECT 'time_zone' AS column, time_zone AS zone, count(*)::integer AS users FROM users GROUP BY time_zone
         UNION ALL
         SELECT 'quota_reset_zone', quota_reset_zone, count(*)::integer FROM users GROUP BY quota_reset_zone
       ) c WHERE NOT quota_zone_known(split_part(c.zone, '@', 1)) ORDER BY 1, 2`,
    );
  }
}
