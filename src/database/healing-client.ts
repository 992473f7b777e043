import { Client, type QueryConfig } from 'pg';

/**
 * A client that cuts its socket when an answer does not come in time. Without this, a half-open connection (the network
 * swallows packets, nobody resets) goes back into the pool after its timeout and fails every query it is given, for ever.
 */
export class HealingClient extends Client {
  constructor(config?: ConstructorParameters<typeof Client>[0]) {
    super(config);
    // A connection that the server ends between two statements of a transaction emits here; the next statement reports it.
    this.on('error', () => undefined);
  }

  // The signature has a dozen overloads in pg; every caller passes them through untouched.
  override query(...args: unknown[]): never {
    const result = (super.query as (...args: unknown[]) => unknown).apply(this, args as [QueryConfig]);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') (this as unknown as Connected).connection.stream.destroy();
      });
    }
    return result as never;
  }
}

interface Connected {
  connection: { stream: { destroy(): void } };
}
