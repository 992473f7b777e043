import { Client, type ClientConfig, type QueryConfig } from 'pg';
import { type ServerAddress } from './connection-url';
import { PinnedQuery, pinsOf, type Pins } from './pinned-query';
import { type Primary } from './primary';
import { cut, identityOf, type ServerState } from './server-probe';
import { type SessionSettings } from './session';

type Connected = (error?: Error | null) => void;

export interface HealingConfig extends ClientConfig {
  primary: Primary;
  passwordFor: (address: ServerAddress) => string | undefined;
  /** What its transactions set behind a pooler, where `options` cannot set it for the session. */
  pins: SessionSettings;
}

/**
 * The client that all connections are made with: to the server that takes writes, whichever that is when it connects.
 * It cuts its socket when an answer does not come in time: a half-open connection (the network swallows packets, nobody
 * resets) would go back into the pool after its timeout and fail every query it is given, for ever.
 */
export class HealingClient extends Client {
  private readonly primary: Primary;
  private readonly lost: boolean;
  /** Null: the session is our own, and pinned by its options. */
  private readonly pins: Pins | null;

  constructor({ primary, pins, passwordFor, ...config }: HealingConfig) {
    // A pooler sets the name of the program anew for each that differs, so there it is one.
    const { address } = primary;
    const password = () => Promise.resolve(passwordFor(address ?? {}) as string);
    super({ ...config, ...address, password, ...(primary.pooled ? { options: undefined, application_name: 'quotidian' } : {}) });
    this.primary = primary;
    this.pins = primary.pooled ? pinsOf(pins) : null;
    this.lost = primary.address === null;
    // A connection that the server ends between two statements of a transaction emits here; the next statement reports it.
    this.on('error', () => undefined);
    this.on('notice', ({ routine }) => {
      if (routine === 'SyncRepWaitForLSN') this.distrust();
    });
  }

  override connect(): Promise<Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<Client> | void {
    const done = callback as Connected | undefined;
    const connected = this.reach();
    if (done === undefined) return connected.then(() => this);
    // Outside the promise: what the callback throws is its own.
    connected.then(
      () => setImmediate(done, null),
      (error: Error) => setImmediate(done, error),
    );
  }

  // The signature has a dozen overloads in pg; every caller passes them through untouched.
  override query(...args: unknown[]): never {
    const result = this.pins === null ? this.send(...args) : this.sendPinned(this.pins, args);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') cut(this);
      });
    }
    return result as never;
  }

  private send(...args: unknown[]): unknown {
    return (super.query as (...args: unknown[]) => unknown).apply(this, args as [QueryConfig]);
  }

  private sendPinned(pins: Pins, [config, values, callback]: unknown[]): unknown {
    const query = new PinnedQuery(config as QueryConfig, values, callback, pins, () => ['T', 'E'].includes(this.getTransactionStatus() ?? ''));
    if (query.callback !== undefined) return void this.send(query);
    return new Promise((resolve, reject) => {
      query.callback = (error: Error | null, answer: unknown) => (error ? reject(error) : resolve(answer));
      this.send(query);
    });
  }

  /** Connects, and makes sure that it is the server that was meant: a name may lead to another one by now. */
  private async reach(): Promise<void> {
    if (this.lost) throw Object.assign(new Error(`Connection terminated: ${this.primary.problem ?? 'the server was just left'}`), { code: '57P03' });
    this.primary.keep(this);
    await super.connect();
    const { stateQuery } = this.primary;
    const { rows } = (await (this.pins === null ? this.send(stateQuery) : this.sendPinned(this.pins, [stateQuery]))) as { rows: [ServerState] };
    const [state] = rows;
    if (state.startedAt !== undefined && identityOf(state) === this.primary.identity) return;
    cut(this);
    throw Object.assign(new Error('Connection terminated: it leads to another server than the one in force'), { code: '57P03' });
  }

  /**
   * The server gave up waiting for its synchronous standby: the commit is on its own disk alone, and yet it would report
   * success. A fail-over would lose what was acknowledged, so the connection ends before that is read.
   */
  private distrust(): void {
    const { connection } = this as unknown as { connection: { emit(event: string, error: Error): void } };
    connection.emit('error', new Error('Connection terminated: the commit is not on the synchronous standby'));
    cut(this);
  }
}
