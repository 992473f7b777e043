import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ACCESS, type Access, type AuthenticatedRequest, ENROLS } from '../common/access.decorators';
import { OncePerRoute } from '../common/once-per-route';
import { type Principal } from '../common/principal';
import { AdminRequired, CredentialsInvalid, CredentialsMissing, ScopeRequired } from '../http/access.errors';
import { type ProblemClass } from '../http/problem';
import { GuardFails } from '../openapi/declarations';
import { TotpEnrolmentRequired } from './auth.errors';
import { Credentials } from './credentials';

/** Lets nobody through who is not known and allowed. Routes declare what they ask; one that declares nothing is closed. */
@Injectable()
@GuardFails(({ metadata }) => refusalsOf(metadata(ACCESS) as Access, metadata(ENROLS) === true))
export class AuthGuard implements CanActivate {
  private readonly routes = new OncePerRoute((context) => ({
    access: this.reflector.get<Access | undefined>(ACCESS, context.getHandler()) ?? { adminOnly: true },
    enrols: this.reflector.get<boolean | undefined>(ENROLS, context.getHandler()) === true,
  }));

  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: Credentials,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { access, enrols } = this.routes.of(context);
    if (access.public) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const principal = this.credentials.admit(request.headers.authorization, access, enrols);
    return principal instanceof Promise ? principal.then((known) => enter(request, known, access)) : enter(request, principal, access);
  }
}

function enter(request: AuthenticatedRequest, principal: Principal, access: Access): true {
  request.principal = principal;
  request.access = access;
  return true;
}

function refusalsOf({ public: open, adminOnly, accountOwner, scopes = [] }: Access, enrols: boolean): ProblemClass[] {
  if (open) return [];
  const ofRole = adminOnly ? [AdminRequired, ScopeRequired] : accountOwner || scopes.length > 0 ? [ScopeRequired] : [];
  return [CredentialsMissing, CredentialsInvalid, ...ofRole, ...(enrols ? [] : [TotpEnrolmentRequired])];
}
