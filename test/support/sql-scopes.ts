/** A mention of a table in a statement, with the text of the query that it is part of. */
export interface Mention {
  table: string;
  alias: string;
  /** The innermost SELECT, INSERT, UPDATE or DELETE around it, without the queries inside that. */
  scope: string;
  inserts: boolean;
  /** Whether the query writes it. */
  changed: boolean;
}

const QUERY = /^\s*(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b/;
const TABLE =
  /\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+([a-z_]+)(?![\w.]|\s*\()(?:\s+(?:AS\s+)?(?!SET\b|WHERE\b|ON\b|USING\b)([a-z]\w*)\b)?|,\s+([a-z_]+)\s+([a-z]\w*)\s+(?=WHERE\b)|\bINTO\s+([a-z_]+)\s*\(([^)]*)\)/g;

/** Every mention of one of the tables, as far as its name is not that of a common table expression. The text is formatted SQL of ours: no quoted parentheses. */
export function mentionsOf(sql: string, tables: ReadonlySet<string>): Mention[] {
  return scopesOf(sql.replaceAll(/--.*$/gm, '').replaceAll(/'[^']*'/g, "''")).flatMap((scope) =>
    [...scope.matchAll(TABLE)].flatMap(([text, first, alias, further, furtherAlias, inserted, columns]) => {
      const table = first ?? further ?? inserted ?? '';
      if (!tables.has(table)) return [];
      const changed = /^(?:UPDATE|INTO|FROM)/.test(text) && new RegExp(`(?:UPDATE|INSERT INTO|DELETE FROM)\\s+${table}\\b`).test(scope);
      return [{ table, alias: alias ?? furtherAlias ?? table, scope: columns ?? scope, inserts: inserted !== undefined, changed }];
    }),
  );
}

/** Whether the query names the user of the rows: an equality with the column, a list of values, or the column among those that are inserted. */
export function namesUser({ alias, table, scope, inserts }: Mention, column: string): boolean {
  if (inserts) return new RegExp(`\\b${column}\\b`).test(scope);
  const own = alias === table ? `(?:${table}\\.)?(?<![\\w.]\\.)${column}` : `${alias}\\.${column}`;
  return new RegExp(`(?<![\\w.])${own}\\s*(?:=|IN\\b)|=\\s*${own}\\b|USING \\([^)]*\\b${column}\\b`).test(scope);
}

/** The statement, and each query in parentheses within it; what is inside of one is left out of those around it. */
function scopesOf(sql: string): string[] {
  const open: { text: string }[] = [{ text: '' }];
  const found = [open[0]];
  const kinds: boolean[] = [];
  for (let i = 0; i < sql.length; i++) {
    const character = sql[i];
    const top = open.at(-1) as { text: string };
    if (character === '(') {
      const query = QUERY.test(sql.slice(i + 1, i + 200));
      kinds.push(query);
      top.text += '(';
      if (query) found.push(open[open.push({ text: '' }) - 1]);
    } else if (character === ')') {
      if (kinds.pop()) open.pop();
      (open.at(-1) as { text: string }).text += ')';
    } else top.text += character;
  }
  return found.map(({ text }) => text);
}
