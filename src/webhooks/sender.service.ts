import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent } from 'undici';
import { Environment } from '../config/environment';
import { SettingsService } from '../settings/settings.service';
import { AddressPolicy } from './addresses';
import { type UrlRules, urlFlaw } from './endpoint-url';
import { HostResolver } from './host-resolver';
import { pinnedConnector } from './pinned-connector';
import { proxyTunnel } from './proxy-tunnel';
import { retryAfterMs } from './retry-after';
import { failureOf, readCut } from './sent';
import { WebhookSettings } from './webhooks.settings';

/** All of an attempt, from the question for the name to the end of the answer. */
const TOTAL_TIMEOUT_MS = 15_000;
const IDLE_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;
/** Answers that ask for patience with `Retry-After`. */
const PATIENT = new Set([429, 502, 503, 504]);

/** What came of one attempt. */
export interface Sent {
  /** The HTTP status; null: there was no answer. */
  status: number | null;
  /** Why there was no answer: `timeout`, `connection-refused`, `address-not-allowed`, … */
  error: string | null;
  durationMs: number;
  /** The beginning of the answer's body. */
  answer: string;
  /** The pause that the endpoint asked for. */
  retryAfterMs: number | null;
}

/**
 * Sends one HTTP request to a URL that a user chose. Always true: it connects to allowed addresses alone, follows no redirect, and
 * ends within 15 s and 128 kB of the answer, whatever the other side does.
 */
@Injectable()
export class Sender implements OnApplicationShutdown {
  private readonly agent: Agent;
  private rules: UrlRules | undefined;

  constructor(
    private readonly settings: SettingsService,
    resolver: HostResolver,
    { WEBHOOK_PROXY_URL: proxy }: Environment,
  ) {
    settings.onChange(() => (this.rules = undefined));
    this.agent = new Agent({
      connect: pinnedConnector({ resolver, policy: () => this.urlRules.policy, tunnel: proxy === undefined ? null : proxyTunnel(new URL(proxy)) }),
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      headersTimeout: TOTAL_TIMEOUT_MS,
      bodyTimeout: TOTAL_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }

  /** What the settings allow of a URL now. */
  get urlRules(): UrlRules {
    this.rules ??= {
      allowHttp: this.settings.get(WebhookSettings.allowHttp),
      policy: new AddressPolicy(this.settings.get(WebhookSettings.allowedNetworks)),
    };
    return this.rules;
  }

  /** Never rejects. */
  async send(url: string, headers: Record<string, string>, body: string): Promise<Sent> {
    const startedAt = performance.now();
    const ended = (sent: Omit<Sent, 'durationMs'>): Sent => ({ ...sent, durationMs: Math.round(performance.now() - startedAt) });
    const flaw = urlFlaw(url, this.urlRules);
    if (flaw !== null) return ended({ status: null, error: flaw.code, answer: '', retryAfterMs: null });
    const { origin, pathname, search } = new URL(url);
    const signal = AbortSignal.timeout(TOTAL_TIMEOUT_MS);
    try {
      const answered = await this.agent.request({ origin, path: pathname + search, method: 'POST', headers, body, signal });
      const { statusCode: status } = answered;
      const pause = PATIENT.has(status) ? retryAfterMs(answered.headers['retry-after'], new Date()) : null;
      return ended({ status, error: null, answer: await readCut(answered.body), retryAfterMs: pause });
    } catch (error) {
      return ended({ status: null, error: failureOf(error), answer: '', retryAfterMs: null });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }
}
