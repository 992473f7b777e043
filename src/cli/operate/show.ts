import Table from 'cli-table3';

const SHOWN_CHARS = 60;
const WITHOUT_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** A list as a table, anything else as its members one below the other. */
export function shown(body: unknown, columns?: string[]): string {
  const items = itemsOf(body);
  if (items !== null) return listed(items, columns);
  if (typeof body !== 'object' || body === null) return 'Done.\n';
  const width = Math.max(...Object.keys(body).map((name) => name.length));
  return Object.entries(body)
    .map(([name, value]) => `${name.padEnd(width)}  ${cell(value, Infinity)}\n`)
    .join('');
}

/** The items of a page; null: it is no page. */
export function itemsOf(body: unknown): Record<string, unknown>[] | null {
  const items = (body as { items?: unknown } | null)?.items;
  return Array.isArray(items) ? (items as Record<string, unknown>[]) : null;
}

/** A column is the name of a member, or `title=path.to.it`. */
function listed(items: Record<string, unknown>[], columns = Object.keys(items[0] ?? {})): string {
  if (items.length === 0) return 'None.\n';
  const places = columns.map((column) => (column.includes('=') ? column.split('=', 2) : [column, column]) as [string, string]);
  const table = new Table({ head: places.map(([title]) => title), style: { head: [], border: [] }, chars: WITHOUT_RULES });
  table.push(...items.map((item) => places.map(([, path]) => cell(memberOf(item, path.split('.'))))));
  return `${table.toString()}\n`;
}

function memberOf(value: unknown, path: string[]): unknown {
  return path.reduce((part, name) => (part as Record<string, unknown> | null | undefined)?.[name], value);
}

function cell(value: unknown, chars = SHOWN_CHARS): string {
  // What users wrote is no control of our terminal.
  const text = textOf(value).replaceAll(/\p{C}/gu, '?');
  return text.length > chars ? `${text.slice(0, chars)}…` : text;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value.join(', ');
  return JSON.stringify(value);
}
