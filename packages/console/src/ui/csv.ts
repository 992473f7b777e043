import { download } from './download';

/** What spreadsheets would reckon with, were it the first character of a cell. */
const FORMULA = /^[=+\-@\t\r]/;

/** Hands rows to the browser as a CSV file (RFC 4180), each cell as text that no program runs. */
export function downloadCsv<Row>(name: string, columns: readonly (keyof Row & string)[], rows: readonly Row[]): void {
  const lines = [columns.join(','), ...rows.map((row) => columns.map((column) => cell(row[column])).join(','))];
  download(name, new Blob([`${lines.join('\r\n')}\r\n`], { type: 'text/csv' }));
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
