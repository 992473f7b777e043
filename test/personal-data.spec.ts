import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXPORTED, NOT_EXPORTED } from '../src/personal-data/exported-tables.sql';

interface Table {
  columns: Map<string, string>;
  refersTo: string[];
}

/** The schema as it is committed; `npm run sql` writes it. */
const schema = readFileSync(join(__dirname, '..', 'sql', 'schema.sql'), 'utf8');
const tables = new Map<string, Table>(
  [...schema.matchAll(/^CREATE TABLE (\w+) \(\n(.*?)^\)/gms)].map(([, name = '', body = '']) => [
    name,
    {
      columns: new Map([...body.matchAll(/^ {2}(?!CONSTRAINT )"?([a-z]\w*)"? (.+?),?$/gm)].map(([, column = '', type = '']) => [column, type])),
      refersTo: [...body.matchAll(/REFERENCES (\w+)\(/g)].map(([, target = '']) => target),
    },
  ]),
);

/** Columns that name a person without a foreign key. */
const NAMES_A_PERSON = /^(user_id|actor_id|author|updated_by|approved_by|ended_by|quota_override_author)$/;

function hangsOnUsers(name: string, trail: string[] = []): boolean {
  if (name === 'users') return true;
  const { refersTo = [] } = tables.get(name) ?? {};
  return !trail.includes(name) && refersTo.some((target) => hangsOnUsers(target, [...trail, name]));
}

const ofPersons = [...tables].filter(([name, { columns }]) => hangsOnUsers(name) || [...columns.keys()].some((column) => NAMES_A_PERSON.test(column)));
const exported = new Map(EXPORTED.map((table) => [table.table, table]));

/** Whoever adds a table or a column decides here whether a person gets it: in src/personal-data/exported-tables.sql.ts. */
describe('the export of a user', () => {
  it('knows the schema', () => {
    expect(ofPersons.length).toBeGreaterThan(12);
    expect(tables.get('requests')?.columns.size).toBeGreaterThan(20);
  });

  it('has every table that hangs on users or names one, or gives a reason why not', () => {
    expect(ofPersons.map(([name]) => name).filter((name) => !exported.has(name) && !(name in NOT_EXPORTED))).toEqual([]);
    expect(Object.values(NOT_EXPORTED).filter((reason) => reason.length < 20)).toEqual([]);
  });

  it('has every column of those tables, or gives a reason why not', () => {
    const forgotten = ofPersons.flatMap(([name, { columns }]) => {
      const table = exported.get(name);
      return table
        ? [...columns.keys()].filter((column) => !table.columns.includes(column) && !(column in (table.withheld ?? {}))).map((column) => `${name}.${column}`)
        : [];
    });
    expect(forgotten).toEqual([]);
  });

  it('names nothing that there is not, and nothing twice', () => {
    const named = EXPORTED.flatMap(({ table, columns, withheld = {}, order }) =>
      [...columns, ...Object.keys(withheld), ...order.map(([column]) => column)].map((column) => ({ table, column })),
    );
    expect(named.filter(({ table, column }) => !tables.get(table)?.columns.has(column))).toEqual([]);
    expect(Object.keys(NOT_EXPORTED).filter((name) => !tables.has(name) || exported.has(name))).toEqual([]);
    expect(EXPORTED.filter(({ columns, withheld = {} }) => columns.some((column) => column in withheld))).toEqual([]);
  });

  it('shows instants in UTC: their columns end in _at, and no others do', () => {
    const wrong = EXPORTED.flatMap(({ table, columns, shownAs = {} }) =>
      columns
        .filter((column) => !(column in shownAs))
        .filter((column) => (tables.get(table)?.columns.get(column) ?? '').startsWith('timestamp') !== column.endsWith('_at'))
        .map((column) => `${table}.${column}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no bytes and nothing that is called a secret', () => {
    const suspicious = EXPORTED.flatMap(({ table, columns }) =>
      columns
        .filter((column) => tables.get(table)?.columns.get(column)?.startsWith('bytea') || /hash|secret|token|sealed|password/.test(column))
        .map((column) => `${table}.${column}`),
    );
    expect(suspicious).toEqual([]);
  });
});
