import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Key {
  name: string;
  table: string;
  /** As they stand in its definition: columns, or expressions. */
  of: string;
}

export interface Reference extends Key {
  target: string;
  targetColumns: string;
}

/** The schema as it is committed; `npm run sql` writes it. */
const schema = readFileSync(join(__dirname, '..', '..', 'sql', 'schema.sql'), 'utf8');

const bodies = new Map([...schema.matchAll(/^CREATE TABLE (\w+) \(\n(.*?)^\)/gms)].map(([, name = '', body = '']) => [name, body]));

export const tables = [...bodies.keys()];
/** Primary keys, unique constraints and unique indexes. */
export const keys: Key[] = [
  ...[...bodies].flatMap(([table, body]) =>
    [...body.matchAll(/CONSTRAINT (\w+) (?:PRIMARY KEY|UNIQUE) \((.*?)\)/g)].map(([, name = '', of = '']) => ({ name, table, of })),
  ),
  ...[...schema.matchAll(/^CREATE UNIQUE INDEX (\w+) ON public\.(\w+) USING \w+ \((.*?)\)(?: WHERE .*)?;$/gm)].map(([, name = '', table = '', of = '']) => ({
    name,
    table,
    of,
  })),
];
export const references: Reference[] = [...bodies].flatMap(([table, body]) =>
  [...body.matchAll(/CONSTRAINT (\w+) FOREIGN KEY \((.*?)\) REFERENCES (\w+)\((.*?)\)/g)].map(([, name = '', of = '', target = '', targetColumns = '']) => ({
    name,
    table,
    of,
    target,
    targetColumns,
  })),
);
export const triggers = [...schema.matchAll(/^CREATE TRIGGER (\w+) .*? ON public\.(\w+) /gm)].map(([, name = '', table = '']) => ({ name, table }));
