import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';

/** Which version of a thing a change is of, as its caller states it: by its tag, or that there is none yet. */
export interface Conditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
}

export const StatedConditions = createParamDecorator((_: unknown, context: ExecutionContext): Conditions => {
  const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
});
