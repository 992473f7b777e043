import { Client, type ClientConfig, type QueryConfig } from 'pg';
import { type Primary } from './primary';
import { cut, identityOf, type ServerState } from './server-probe';

type Connected = (error?: Error | null) => void;

export interface HealingConfig extends ClientConfig {
  primary: Primary;
}

/**
 * The client that all connections are made with: to the server that takes writes, whichever that is when it connects.
 * It cuts its socket when an answer does not come in time: a half-open connection (the network swallows packets, nobody
 * resets) would go back into the pool after its timeout and fail every query it is given, for ever.
 */
export class HealingClient extends Client {
  private readonly primary: Primary;
  private readonly lost: boolean;

  constructor({ primary, ...config }: HealingConfig) {
    super({ ...config, ...primary.address });
    this.primary = primary;
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
    const result = (super.query as (...args: unknown[]) => unknown).apply(this, args as [QueryConfig]);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') cut(this);
      });
    }
    return result as never;
  }

  /** Connects, and makes sure that it is the server that was meant: a name may lead to another one by now. */
  private async reach(): Promise<void> {
    if (this.lost) throw Object.assign(new Error(`Connection terminated: ${this.primary.problem ?? 'the server was just left'}`), { code: '57P03' });
    this.primary.keep(this);
    await super.connect();
    const { rows } = await (super.query(this.primary.stateQuery) as unknown as Promise<{ rows: [ServerState] }>);
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
