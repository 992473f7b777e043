import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { UnavailableProblem } from '../http/problem';
import { fetchJson } from './fetch-json';

type Resolve = ReturnType<typeof createLocalJWKSet>;

/** Keys are read again when they are older; those that are there are used meanwhile, and while the provider is away. */
const FRESH_MS = 600_000;
/** A key id that is not known has them read again, but not more often: anybody may make one up. */
const REST_MS = 30_000;
/** After a failure nobody waits for another one so soon. */
const RETRY_MS = 5_000;

/** Where an issuer's keys are. */
export interface KeySource {
  issuer: string;
  jwksUri?: string;
}

/**
 * The public keys of one issuer. Always true: one fetch is under way at a time, of bounded size and time; what callers send makes
 * fetches no more often than twice a minute; keys that were read stay usable while the provider cannot be reached.
 */
export class IssuerKeys {
  private resolve: Resolve | null = null;
  private readAt = -Infinity;
  private triedAt = -Infinity;
  private hasFailed = false;
  private reading: Promise<void> | null = null;

  constructor(
    private readonly source: KeySource,
    private readonly allowHttp: () => boolean,
    private readonly warn: (message: string) => void,
  ) {}

  /** For `jwtVerify`. @throws UnavailableProblem when there is no key yet and the provider cannot be reached; JWKSNoMatchingKey */
  readonly key = async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    if (this.resolve === null) await this.readFirst();
    else if (performance.now() - this.readAt > FRESH_MS) void this.readIfRested();
    try {
      return await (this.resolve as unknown as Resolve)(header, token);
    } catch (error) {
      const reading = error instanceof errors.JWKSNoMatchingKey ? this.readIfRested() : null;
      if (reading === null) throw error;
      await reading;
      return (this.resolve as unknown as Resolve)(header, token);
    }
  };

  /** @throws UnavailableProblem */
  private async readFirst(): Promise<void> {
    if (!this.hasFailed || performance.now() - this.triedAt > RETRY_MS) await this.read();
    if (this.resolve !== null) return;
    throw new UnavailableProblem(`The identity provider ${this.source.issuer} cannot be reached, so its tokens cannot be checked.`, RETRY_MS / 1_000);
  }

  /** Null: they were read, or that was tried, a moment ago. */
  private readIfRested(): Promise<void> | null {
    if (this.reading === null && performance.now() - this.triedAt < REST_MS) return null;
    return this.read();
  }

  private read(): Promise<void> {
    if (this.reading !== null) return this.reading;
    this.triedAt = performance.now();
    this.reading = this.fetch()
      .then(
        (keys) => {
          this.resolve = createLocalJWKSet(keys);
          this.readAt = performance.now();
          this.hasFailed = false;
        },
        (error: Error) => {
          this.hasFailed = true;
          this.warn(`keys of ${this.source.issuer} cannot be read: ${error.message}`);
        },
      )
      .finally(() => (this.reading = null));
    return this.reading;
  }

  private async fetch(): Promise<JSONWebKeySet> {
    const keys = await fetchJson(this.source.jwksUri ?? (await this.discover()), this.allowHttp());
    if (!Array.isArray(keys.keys)) throw new Error('there is no list of keys');
    // Checks each key's form.
    createLocalJWKSet(keys as unknown as JSONWebKeySet);
    return keys as unknown as JSONWebKeySet;
  }

  /** OpenID Connect Discovery 1.0, section 4: the document must be the issuer's own. */
  private async discover(): Promise<string> {
    const { issuer } = this.source;
    const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, this.allowHttp());
    if (document.issuer !== issuer) throw new Error('its discovery document names another issuer');
    if (typeof document.jwks_uri !== 'string') throw new Error('its discovery document names no keys');
    return document.jwks_uri;
  }
}
