import { type LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

export interface LogOptions {
  level: string;
  pretty: boolean;
  /** What names on whose behalf a line is written, where that is known. */
  scope: () => object | undefined;
}

/**
 * One JSON object a line, or readable lines on a terminal. An error is logged by its type, message, stack and code only:
 * a failed query carries its parameters, which hold other people's data.
 */
export function makeLogger({ level, pretty, scope }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    mixin: () => scope() ?? {},
    serializers: { err: ({ name, message, stack, code }: Error & { code?: string }) => ({ type: name, message, stack, code }) },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (!pretty) return pino(options);
  return pino(options, PinoPretty({ ignore: 'context', messageFormat: '{if context}[{context}] {end}{msg}', sync: true }));
}

/** What the framework logs of itself at every start; of no use to an operator. */
const FRAMEWORK = new Set<unknown>(['NestFactory', 'NestApplication', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

/** These log an error that is thrown as well, to where the process ends with one clear line. */
const RETHROWN = new Set<unknown>(['ExceptionHandler', 'NestApplication']);

/** Nest's logging through ours. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) => this.write(FRAMEWORK.has(rest.at(-1)) ? 'debug' : 'info', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write(RETHROWN.has(rest.at(-1)) ? 'debug' : 'error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);

  /** Nest puts the context last; we call it with fields first and the text second. */
  private write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    if (message instanceof Error) this.logger[level]({ context, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.logger[level]({ context, ...message }, rest.length > 1 ? String(rest[0]) : '');
    else this.logger[level]({ context, ...(rest.length > 1 ? { detail: rest.slice(0, -1) } : {}) }, String(message));
  }
}
