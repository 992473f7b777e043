import { FORMAT } from './export-format';
import { EXPORTED } from './exported-tables.sql';

const ROW = { type: 'object', additionalProperties: true };

/** A member for each table, with its rows as they are stored. */
export const EXPORT_SCHEMA = {
  type: 'object',
  required: ['format', 'exportedAt', ...EXPORTED.map(({ section }) => section), 'rows'],
  properties: {
    format: { type: 'string', enum: [FORMAT] },
    exportedAt: { type: 'string', format: 'date-time' },
    ...Object.fromEntries(
      EXPORTED.map(({ section, single }) => [
        section,
        single === true ? { ...ROW, type: ['object', 'null'] } : { type: 'array', maxItems: 2_147_483_647, items: ROW },
      ]),
    ),
    rows: { type: 'integer', description: 'How many rows there were in all.' },
  },
} as object;
