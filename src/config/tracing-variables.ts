import { IsBoolean, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { Flag } from './flag';

const ADDRESS = /^https?:\/\/[^\s?#]+$/;
const PROTOCOLS = ['http/protobuf', 'http/json'];
/** `name=value`, comma-separated, as the header fields of W3C Baggage are. */
const PAIRS = /^\s*[^=,\s]+\s*=[^,]*(,\s*[^=,\s]+\s*=[^,]*)*$/;

const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'];

/** The standard variables of OpenTelemetry that this service answers for. Further ones of its exporter and its batches are read by its own code. */
export class TracingVariables {
  /** True: no traces, whatever else is set. */
  @Flag()
  @IsBoolean()
  OTEL_SDK_DISABLED = false;

  /** What traces go out by. Default: otlp where an endpoint is set, else none. */
  @IsOptional()
  @IsIn(['otlp', 'console', 'none'])
  OTEL_TRACES_EXPORTER?: 'otlp' | 'console' | 'none';

  /** Address of a collector that speaks OTLP over HTTP; traces go to `/v1/traces` below it. */
  @IsOptional()
  @Matches(ADDRESS, { message: 'OTEL_EXPORTER_OTLP_ENDPOINT must be the http(s) address of a collector' })
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;

  /** The whole address that traces go to. */
  @IsOptional()
  @Matches(ADDRESS, { message: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be an http(s) address' })
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string;

  /** Default: http/protobuf. */
  @IsOptional()
  @IsIn(PROTOCOLS, { message: 'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or http/json: collectors take them on port 4318' })
  OTEL_EXPORTER_OTLP_PROTOCOL?: string;

  /** The same for traces alone. */
  @IsOptional()
  @IsIn(PROTOCOLS, { message: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf or http/json: collectors take them on port 4318' })
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?: string;

  /** Header fields of what goes to the collector. May hold a token. */
  @IsOptional()
  @Matches(PAIRS, { message: 'OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs, comma-separated' })
  OTEL_EXPORTER_OTLP_HEADERS?: string;

  /** The same for traces alone. */
  @IsOptional()
  @Matches(PAIRS, { message: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS must be name=value pairs, comma-separated' })
  OTEL_EXPORTER_OTLP_TRACES_HEADERS?: string;

  /** What this service is called in traces. */
  @IsString()
  OTEL_SERVICE_NAME = 'quotidian';

  /** What every span bears. */
  @IsOptional()
  @Matches(PAIRS, { message: 'OTEL_RESOURCE_ATTRIBUTES must be name=value pairs, comma-separated' })
  OTEL_RESOURCE_ATTRIBUTES?: string;

  /** Which traces are recorded. Default: parentbased_always_on. */
  @IsOptional()
  @IsIn(SAMPLERS)
  OTEL_TRACES_SAMPLER?: string;

  /** The share of traces that a sampler by ratio records. Default: 1. */
  @IsOptional()
  @Matches(/^(0(\.\d+)?|\.\d+|1(\.0+)?)$/, { message: 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1' })
  OTEL_TRACES_SAMPLER_ARG?: string;

  /** Whether the `traceparent` of callers is believed. Default: tracecontext. */
  @IsOptional()
  @Matches(/^\s*(tracecontext|baggage|none)(\s*,\s*(tracecontext|baggage))*\s*$/, {
    message: 'OTEL_PROPAGATORS must be tracecontext, baggage or none: others are not known here',
  })
  OTEL_PROPAGATORS?: string;

  get tracesBy(): 'otlp' | 'console' | null {
    if (this.OTEL_SDK_DISABLED || this.OTEL_TRACES_EXPORTER === 'none') return null;
    const hasEndpoint = (this.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? this.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined;
    return this.OTEL_TRACES_EXPORTER ?? (hasEndpoint ? 'otlp' : null);
  }
}
