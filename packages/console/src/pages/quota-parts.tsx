import { LOCALE, t } from '../app/language';
import { type Quota } from '../api/types';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

const SHOWN = ['limits', 'grants', 'overage', 'rollover', 'inFlight'];
const NAMES: Partial<Record<string, string>> = { limits: 'More limits', grants: 'Grants', overage: 'Overage', rollover: 'Carried over', inFlight: 'In flight' };
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

type Row = Record<string, unknown>;

/** What a quota is made of beside the day's own units, as the service answers it: whatever form of quota it knows. */
export function Parts({ quota }: { quota: Quota }) {
  const parts = Object.entries(quota).filter(([name, value]) => SHOWN.includes(name) && typeof value === 'object' && value !== null);
  return parts.map(([name, value]) => {
    const rows = rowsOf(value as Row);
    if (rows.length === 0) return null;
    const members = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return (
      <section key={name}>
        <h2>{t(NAMES[name] ?? name)}</h2>
        <Table<Row>
          caption={NAMES[name] ?? name}
          rows={rows}
          keyOf={(row) => JSON.stringify(row)}
          empty=""
          columns={members.map((member) => ({
            name: spaced(member),
            cell: (row) => <Value value={row[member]} />,
            isNumber: rows.every((row) => typeof row[member] === 'number'),
          }))}
        />
      </section>
    );
  });
}

/** A part is a list, an object with one, or one thing. */
function rowsOf(value: Row): Row[] {
  if (Array.isArray(value)) return value as Row[];
  return Array.isArray(value.items) ? (value.items as Row[]) : [value];
}

/** `resetsAt` as people write it. */
const spaced = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^./, (letter) => letter.toUpperCase());

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="muted">–</span>;
  if (typeof value === 'number') return value.toLocaleString(LOCALE);
  if (typeof value === 'string') return INSTANT.test(value) ? <Time at={value} /> : value;
  return <code>{JSON.stringify(value)}</code>;
}
