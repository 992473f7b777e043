import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { AuthService, type BegunTokens } from '../auth/auth.service';
import { type ClientDevice } from '../common/client-device';
import { SecondFactorsService } from '../second-factors/second-factors.service';
import { UsersService } from '../users/users.service';
import { LoginState, type PendingLogin } from './login-state';
import { OidcExchange } from './oidc-exchange.service';
import { PeopleService } from './people.service';
import { ProvidersService } from './providers.service';
import { CodeAwaited, IdentityRefused, LoginNotCompleted } from './single-sign-on.errors';

/** Logins of people by OpenID Connect. Always true: what comes back is accepted only from the browser that began, and begins one session. */
@Injectable()
export class SingleSignOnService {
  constructor(
    private readonly providers: ProvidersService,
    private readonly exchange: OidcExchange,
    private readonly people: PeopleService,
    private readonly logins: LoginState,
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly factors: SecondFactorsService,
  ) {}

  /** Where the browser goes, and what it carries. @throws NotFoundProblem, UnavailableProblem */
  async begin(id: string, request: FastifyRequest, returnTo: string | null = null): Promise<{ location: string; cookie: string }> {
    const { location, asked } = await this.exchange.begin(this.providers.get(id));
    return { location, cookie: this.logins.cookieFor(request, { ...asked, returnTo }, this.exchange.isSecure) };
  }

  /** @throws NotFoundProblem, LoginNotCompleted, IdentityRefused, LastAdmin, CodeAwaited where the account has a second factor, UnavailableProblem */
  async complete(id: string, request: FastifyRequest, device: ClientDevice): Promise<BegunTokens> {
    const provider = this.providers.get(id);
    const login = this.logins.pending(request, id);
    const claims = await this.exchange.claims(provider, login, request.url);
    const userId = await this.people.admit(provider, claims);
    if (provider.secondFactor !== 'trust' && (await this.factors.isEnrolled(userId))) await this.askForCode(userId, login as PendingLogin, request);
    return this.begun(userId, device);
  }

  /**
   * Ends a login whose account asked for a code.
   * @throws NotFoundProblem, LoginNotCompleted, IdentityRefused, CodeRefused, TooManyAttempts
   */
  async completeByCode(id: string, request: FastifyRequest, code: string, network: string, device: ClientDevice): Promise<BegunTokens> {
    const { issuer } = this.providers.get(id);
    const awaited = this.logins.awaitedCode(request, id);
    const owner = awaited?.issuer === issuer ? await this.users.sessionOwner(awaited.userId) : null;
    if (awaited === null || owner?.tokenVersion !== awaited.tokenVersion) throw new LoginNotCompleted('No login of this browser waits for a code: begin anew.');
    await this.factors.assertPassed({ userId: awaited.userId, network }, code);
    return this.begun(awaited.userId, device);
  }

  private async askForCode(userId: number, { provider, issuer, returnTo }: PendingLogin, request: FastifyRequest): Promise<void> {
    const owner = await this.users.sessionOwner(userId);
    if (owner === null) return;
    throw new CodeAwaited(
      this.logins.codeCookieFor(request, { provider, issuer, userId, tokenVersion: owner.tokenVersion, returnTo }, this.exchange.isSecure),
      provider,
    );
  }

  private async begun(userId: number, device: ClientDevice): Promise<BegunTokens> {
    const tokens = await this.auth.beginSession(userId, device);
    if (tokens === null) throw new IdentityRefused('The account is suspended.');
    return tokens;
  }

  /** The cookie that ends what the browser carries. */
  endOf(id: string, request: FastifyRequest): string {
    return this.logins.endOf(request, id, this.exchange.isSecure);
  }

  /** Whether the code is awaited of a page of ours, which gets its session in a cookie. */
  isOfPage(id: string, request: FastifyRequest): boolean {
    return (this.logins.awaitedCode(request, id)?.returnTo ?? null) !== null;
  }

  /** Where the browser that comes back wants to be led; null: nowhere. */
  returnTo(id: string, request: FastifyRequest): string | null {
    return this.logins.pending(request, id)?.returnTo ?? null;
  }
}
