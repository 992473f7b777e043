import { type Connection, Query, type QueryConfig } from 'pg';
import { type SessionSettings } from './session';

/** What pg's connection has and its types leave out. */
interface Wire extends Connection {
  parse(query: { text: string }): void;
  bind(config: object): void;
  execute(config: object): void;
}

/** What pg's own query has and its types leave out. */
const own = Query.prototype as unknown as {
  submit(connection: Connection): Error | null;
  prepare(connection: Wire): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Wire): void;
  handleReadyForQuery(connection: Wire): void;
};
const BEGINS = /^\s*(?:begin|start\s+transaction)\b/i;
const ALONE = /^\s*(?:begin|start\s+transaction)\s*;?\s*$/i;
const ENDS = /^\s*(?:commit|end|rollback|abort)\b/i;
const PLAIN = ' ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE';

/** What goes before each transaction, as SQL. Made once for each connection. */
export interface Pins {
  /** For a statement that is a transaction by itself: sent with it, before it, as parts of one transaction. */
  before: string[];
  /** For a transaction of several: `SET LOCAL`s, none of which takes a snapshot, so that an isolation level may still follow. */
  within: string;
}

/** @param settings by name; their values are ours, so that quoting them is enough */
export function pinsOf(settings: SessionSettings): Pins {
  const quoted = Object.entries(settings).map(([name, value]) => [name, `'${String(value).replaceAll("'", "''")}'`] as const);
  const calls = quoted.map(([name, value]) => `pg_catalog.set_config('${name}',${value},true)`);
  return {
    // The isolation is set by statements without a snapshot, so before the one that has one.
    before: [`SET transaction_isolation = 'read committed'`, 'SET transaction_read_only = off', `SELECT ${calls.join(',')}`],
    // A list is a value by itself when it is quoted, so a path is set by its function.
    within: quoted
      .map(([name, value]) => (name === 'search_path' ? `SET LOCAL search_path = ${String(settings[name])}` : `SET LOCAL ${name} = ${value}`))
      .join(';'),
  };
}

/**
 * A statement that means the same on whatever session a pooler in transaction mode gives to its transaction. Always true: what it
 * depends on is set for its transaction, in the same round trip, and gone with it; and it has no name, which would belong to a session.
 */
export class PinnedQuery extends Query {
  declare text: string;
  declare name: string | undefined;
  declare callback: unknown;
  declare private queryMode: 'extended' | undefined;
  declare private _results: unknown;
  /** Answers to what went before, which are nobody's. */
  private skipped = 0;

  constructor(
    config: string | QueryConfig,
    values: unknown,
    callback: unknown,
    private readonly pins: Pins,
    private readonly isOpen: () => boolean,
  ) {
    super(config as string, values, callback as never);
    this.name = undefined;
  }

  override submit = (connection: Connection): Error | null => {
    if (!this.isOpen() && BEGINS.test(this.text)) this.text = `${this.text}${ALONE.test(this.text) ? PLAIN : ''};${this.pins.within}`;
    else if (!this.isOpen() && !ENDS.test(this.text)) {
      this.queryMode = 'extended';
      this.skipped = this.pins.before.length;
    }
    return own.submit.call(this, connection);
  };

  prepare(connection: Wire): void {
    for (const text of this.skipped === 0 ? [] : this.pins.before) {
      connection.parse({ text });
      connection.bind({});
      connection.execute({});
    }
    own.prepare.call(this, connection);
  }

  handleDataRow(message: unknown): void {
    if (this.skipped === 0) own.handleDataRow.call(this, message);
  }

  handleCommandComplete(message: unknown, connection: Wire): void {
    if (this.skipped === 0) own.handleCommandComplete.call(this, message, connection);
    else this.skipped--;
  }

  /** Of a BEGIN with what follows it the answer is that of the BEGIN. */
  handleReadyForQuery(connection: Wire): void {
    if (Array.isArray(this._results) && BEGINS.test(this.text)) this._results = this._results[0];
    own.handleReadyForQuery.call(this, connection);
  }
}
