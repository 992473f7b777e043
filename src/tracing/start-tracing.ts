import { trace } from '@opentelemetry/api';
import { type BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type FastifyInstance } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger } from 'pino';
import { tracing } from '../common/spans';
import { type Environment } from '../config/environment';
import { OtelSpans } from './otel-spans';
import { startProvider } from './provider';
import { traceCalls } from './trace-calls';

/** A collector that is away does not keep a process from its end for longer. */
const FLUSH_MS = 2_000;

/** One in a process, as OpenTelemetry has it, however many applications there are. */
let provider: BasicTracerProvider | undefined;

/** Imported only where tracing is asked for: nothing of OpenTelemetry's SDK is loaded otherwise. */
export function startTracing(environment: Environment, logger: Logger, fastify: FastifyInstance): void {
  provider ??= startProvider(environment, logger);
  tracing.spans ??= new OtelSpans(trace.getTracer('quotidian'));
  traceCalls(fastify);
  fastify.addHook('onClose', flush);
}

async function flush(): Promise<void> {
  const ended = Promise.resolve(tracing.spans?.settled()).then(() => provider?.forceFlush());
  await Promise.race([ended.catch(() => undefined), delay(FLUSH_MS, undefined, { ref: false })]);
}
