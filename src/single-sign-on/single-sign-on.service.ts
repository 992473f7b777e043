import { Injectable, Logger } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type Configuration,
  type IDToken,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { AuthService, type BegunTokens } from '../auth/auth.service';
import { type ClientDevice } from '../common/client-device';
import { LinkBase } from '../mail/link-base.service';
import { FetchFailed } from '../foreign-tokens/fetch-json';
import { SecondFactorsService } from '../second-factors/second-factors.service';
import { UsersService } from '../users/users.service';
import { LoginState, type PendingLogin } from './login-state';
import { PeopleService } from './people.service';
import { ProvidersService, unavailable } from './providers.service';
import { CodeAwaited, IdentityRefused, LoginNotCompleted } from './single-sign-on.errors';
import { type OidcProvider } from './single-sign-on.settings';

/**
 * Logins of people by OpenID Connect: authorization code with PKCE (S256), state and nonce. Always true: what comes back is taken only by the browser that
 * began, once, from the provider that it began with; the ID token is the provider's, for this client, and of this login.
 */
@Injectable()
export class SingleSignOnService {
  private readonly logger = new Logger(SingleSignOnService.name);

  constructor(
    private readonly providers: ProvidersService,
    private readonly people: PeopleService,
    private readonly logins: LoginState,
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly factors: SecondFactorsService,
    private readonly linkBase: LinkBase,
  ) {}

  /** Where the browser goes, and what it carries. @throws NotFoundProblem, UnavailableProblem */
  async begin(id: string, request: FastifyRequest, returnTo: string | null = null): Promise<{ location: string; cookie: string }> {
    const provider = this.providers.get(id);
    const configuration = await this.providers.configurationOf(provider);
    const verifier = randomPKCECodeVerifier();
    const login: PendingLogin = { provider: id, issuer: provider.issuer, state: randomState(), nonce: randomNonce(), verifier, returnTo };
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.redirectUri(id),
      scope: ['openid', ...(provider.scopes ?? ['email', 'profile']).filter((scope) => scope !== 'openid')].join(' '),
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: login.state,
      nonce: login.nonce,
    });
    return { location: url.href, cookie: this.logins.cookieFor(request, login, this.isSecure) };
  }

  /** @throws NotFoundProblem, LoginNotCompleted, IdentityRefused, LastAdmin, CodeAwaited where the account has a second factor, UnavailableProblem */
  async complete(id: string, request: FastifyRequest, device: ClientDevice): Promise<BegunTokens> {
    const provider = this.providers.get(id);
    const login = this.logins.pending(request, id);
    if (login === null || login.issuer !== provider.issuer)
      throw new LoginNotCompleted('No login that this browser began within ten minutes waits for this answer: begin anew.');
    const configuration = await this.providers.configurationOf(provider);
    const claims = await this.claims(provider, configuration, login, request);
    const userId = await this.people.admit(provider, claims);
    if (provider.secondFactor !== 'trust' && (await this.factors.isEnrolled(userId))) await this.askForCode(userId, login, request);
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
      this.logins.codeCookieFor(request, { provider, issuer, userId, tokenVersion: owner.tokenVersion, returnTo }, this.isSecure),
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
    return this.logins.endOf(request, id, this.isSecure);
  }

  /** Whether the code is awaited of a page of ours, which gets its session in a cookie. */
  isOfPage(id: string, request: FastifyRequest): boolean {
    return (this.logins.awaitedCode(request, id)?.returnTo ?? null) !== null;
  }

  /** Where the browser that comes back wants to be led; null: nowhere. */
  returnTo(id: string, request: FastifyRequest): string | null {
    return this.logins.pending(request, id)?.returnTo ?? null;
  }

  private async claims(provider: OidcProvider, configuration: Configuration, login: PendingLogin, request: FastifyRequest): Promise<IDToken> {
    const url = new URL(this.redirectUri(provider.id));
    url.search = new URL(request.url, 'http://localhost').search;
    try {
      const tokens = await authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: login.verifier,
        expectedState: login.state,
        expectedNonce: login.nonce,
        idTokenExpected: true,
      });
      return tokens.claims() as IDToken;
    } catch (error) {
      const { message, cause } = error as Error;
      this.logger.warn(`a login by ${provider.id} was not completed: ${message}`);
      if (error instanceof FetchFailed || cause instanceof FetchFailed) throw unavailable(provider);
      throw new LoginNotCompleted(`The answer of ${provider.name} does not complete this login: ${message}.`);
    }
  }

  private redirectUri(id: string): string {
    return `${this.linkBase.value}/v1/auth/oidc/${id}/callback`;
  }

  private get isSecure(): boolean {
    return this.linkBase.value.startsWith('https:');
  }
}
