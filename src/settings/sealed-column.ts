/** A column outside the settings whose values the secret box sealed: the rotation of the key seals them anew. */
export interface SealedColumn {
  table: string;
  /** The primary key, by which each value is sealed to its row. */
  id: string;
  idType: 'integer' | 'bigint' | 'uuid';
  column: string;
}

const defined: SealedColumn[] = [];

/** Declares a column of JSON that holds a `SealedValue` or null. */
export function defineSealedColumn(column: SealedColumn): SealedColumn {
  defined.push(column);
  return column;
}

/** Every column that a loaded module declares. */
export function sealedColumns(): readonly SealedColumn[] {
  return defined;
}

/** The name that a row's value is sealed by: moved to another row it does not open. */
export function sealName({ table, column }: SealedColumn, id: string | number): string {
  return `${table}.${column}:${id}`;
}
