import { context, type Context, type Link, ROOT_CONTEXT, type Span, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { BoundedCache } from '../common/bounded-cache';
import { type LinkTo, type Note, type SpanFields, type SpanOptions, type SpanPlace, type Spans } from '../common/spans';

const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 3_600_000;

/** Spans by OpenTelemetry. What is not recorded has no place, so nothing is linked to it. */
export class OtelSpans implements Spans {
  private readonly origins = new BoundedCache<string, Span>(MAX_REMEMBERED, { ttl: REMEMBERED_MS });

  constructor(private readonly tracer: Tracer) {}

  run<T>(name: string, { fields = {}, links = [], apart = false }: SpanOptions, work: (note: Note, link: LinkTo) => Promise<T>): Promise<T> {
    const parent = apart ? ROOT_CONTEXT : context.active();
    const span = this.tracer.startSpan(name, { attributes: fields, links: links.map(linkTo) }, parent);
    return carry(span, parent, () =>
      work(
        (more) => span.setAttributes(more),
        (places) => span.addLinks(places.map(linkTo)),
      ),
    );
  }

  shared<T>(name: string, fields: SpanFields, places: readonly (SpanPlace | undefined)[], work: () => Promise<T>): Promise<T> {
    const sharers = [...new Set(places.filter((place) => place !== undefined))] as Span[];
    const [first] = sharers;
    const parent = first === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, first);
    const span = this.tracer.startSpan(name, { attributes: fields, links: sharers.map(linkTo) }, parent);
    if (span.isRecording()) for (const sharer of sharers) sharer.addLink(linkTo(span));
    return carry(span, parent, work);
  }

  place(): SpanPlace | undefined {
    const span = trace.getActiveSpan();
    return span?.isRecording() ? span : undefined;
  }

  remember(id: string): void {
    const span = trace.getActiveSpan();
    // Where it stands, and not the span, which holds all that it bears.
    if (span?.isRecording()) this.origins.set(id, trace.wrapSpanContext(span.spanContext()));
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

async function carry<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    // Not the text of the error, which may hold what a caller wrote.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', (error as Error).name);
    throw error;
  } finally {
    span.end();
  }
}

function linkTo(place: SpanPlace): Link {
  return { context: (place as Span).spanContext() };
}
