import { Injectable, Logger } from '@nestjs/common';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type IDToken,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { FetchFailed } from '../foreign-tokens/fetch-json';
import { LinkBase } from '../mail/link-base.service';
import { type Asked } from './login-state';
import { ProvidersService, unavailable } from './providers.service';
import { LoginNotCompleted } from './single-sign-on.errors';
import { type OidcProvider } from './single-sign-on.settings';

/**
 * What is asked of a provider and what it answers: authorization code with PKCE (S256), state and nonce. Always true: an answer is accepted once, from the provider
 * that was asked, and only with what was asked; the ID token is the provider's, for this client, and of this login.
 */
@Injectable()
export class OidcExchange {
  private readonly logger = new Logger(OidcExchange.name);

  constructor(
    private readonly providers: ProvidersService,
    private readonly linkBase: LinkBase,
  ) {}

  /** Where the browser goes, and what has to come back. @throws UnavailableProblem */
  async begin(provider: OidcProvider): Promise<{ location: string; asked: Asked }> {
    const configuration = await this.providers.configurationOf(provider);
    const asked: Asked = {
      provider: provider.id,
      issuer: provider.issuer,
      state: randomState(),
      nonce: randomNonce(),
      verifier: randomPKCECodeVerifier(),
    };
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.redirectUri(provider.id),
      scope: ['openid', ...(provider.scopes ?? ['email', 'profile']).filter((scope) => scope !== 'openid')].join(' '),
      code_challenge: await calculatePKCECodeChallenge(asked.verifier),
      code_challenge_method: 'S256',
      state: asked.state,
      nonce: asked.nonce,
    });
    return { location: url.href, asked };
  }

  /** Who the provider states that it was. @param url with what the browser came back @throws LoginNotCompleted, UnavailableProblem */
  async claims(provider: OidcProvider, asked: Asked | null, url: string): Promise<IDToken> {
    if (asked === null || asked.issuer !== provider.issuer)
      throw new LoginNotCompleted('No login that this browser began within ten minutes waits for this answer: begin anew.');
    const configuration = await this.providers.configurationOf(provider);
    const back = new URL(this.redirectUri(provider.id));
    back.search = new URL(url, 'http://localhost').search;
    try {
      const tokens = await authorizationCodeGrant(configuration, back, {
        pkceCodeVerifier: asked.verifier,
        expectedState: asked.state,
        expectedNonce: asked.nonce,
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

  /** Whether browsers come by https, so that cookies go by it alone. */
  get isSecure(): boolean {
    return this.linkBase.value.startsWith('https:');
  }

  private redirectUri(id: string): string {
    return `${this.linkBase.value}/v1/auth/oidc/${id}/callback`;
  }
}
