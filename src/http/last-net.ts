import { type INestApplicationContext, Logger } from '@nestjs/common';
import { bareAnswer } from './client-errors';
import { GracefulShutdown } from './graceful-shutdown';
import { InternalError } from './http.errors';
import { RequestScope } from './request-scope';

/** Node's own assertions, and memory that could not be had: what holds after these is unknown. */
const UNSOUND_CODES = new Set(['ERR_INTERNAL_ASSERTION', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']);
const UNSOUND_MESSAGE = /allocation failed/i;
/** So many in so short a time outside any request: something of the process itself goes round in circles. */
const MAX_LOOSE = 50;
const WINDOW_MS = 10_000;
/** Of the requests that were under way when it is not known whose an error is. */
const SHOWN_IDS = 20;
/** Beyond what draining takes. */
const EXIT_TIMEOUT_MS = 15_000;

let caught = 0;

/** Errors so far that nobody took. */
export function unhandledErrors(): number {
  return caught;
}

/**
 * Takes the errors that nobody took: a throw in a callback or timer, a stream's `error` without a listener, a promise that
 * nobody waited for. Each is logged with its stack, under the id of the request that it belongs to, and that request is
 * answered 500 unless it is answered already; the first one among several requests under way is logged with all their ids. The process goes on, since what it knows is in the database and each request has its own state; it
 * drains and ends with exit code 1 when its own soundness is in doubt.
 */
export function spreadLastNet(app: INestApplicationContext): void {
  const logger = new Logger('LastNet');
  const loose: number[] = [];
  let ending = false;
  process.on('uncaughtException', (error: unknown, origin) => {
    caught++;
    const scope = RequestScope.blame();
    const err = error instanceof Error ? error : new Error(`thrown: ${typeof error}`);
    const line = { origin, err, ...(scope ? scope.logFields : { underWay: RequestScope.idsUnderWay(SHOWN_IDS) }) };
    if (scope === undefined) loose.push(performance.now());
    while (loose.length > MAX_LOOSE || (loose[0] ?? Infinity) < performance.now() - WINDOW_MS) loose.shift();
    if (isSound(err) && loose.length < MAX_LOOSE) {
      logger.error(line, 'an error that nobody took');
      answer(scope);
      return;
    }
    logger.fatal(line, 'an error after which the process cannot go on: it drains and ends');
    answer(scope);
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), EXIT_TIMEOUT_MS).unref();
    app.get(GracefulShutdown).inService = true;
    app.close().then(
      () => process.exit(1),
      () => process.exit(1),
    );
  });
}

function isSound(error: NodeJS.ErrnoException): boolean {
  return !UNSOUND_CODES.has(error.code ?? '') && !UNSOUND_MESSAGE.test(error.message);
}

function answer(scope: RequestScope | undefined): void {
  if (scope === undefined || scope.response.headersSent || scope.response.destroyed) return;
  const problem = new InternalError();
  const { status, headers, body } = bareAnswer(problem, { 'x-request-id': scope.id });
  scope.response.writeHead(status, headers).end(body);
}
