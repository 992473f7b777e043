import { applyDecorators, type CanActivate, type ExecutionContext, Injectable, SetMetadata, type Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { ApiBody } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { OncePerRoute } from '../common/once-per-route';
import { assertNoMembers } from './validation.pipe';

const READS_BODY = 'quotidian:reads-body';

/** Nest's number for a parameter that is `@Body()`. */
const BODY_PARAMETER = '3:';

/** A route that checks its body by itself, against this DTO; one that is not `required` may be left out. */
export const ReadsBody = (dto: Type<object>, { required = true } = {}) => applyDecorators(SetMetadata(READS_BODY, true), ApiBody({ type: dto, required }));

/** Refuses what is sent to a route that takes no body: a member that nobody reads is a mistake there as anywhere. */
@Injectable()
export class BodyGuard implements CanActivate {
  private readonly readers = new OncePerRoute(readsBody);

  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (body === undefined || this.readers.of(context)) return true;
    assertNoMembers(body);
    return true;
  }
}

function readsBody(context: ExecutionContext): boolean {
  const handler = context.getHandler();
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name) ?? {}) as object;
  return Reflect.hasMetadata(READS_BODY, handler) || Object.keys(parameters).some((name) => name.startsWith(BODY_PARAMETER));
}
