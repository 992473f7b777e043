import { Injectable, Logger } from '@nestjs/common';
import { allowInsecureRequests, type Configuration, customFetch, discovery, enableNonRepudiationChecks } from 'openid-client';
import { TrustedIssuerSettings } from '../foreign-tokens/trusted-issuers.settings';
import { boundedFetch, FetchFailed } from '../foreign-tokens/fetch-json';
import { NotFoundProblem, UnavailableProblem } from '../http/problem';
import { SettingsService } from '../settings/settings.service';
import { type OidcProvider, SingleSignOnSettings } from './single-sign-on.settings';

const FRESH_MS = 3_600_000;
/** After a failure nobody waits for another one so soon. */
const RETRY_SECONDS = 5;

interface Discovered {
  /** Resolves to null where the provider could not be reached. */
  configuration: Promise<Configuration | null>;
  until: number;
}

/** The providers that are set, and what they publish of themselves. Always true: one look at a provider is under way at a time, of bounded size and time, and a change of the setting is followed. */
@Injectable()
export class ProvidersService {
  private readonly logger = new Logger(ProvidersService.name);
  /** By all that is set of a provider, so that one that changed is another one. */
  private readonly discovered = new Map<string, Discovered>();

  constructor(private readonly settings: SettingsService) {}

  get all(): readonly OidcProvider[] {
    return this.settings.get(SingleSignOnSettings.providers);
  }

  /** @throws NotFoundProblem */
  get(id: string): OidcProvider {
    const provider = this.all.find((one) => one.id === id);
    if (provider === undefined) throw new NotFoundProblem('provider');
    return provider;
  }

  /** @throws UnavailableProblem naming the provider when it cannot be reached */
  async configurationOf(provider: OidcProvider): Promise<Configuration> {
    const secret = provider.clientSecretSetting === undefined ? undefined : this.settings.secret(provider.clientSecretSetting);
    if (provider.clientSecretSetting !== undefined && typeof secret !== 'string') {
      this.logger.error(`the setting ${provider.clientSecretSetting}, which ${provider.id} names, holds no client secret`);
      throw unavailable(provider);
    }
    const configuration = await this.discover(provider, secret as string | undefined);
    if (configuration === null) throw unavailable(provider);
    return configuration;
  }

  private discover(provider: OidcProvider, secret: string | undefined): Promise<Configuration | null> {
    const name = JSON.stringify([provider, secret, this.allowsHttp]);
    const known = this.discovered.get(name);
    if (known !== undefined && known.until > performance.now()) return known.configuration;
    // Of settings that there were before, nothing is kept.
    if (this.discovered.size >= 2 * this.all.length + 1) this.discovered.clear();
    const entry: Discovered = { configuration: this.read(provider, secret), until: performance.now() + FRESH_MS };
    this.discovered.set(name, entry);
    void entry.configuration.then((found) => {
      if (found === null) entry.until = performance.now() + RETRY_SECONDS * 1_000;
    });
    return entry.configuration;
  }

  private async read({ id, issuer, clientId }: OidcProvider, secret: string | undefined): Promise<Configuration | null> {
    const insecure = this.allowsHttp ? [allowInsecureRequests] : [];
    try {
      // The signature of an ID token is checked, though it came from the provider itself.
      return await discovery(new URL(issuer), clientId, secret, undefined, {
        [customFetch]: async (url, options) => answered(await boundedFetch(url, options, this.allowsHttp)),
        execute: [...insecure, enableNonRepudiationChecks],
      });
    } catch (error) {
      this.logger.warn(`the provider ${id} cannot be used: ${(error as Error).message}`);
      return null;
    }
  }

  private get allowsHttp(): boolean {
    return this.settings.get(TrustedIssuerSettings.allowHttp);
  }
}

export function unavailable({ name, issuer }: OidcProvider): UnavailableProblem {
  return new UnavailableProblem(
    `The identity provider ${name} (${issuer}) cannot be reached. Log in by password, or try again in ${RETRY_SECONDS} s.`,
    RETRY_SECONDS,
  );
}

/** @throws FetchFailed when the fault is the provider's */
function answered(response: Response): Response {
  if (response.status >= 500) throw new FetchFailed(`it answered ${response.status}`);
  return response;
}
