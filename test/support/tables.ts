import { type Service } from './service';

/** Every row of every table as text, to look for what must not be there. */
export async function dumpOf({ sql }: Service): Promise<string> {
  const tables = await sql<{ name: string }>(`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`);
  const rows = await Promise.all(tables.map(({ name }) => sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)));
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}
