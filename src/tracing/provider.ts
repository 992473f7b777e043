import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { context, diag, type DiagLogger, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { randomUUID } from 'node:crypto';
import { type Logger } from 'pino';
import { version } from '../../package.json';
import { type Environment } from '../config/environment';

/** A collector that is away is mentioned once in so long. */
const COMPLAIN_EVERY_MS = 60_000;
const COMPLAINT_CHARS = 300;

/** Makes OpenTelemetry's globals: from now on its API records. */
export function startProvider(environment: Environment, logger: Logger): BasicTracerProvider {
  // By itself it would write to the console.
  diag.setLogger(complaintsTo(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  // The sampler and the bounds of batches are read from the variables there.
  process.env.OTEL_TRACES_SAMPLER_ARG ??= '1';
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.version': version, 'service.instance.id': randomUUID(), 'process.pid': process.pid }))
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': environment.OTEL_SERVICE_NAME })),
    spanProcessors: [new BatchSpanProcessor(exporterOf(environment))],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  if (environment.OTEL_PROPAGATORS === undefined || environment.OTEL_PROPAGATORS.includes('tracecontext'))
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return provider;
}

/** Endpoint, header fields, time-out, compression and certificates are read from the variables by the exporter. */
function exporterOf(environment: Environment): SpanExporter {
  if (environment.tracesBy === 'console') return new ConsoleSpanExporter();
  const protocol = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  return protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
}

/** What is wrong with tracing, now and then, in one short line: it is no fault of a call. */
function complaintsTo(logger: Logger): DiagLogger {
  let quietUntil = 0;
  const complain = (text: string) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + COMPLAIN_EVERY_MS;
    logger.warn({ detail: text.slice(0, COMPLAINT_CHARS) }, 'traces do not go out as they should');
  };
  const ignore = () => undefined;
  return { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore };
}
