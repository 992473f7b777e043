import { context, type Context, type Link, ROOT_CONTEXT, type Span, SpanStatusCode, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import { BoundedCache } from '../common/bounded-cache';
import { type LinkLater, type LinkTo, type Note, type Origin, type SpanFields, type SpanOptions, type SpanPlace, type Spans } from '../common/spans';

const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 3_600_000;
/** Spans that wait for what they link to; further ones end without. */
const MAX_WAITING = 1_000;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/;

/** Spans by OpenTelemetry. What is not recorded has no place, so nothing is linked to it. */
export class OtelSpans implements Spans {
  private readonly origins = new BoundedCache<string, Span>(MAX_REMEMBERED, { ttl: REMEMBERED_MS });

  private readonly unwrittenOrigins = new Map<string, string>();
  private readonly waiting = new Set<Promise<void>>();

  constructor(private readonly tracer: Tracer) {}

  run<T>(
    name: string,
    { fields = {}, links = [], apart = false }: SpanOptions,
    work: (note: Note, link: LinkTo, linkLater: LinkLater) => Promise<T>,
  ): Promise<T> {
    const parent = apart ? ROOT_CONTEXT : context.active();
    const span = this.tracer.startSpan(name, { attributes: fields, links: links.map(linkTo) }, parent);
    let find: (() => Promise<readonly SpanPlace[]>) | null = null;
    return carry(
      span,
      parent,
      () =>
        work(
          (more) => span.setAttributes(more),
          (places) => span.addLinks(places.map(linkTo)),
          (later) => (find = later),
        ),
      () => (find === null || !span.isRecording() || this.waiting.size >= MAX_WAITING ? span.end() : this.endLater(span, find)),
    );
  }

  shared<T>(name: string, fields: SpanFields, places: readonly (SpanPlace | undefined)[], work: () => Promise<T>): Promise<T> {
    const sharers = [...new Set(places.filter((place) => place !== undefined))] as Span[];
    const [first] = sharers;
    const parent = first === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, first);
    const span = this.tracer.startSpan(name, { attributes: fields, links: sharers.map(linkTo) }, parent);
    if (span.isRecording()) for (const sharer of sharers) sharer.addLink(linkTo(span));
    return carry(span, parent, work, () => span.end());
  }

  place(): SpanPlace | undefined {
    const span = trace.getActiveSpan();
    return span?.isRecording() ? span : undefined;
  }

  remember(id: string): void {
    const span = trace.getActiveSpan();
    // Where it stands, and not the span, which holds all that it bears.
    if (!span?.isRecording()) return;
    const { traceId, spanId } = span.spanContext();
    this.origins.set(id, trace.wrapSpanContext(span.spanContext()));
    if (this.unwrittenOrigins.size < MAX_REMEMBERED) this.unwrittenOrigins.set(id, `00-${traceId}-${spanId}-01`);
  }

  unwritten(): Origin[] {
    const origins = [...this.unwrittenOrigins].map(([id, traceparent]) => ({ id, traceparent }));
    this.unwrittenOrigins.clear();
    return origins;
  }

  placeAt(traceparent: string): SpanPlace[] {
    const [, traceId, spanId] = TRACEPARENT.exec(traceparent) ?? [];
    if (traceId === undefined || spanId === undefined) return [];
    return [trace.wrapSpanContext({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })];
  }

  async settled(): Promise<void> {
    await Promise.all(this.waiting);
  }

  /** Its end is now, whenever what it links to is found. */
  private endLater(span: Span, find: () => Promise<readonly SpanPlace[]>): void {
    const endedAt = performance.now();
    const waiting = find()
      .then((places) => void span.addLinks(places.map(linkTo)))
      .catch(() => undefined)
      .finally(() => {
        span.end(endedAt);
        this.waiting.delete(waiting);
      });
    this.waiting.add(waiting);
  }

  recall(id: unknown): SpanPlace[] {
    const span = typeof id === 'string' ? this.origins.get(id) : undefined;
    return span === undefined ? [] : [span];
  }

  logFields(): object | undefined {
    const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
    return traceId === undefined ? undefined : { traceId, trace_id: traceId, span_id: spanId };
  }
}

async function carry<T>(span: Span, parent: Context, work: () => Promise<T>, end: () => void): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    // Not the text of the error, which may hold what a caller wrote.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', (error as Error).name);
    throw error;
  } finally {
    end();
  }
}

function linkTo(place: SpanPlace): Link {
  return { context: (place as Span).spanContext() };
}
