import { type DataSource } from 'typeorm';

export interface TableState {
  table: string;
  live: number;
  dead: number;
  /** Since the last vacuum; null: there was none. */
  vacuumedHoursAgo: number | null;
}

/** Questions about our tables and indexes, by catalogs and statistics. */
export class TablesRepository {
  constructor(private readonly dataSource: DataSource) {}

  async migrationsDone(): Promise<string[]> {
    const rows: { name: string }[] = await this.dataSource.query(`SELECT name FROM migrations`);
    return rows.map(({ name }) => name);
  }

  indexes(): Promise<{ name: string; valid: boolean }[]> {
    return this.dataSource.query(
      `SELECT i.relname AS name, x.indisvalid AND x.indisready AS valid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
       WHERE i.relnamespace = current_schema()::regnamespace`,
    );
  }

  /** Tables in which most of what is there is dead. */
  bloated(atRows: number, share: number): Promise<TableState[]> {
    return this.dataSource.query(
      `SELECT relname AS table, n_live_tup::float8 AS live, n_dead_tup::float8 AS dead,
         (extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum)) / 3600)::integer AS "vacuumedHoursAgo"
       FROM pg_stat_user_tables WHERE schemaname = current_schema() AND n_dead_tup > $1 AND n_dead_tup > n_live_tup * $2::float8 ORDER BY n_dead_tup DESC LIMIT 5`,
      [atRows, share],
    );
  }

  sequences(share: number): Promise<{ name: string; used: number }[]> {
    return this.dataSource.query(
      `SELECT sequencename AS name, (last_value::float8 / max_value) AS used FROM pg_sequences
       WHERE schemaname = current_schema() AND last_value IS NOT NULL AND last_value::float8 / max_value > $1 ORDER BY 2 DESC`,
      [share],
    );
  }
}
