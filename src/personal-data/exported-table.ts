/** How the rows of a table are exported. Every column stands in `columns` or `withheld`: a spec compares them with the schema. */
export interface ExportedTable {
  /** The member of the document, and of each line. */
  section: string;
  table: string;
  /** There is at most one row. */
  single?: boolean;
  /** In the order in which they are shown; names in camel case, instants (`…_at`) in UTC. */
  columns: readonly string[];
  /** Expressions in place of a column, of the row `t` and the user's id `$1`; also of what is no column. */
  shownAs?: Readonly<Record<string, string>>;
  /** Columns that are not exported, and why. */
  withheld?: Readonly<Record<string, string>>;
  /** Whose rows: a condition on `t` and `$1`. Default: `user_id`. */
  where?: string;
  /** The rows belong to the user's rows of another table, by its `id`: to those of each in turn. In place of `where`; `order` begins with the column. */
  of?: { table: string; column: string };
  /** Columns by which rows are read a batch at a time, from an index that begins with the user; with their types. */
  order: readonly (readonly [column: string, type: string])[];
}

/** A column's instant in UTC, as answers have it. */
export const instant = (column: string) => `to_char(t.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export function camelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What is selected of a row, named as it is shown. */
export function selectedOf({ columns, shownAs = {} }: ExportedTable): string {
  const shown = [...columns, ...Object.keys(shownAs).filter((name) => !columns.includes(name))];
  const expression = (column: string) => shownAs[column] ?? (column.endsWith('_at') ? instant(column) : `t.${column}`);
  return shown.map((column) => `${expression(column)} AS "${camelCase(column)}"`).join(', ');
}
