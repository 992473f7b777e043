import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { networkOfRequest } from './network-address';
import { type Actor, type OperatorRole, type Principal, type Scope } from './principal';

/** What a route asks of its caller. A route without any of these decorators does not boot (deny by default). */
export interface Access {
  public?: boolean;
  adminOnly?: boolean;
  /** A login session, or an administrator's key. */
  accountOwner?: boolean;
  /** Scopes that the caller must hold; a session holds those of its user's role. */
  scopes?: readonly Scope[];
  /** The smallest role of operators that acts on others' things by this route; default: `admin`. */
  operator?: OperatorRole;
  /** Where the database cannot answer, the handler is given API keys that were proven a while ago, as `unproven`. */
  fromMemory?: boolean;
}

export const ACCESS = 'quotidian:access';

/** Adds to what stands there: the order of decorators means nothing. */
const access =
  (asked: Access): MethodDecorator =>
  (_target, _name, descriptor) => {
    const handler = descriptor.value as object;
    Reflect.defineMetadata(ACCESS, { ...(Reflect.getMetadata(ACCESS, handler) as Access | undefined), ...asked }, handler);
  };

/** Anyone, signed in or not. */
export const Public = () => access({ public: true });

/** Any credential that is good and holds all these scopes. */
export const Scopes = (...scopes: Scope[]) => access({ scopes });

/** Administrators only: a session of one, or their key with the `admin` scope. */
export const AdminOnly = () => access({ adminOnly: true });

/** Operators of this role and those above it: a session of one, or their key with the `admin` scope. */
export const OperatorsOnly = (operator: OperatorRole) => access({ adminOnly: true, operator });

/** Beside who may call at all: operators of this role and those above it act on others' things by this route too. */
export const ActsForOthers = (operator: OperatorRole) => access({ operator });

/** A login session, or an administrator's key: what an ordinary API key must never do, such as making another key. */
export const AccountOwner = () => access({ accountOwner: true });

/** The handler decides about API keys that this process proved a while ago and cannot prove now: it must look at `principal.unproven` first of all. */
export const KnownFromMemory = () => access({ fromMemory: true });

export const ENROLS = 'quotidian:enrols';

/** A route by which an administrator comes by a second factor: open to those who need one and have none. */
export const EnrolsSecondFactor = () => SetMetadata(ENROLS, true);

export const BOUNDED_OTHERWISE = 'quotidian:bounded-otherwise';

/**
 * A route whose calls are bounded by what they cost, by what was charged before, or by a bound of its own: no rate of writes
 * holds for them, and no limit of calls under way.
 */
export const BoundedOtherwise = () => SetMetadata(BOUNDED_OTHERWISE, true);

/** A request that the guard let through. */
export type AuthenticatedRequest = FastifyRequest & {
  principal: Principal;
  /** What the route asked of it. */
  access: Access;
};

export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return context.switchToHttp().getRequest<AuthenticatedRequest>().principal;
});

/** Who calls, as what the audit log names them, and from where. */
export interface Caller {
  principal: Principal;
  actor: Actor;
  network: string;
}

/** For calls that ask for more than one of its parts. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  return { principal: request.principal, actor: actorOf(request), network: networkOfRequest(request) };
});

/** The caller as the audit log names them. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  return actorOf(context.switchToHttp().getRequest<AuthenticatedRequest>());
});

function actorOf({ principal, id }: AuthenticatedRequest): Actor {
  if (principal.isCommand) return { kind: 'command', id: null, requestId: id };
  return { kind: principal.keyId === null ? 'user' : 'key', id: principal.userId, keyId: principal.keyId, requestId: id };
}
