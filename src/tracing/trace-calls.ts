import { context, type Span } from '@opentelemetry/api';
import { FastifyOtelInstrumentation } from '@fastify/otel';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { RequestScope } from '../http/request-scope';

/** What the plugin puts on a request. */
type Traced = FastifyRequest & { opentelemetry: () => { span: Span | null; context: ReturnType<typeof context.active> | null } };

/**
 * A span for each call, below the one of its caller; the answer names it in `traceresponse`. Always true: it bears the pattern of the route, and
 * nothing of the address, the header or the body, which may hold what is nobody else's business. To be called before routes and other hooks are added.
 */
export function traceCalls(fastify: FastifyInstance): void {
  const instrumentation = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
    requestHook: nameByRoute,
  });
  // Not registered: that happens later than the routes that are added next.
  instrumentation.plugin()(fastify, {}, () => undefined);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { span } = (request as Traced).opentelemetry();
    if (span) {
      const { traceId, spanId, traceFlags } = span.spanContext();
      RequestScope.of(request.raw)?.join(traceId, spanId);
      void reply.header('traceresponse', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`);
    }
    done();
  });
  // A body comes in events of its connection, which know of no call.
  fastify.addHook('preHandler', (request, _reply, done) => {
    const { context: own } = (request as Traced).opentelemetry();
    if (own === null) done();
    else context.with(own, done);
  });
}

function nameByRoute(span: Span, { method, routeOptions: { url = 'unknown' } }: FastifyRequest): void {
  span.updateName(`${method} ${url}`);
  span.setAttribute('url.path', url);
  // The text of an error may quote what was sent.
  const setStatus = span.setStatus.bind(span);
  span.setStatus = ({ code }) => setStatus({ code });
}
