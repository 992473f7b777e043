/** A statement that every connection plans once, under its name. */
export interface PreparedStatement {
  name: string;
  text: string;
  /** `array`: rows without names, which cost less. */
  rowMode?: 'array';
}

const known = new Map<string, PreparedStatement>();

/**
 * Notes a statement under its name. What is noted here is what `npm run sql` writes to `sql/` for review, and what is planned on
 * large tables by test/sql/plans.e2e-spec.ts: one that scans a table that grows fails there.
 */
export function prepared(name: string, text: string, rowMode?: 'array'): PreparedStatement {
  if (known.has(name) && known.get(name)?.text !== text) throw new Error(`Two statements are called ${name}.`);
  const statement = { name, text, rowMode };
  known.set(name, statement);
  return statement;
}

/** All that have been noted by the modules loaded so far, by name. */
export function preparedStatements(): PreparedStatement[] {
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
