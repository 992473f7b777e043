import { AsyncLocalStorage } from 'node:async_hooks';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { requestIdOf } from './answer-headers';

/** For so long after an error that nobody took, callbacks and timers are told apart by their request. */
const WATCH_MS = 600_000;

/**
 * The request on whose behalf something runs. To know that of each callback costs a fifth of a submit, so it is known only for
 * a while after something went wrong; until then it is known where one request alone is under way.
 */
export class RequestScope {
  private static readonly current = new AsyncLocalStorage<RequestScope>();
  private static readonly underWay = new Set<RequestScope>();
  private static readonly ofRequest = new WeakMap<IncomingMessage, RequestScope>();
  private static watchesUntil = -Infinity;
  private static watches = false;
  private known: string | undefined;

  private constructor(
    private readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {}

  static run(request: IncomingMessage, response: ServerResponse, work: () => void): void {
    const scope = new RequestScope(request, response);
    RequestScope.ofRequest.set(request, scope);
    RequestScope.underWay.add(scope);
    response.once('close', () => RequestScope.underWay.delete(scope));
    if (performance.now() < RequestScope.watchesUntil) return RequestScope.current.run(scope, work);
    if (RequestScope.watches) RequestScope.current.disable();
    RequestScope.watches = false;
    work();
  }

  static of(request: IncomingMessage): RequestScope | undefined {
    return RequestScope.ofRequest.get(request);
  }

  /** Whose callback this is, where that is watched. */
  static get(): RequestScope | undefined {
    return RequestScope.current.getStore();
  }

  /** Whose fault an error is that nobody took, if that can be told; from now on it is watched. */
  static blame(): RequestScope | undefined {
    RequestScope.watches = true;
    RequestScope.watchesUntil = performance.now() + WATCH_MS;
    const [only, another] = RequestScope.underWay;
    return RequestScope.get() ?? (another === undefined ? only : undefined);
  }

  /** Ids of requests that are under way, some of them. */
  static idsUnderWay(count: number): string[] {
    return [...RequestScope.underWay].slice(0, count).map(({ id }) => id);
  }

  /** The caller's `X-Request-Id` if it is sane, else one of ours: the same one whenever it is asked for. */
  get id(): string {
    return (this.known ??= requestIdOf(this.request.headers));
  }
}
