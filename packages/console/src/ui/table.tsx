import { t } from '../app/language';
import { type ReactNode } from 'react';

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  isNumber?: boolean;
}

interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  keyOf: (row: Row) => string | number;
  /** What to do when there is nothing: the next step. */
  empty: ReactNode;
}

/** Rows on a wide screen, cards on a narrow one. */
export function Table<Row>({ caption, columns, rows, keyOf, empty }: TableProps<Row>) {
  if (rows === undefined) return <p className="waiting">{t('Loading…')}</p>;
  if (rows.length === 0) return <div className="empty">{typeof empty === 'string' ? t(empty) : empty}</div>;
  return (
    <div className="scroll" role="region" aria-label={t(caption)} tabIndex={0}>
      <table>
        <caption className="unseen">{t(caption)}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" className={isNumber ? 'number' : undefined}>
                {t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, cell, isNumber }) => (
                <td key={name} className={isNumber ? 'number' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
