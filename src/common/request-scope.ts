import { AsyncLocalStorage } from 'node:async_hooks';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { requestIdOf } from './answer-headers';

/** The request on whose behalf something runs, callbacks and timers that it began included. */
export class RequestScope {
  private static readonly current = new AsyncLocalStorage<RequestScope>();
  private known: string | undefined;

  private constructor(
    private readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {}

  static run(request: IncomingMessage, response: ServerResponse, work: () => void): void {
    RequestScope.current.run(new RequestScope(request, response), work);
  }

  static get(): RequestScope | undefined {
    return RequestScope.current.getStore();
  }

  /** The caller's `X-Request-Id` if it is sane, else one of ours: the same one whenever it is asked for. */
  get id(): string {
    return (this.known ??= requestIdOf(this.request.headers));
  }
}
