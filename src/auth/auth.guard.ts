import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyRequest } from 'fastify';
import { KEY_PREFIX } from '../api-keys/key-format';
import { ACCESS, type Access } from '../common/access.decorators';
import { AdminRequired, ScopeRequired } from '../common/access.errors';
import { type Principal } from '../common/principal';
import { AccessTokens } from './access-tokens';
import { CredentialsInvalid, CredentialsMissing } from './auth.errors';
import { PrincipalsService } from './principals.service';

type Request = FastifyRequest & { principal?: Principal };

/** Lets nobody through who is not known and allowed. Routes say what they ask; one that says nothing is closed. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
    private readonly principals: PrincipalsService,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = this.reflector.get<Access | undefined>(ACCESS, context.getHandler()) ?? { adminOnly: true };
    if (access.public) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const principal = this.authenticate(request.headers.authorization);
    if (principal instanceof Promise) return principal.then((p) => admit(request, p, access));
    return admit(request, principal, access);
  }

  private authenticate(header: string | undefined): Principal | null | Promise<Principal | null> {
    if (header === undefined) throw new CredentialsMissing();
    const credential = /^bearer +([^ ]+)$/i.exec(header)?.[1];
    if (credential === undefined) throw new CredentialsInvalid();
    if (credential.startsWith(KEY_PREFIX)) return this.principals.byKey(credential);
    const claims = this.tokens.verify(credential);
    return claims === null ? null : this.principals.byToken(claims);
  }
}

function admit(request: Request, principal: Principal | null, access: Access): boolean {
  if (principal === null) throw new CredentialsInvalid();
  request.principal = principal;
  if (access.adminOnly && !principal.isAdmin) throw principal.role === 'admin' ? new ScopeRequired(['admin']) : new AdminRequired();
  if (access.accountOwner && principal.keyId !== null && !principal.isAdmin) throw new ScopeRequired(['admin']);
  const missing = (access.scopes ?? []).filter((scope) => !principal.scopes.has(scope));
  if (missing.length > 0) throw new ScopeRequired(missing);
  return true;
}
