import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type AuthenticatedRequest } from '../common/access.decorators';
import { MAX_INTEGER } from '../common/limits';
import { type Principal } from '../common/principal';
import { NotFoundProblem } from './problem';

/** Documents `{userId}`. */
export const UserIdParam = () => ApiParam({ name: 'userId', description: 'An id, or `me`.', schema: { type: 'string' } });

/**
 * The user that `{userId}` in the path means: `me`, or an id. Callers reach themselves, administrators everybody, and
 * `service` keys too where the route allows it; anybody else's id is answered like one that does not exist.
 */
export const SubjectId = createParamDecorator((reach: 'service' | undefined, context: ExecutionContext): number => {
  return subjectIn(context.switchToHttp().getRequest<AuthenticatedRequest>(), reach === 'service');
});

/** The same of a request. */
export function subjectIn({ principal, params }: Pick<FastifyRequest, 'params'> & { principal?: Principal }, serviceReaches = false): number {
  return subjectOf(principal as Principal, (params as { userId: string }).userId, serviceReaches);
}

export function subjectOf(principal: Principal, named: string, serviceReaches: boolean): number {
  if (named === 'me') return principal.userId;
  const id = /^[1-9]\d{0,9}$/.test(named) ? Number(named) : NaN;
  const reachesAll = principal.isAdmin || (serviceReaches && principal.scopes.has('service'));
  if (id !== principal.userId && !(reachesAll && id <= MAX_INTEGER)) throw new NotFoundProblem('user');
  return id;
}
