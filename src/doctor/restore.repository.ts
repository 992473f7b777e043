import { type DataSource } from 'typeorm';

export interface Restored {
  /** Seconds since the newest request was made; null: there is none. Negative: it is of the future. */
  newestSecondsAgo: number | null;
  newestAt: Date | null;
  /** Users who have spent something of the day that is now. */
  spentToday: number;
}

interface IdentityColumn {
  table: string;
  column: string;
  sequence: string;
}

interface SequenceBehind {
  table: string;
  /** The statement that puts it right. */
  mend: string;
}

/** What a restored database is asked. Reads every user. */
export class RestoreRepository {
  constructor(private readonly dataSource: DataSource) {}

  async state(): Promise<Restored> {
    const [state] = await this.dataSource.query<[Restored]>(
      `SELECT n.created_at AS "newestAt", extract(epoch FROM now() - n.created_at)::float8 AS "newestSecondsAgo",
         (SELECT count(*)::integer FROM users WHERE api_quota_used_today > 0 AND quota_reset_date >= (now() AT TIME ZONE 'UTC')::date - 1) AS "spentToday"
       FROM (SELECT (SELECT created_at FROM requests ORDER BY id DESC LIMIT 1) AS created_at) n`,
    );
    return state;
  }

  /** Tables whose next id is one that is there already. */
  async sequencesBehind(): Promise<SequenceBehind[]> {
    const columns: IdentityColumn[] = await this.dataSource.query(
      `SELECT table_name AS "table", column_name AS "column", pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
       FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`,
    );
    const behind: SequenceBehind[] = [];
    for (const { table, column, sequence } of columns) {
      const [{ late }] = await this.dataSource.query<[{ late: boolean }]>(
        `SELECT coalesce((SELECT max("${column}") FROM "${table}") > (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM ${sequence}), false) AS late`,
      );
      if (late) behind.push({ table, mend: `SELECT setval('${sequence}', max(${column})) FROM ${table}` });
    }
    return behind;
  }
}
