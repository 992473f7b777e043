export const NDJSON_TYPE = 'application/x-ndjson';
export const FORMAT = 'quotidian-export-1';

/** How an export is written: pieces of text, row by row. The last piece closes the document, so what was cut off does not look whole. */
export interface ExportFormat {
  readonly type: string;
  begin(at: string): string;
  /** @param single there is at most one row: it stands by itself, in no list */
  beginSection(name: string, single: boolean): string;
  row(section: string, json: string, isFirst: boolean): string;
  endSection(single: boolean, isEmpty: boolean): string;
  /** @param rows how many there were */
  end(rows: number): string;
}

/** One JSON document. */
export const asDocument: ExportFormat = {
  type: 'application/json; charset=utf-8',
  begin: (at) => `{"format":"${FORMAT}","exportedAt":"${at}"`,
  beginSection: (name, single) => `,\n"${name}":${single ? '' : '['}`,
  row: (_, json, isFirst) => `${isFirst ? '' : ',\n'}${json}`,
  endSection: (single, isEmpty) => (single ? (isEmpty ? 'null' : '') : ']'),
  end: (rows) => `,\n"rows":${rows}}\n`,
};

/** A line for each row. */
export const asLines: ExportFormat = {
  type: NDJSON_TYPE,
  begin: (at) => `{"section":"begin","row":{"format":"${FORMAT}","exportedAt":"${at}"}}\n`,
  beginSection: () => '',
  row: (section, json) => `{"section":"${section}","row":${json}}\n`,
  endSection: () => '',
  end: (rows) => `{"section":"end","row":{"rows":${rows}}}\n`,
};

/** NDJSON where it is asked for by name. */
export function formatFor(accept = ''): ExportFormat {
  return accept.toLowerCase().includes(NDJSON_TYPE) ? asLines : asDocument;
}
