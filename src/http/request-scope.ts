import { AsyncLocalStorage } from 'node:async_hooks';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { requestIdOf } from './answer-headers';
import { traceIdOf } from './trace-context';

export interface LogFields {
  requestId: string;
  traceId: string;
  /** The same and the call's span by the names that OpenTelemetry gives them in logs, where calls are traced. */
  trace_id?: string;
  span_id?: string;
}

/** For so long after an error that nobody took, callbacks and timers are distinguished by their request. */
const WATCH_MS = 600_000;
/** On the request itself: an entry of a WeakMap that leads back to its key keeps it, and all that hangs on it, until the next full collection. */
const SCOPE = Symbol('scope');

type Scoped = IncomingMessage & { [SCOPE]?: RequestScope };

/**
 * The request on whose behalf something runs. To know that of each callback costs a fifth of a submit, so it is known only for
 * a while after something went wrong; until then it is known where one request alone is under way.
 */
export class RequestScope {
  private static readonly current = new AsyncLocalStorage<RequestScope>();
  /** No Set: what one has grown out of stays linked to what it holds then, until the next full collection. */
  private static readonly underWay: RequestScope[] = [];
  private static watchesUntil = -Infinity;
  private static watches = false;
  private known: string | undefined;
  private place: number;
  private trace: string | undefined;
  private span: string | undefined;

  private constructor(
    private readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    this.place = RequestScope.underWay.push(this) - 1;
  }

  static run(request: IncomingMessage, response: ServerResponse, work: () => void): void {
    const scope = new RequestScope(request, response);
    (request as Scoped)[SCOPE] = scope;
    response.on('close', () => scope.leave());
    if (performance.now() < RequestScope.watchesUntil) return RequestScope.current.run(scope, work);
    if (RequestScope.watches) RequestScope.current.disable();
    RequestScope.watches = false;
    work();
  }

  static of(request: IncomingMessage): RequestScope | undefined {
    return (request as Scoped)[SCOPE];
  }

  /** What a line that is logged for the request bears. */
  static logFieldsOf(request: { id: string; raw: IncomingMessage }): LogFields {
    return RequestScope.of(request.raw)?.logFields ?? { requestId: request.id, traceId: traceIdOf(request.raw.headers) };
  }

  /** Whose callback this is, where that is watched. */
  static get(): RequestScope | undefined {
    return RequestScope.current.getStore();
  }

  /** Whose fault an error is that nobody took, if that is known; from now on it is watched. */
  static blame(): RequestScope | undefined {
    RequestScope.watches = true;
    RequestScope.watchesUntil = performance.now() + WATCH_MS;
    const [only, another] = RequestScope.underWay;
    return RequestScope.get() ?? (another === undefined ? only : undefined);
  }

  /** Ids of requests that are under way, some of them. */
  static idsUnderWay(count: number): string[] {
    return RequestScope.underWay.slice(0, count).map(({ id }) => id);
  }

  /** The caller's `X-Request-Id` if it is sane, else one of ours: the same one whenever it is asked for. */
  get id(): string {
    return (this.known ??= requestIdOf(this.request.headers));
  }

  /** The trace that the request is part of, the same one whenever it is asked for: made when a line is logged, and not before. */
  get traceId(): string {
    return (this.trace ??= traceIdOf(this.request.headers));
  }

  /** What every line that is logged for the request bears. */
  get logFields(): LogFields {
    const fields = { requestId: this.id, traceId: this.traceId };
    return this.span === undefined ? fields : { ...fields, trace_id: this.traceId, span_id: this.span };
  }

  /** Its call is traced, as this span. */
  join(traceId: string, spanId: string): void {
    this.trace = traceId;
    this.span = spanId;
  }

  /** The last one takes the place of this one. */
  private leave(): void {
    const last = RequestScope.underWay.pop();
    if (last === undefined || last === this) return;
    RequestScope.underWay[this.place] = last;
    last.place = this.place;
  }
}
