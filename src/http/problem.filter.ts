import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isBadData, isTransient, isUnusableData, sqlState } from '../common/database-errors';
import { FullDisk } from '../common/full-disk';
import { dropUnwritable } from './header-text';
import { BodyTooLarge, ClientGone, InternalError, MalformedRequest, MethodNotAllowed, UnstorableValue, UnsupportedMediaType, UriTooLong } from './http.errors';
import { NotFoundProblem, Problem, StoredValueUnusable, UnavailableProblem } from './problem';
import { countProblem } from './problem-counts';
import { RequestScope } from './request-scope';
import { RouteTable } from './route-table';
import { transientReason } from './transient-reason';

/** Renders every failure as `application/problem+json`, and decides nothing: what is no known refusal is a 500 that leaks nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(
    private readonly routes: RouteTable,
    private readonly disk: FullDisk,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    this.render(error, request, reply);
  }

  render(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    if (error instanceof HttpException && error.getStatus() < 300) return this.answer(error, reply);
    const problem = this.toProblem(error, request);
    countProblem(problem);
    dropUnwritable(reply);
    void reply
      .status(problem.getStatus())
      .headers(problem.headers)
      .header('content-type', 'application/problem+json')
      .serializer(JSON.stringify)
      .send({ ...(problem.getResponse() as object), instance: `urn:quotidian:request:${request.id}` });
  }

  /** An exception that is no failure: the use case ended early with its answer, as a repeated call does. */
  private answer(answer: HttpException & Headed, reply: FastifyReply): void {
    void reply
      .status(answer.getStatus())
      .headers(answer.headers ?? {})
      .send(answer.getResponse());
  }

  protected toProblem(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Problem) {
      this.disk.note(error.cause);
      return error;
    }
    // The error of the connection that the body came on; one of the database's connections has the same code.
    if (error === request.raw.errored) {
      this.logger.debug(RequestScope.logFieldsOf(request), 'the client went away in the midst of its request');
      return new ClientGone('The client went away in the midst of its request.');
    }
    if (isTransient(error)) {
      this.disk.note(error);
      this.logger.warn({ ...RequestScope.logFieldsOf(request), sqlState: sqlState(error) }, transientReason(error));
      return new UnavailableProblem('The database cannot take this now. Nothing that was not acknowledged is certain; try again.');
    }
    const refusal = fastifyProblem(error) ?? this.nestProblem(error, request);
    if (refusal) return refusal;
    if (isBadData(error)) {
      this.logger.warn({ ...RequestScope.logFieldsOf(request), sqlState: sqlState(error) }, 'a value that the database does not take came past validation');
      return new UnstorableValue();
    }
    if (isUnusableData(error)) {
      this.logger.error({ ...RequestScope.logFieldsOf(request), err: error }, 'a stored value cannot be used');
      return new StoredValueUnusable();
    }
    this.logger.error({ ...RequestScope.logFieldsOf(request), err: error }, 'unexpected failure');
    return new InternalError();
  }

  /** Nest's own refusals: unknown routes, mostly. */
  private nestProblem(error: unknown, request: FastifyRequest): Problem | null {
    if (!(error instanceof HttpException) || error.getStatus() >= 500) return null;
    if (error.getStatus() !== 404) return knownByStatus(error.getStatus(), error.message);
    const allowed = this.routes.allowed(request.url);
    if (allowed.length === 0) return new NotFoundProblem('resource');
    const detail = `${request.method} is not a method of this resource: it takes ${allowed.join(', ')}.`;
    return new MethodNotAllowed(detail, allowed.join(', '));
  }
}

interface Headed {
  headers?: Record<string, string>;
}

/** Errors that Fastify raises before a route runs; Nest hands them on as they are, or by their status alone. */
function fastifyProblem(error: unknown): Problem | null {
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (typeof code !== 'string' || !code.startsWith('FST_') || statusCode === undefined || statusCode >= 500) return null;
  return knownByStatus(statusCode, message ?? 'The request cannot be read.');
}

function knownByStatus(status: number, message: string): Problem {
  if (status === 413) return new BodyTooLarge();
  if (status === 414) return new UriTooLong();
  if (status === 415) return new UnsupportedMediaType();
  return new MalformedRequest(message);
}
