import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { StartupError } from '../../config/startup-error';
import { type Hit } from './access-log';

const TRIES = 20;
const PATIENCE_MS = 60_000;
const MAX_PAUSE_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;

export interface Outcome {
  status: number;
  replayed: boolean;
  ms: number;
  /** Why, when it is neither admitted nor refused for want of quota. */
  detail?: string;
}

/** Submits hits to a service over HTTP, and tries again with the same key while it answers that it cannot take them now. */
export class Submitter {
  private readonly pool: Pool;
  private readonly base: string;

  /** @param stop ends the waiting for a service that cannot take a hit now */
  constructor(
    url: URL,
    private readonly key: string,
    concurrency: number,
    private readonly stop: AbortSignal,
  ) {
    this.base = url.pathname.replace(/\/$/, '');
    this.pool = new Pool(url.origin, { connections: concurrency, pipelining: 1, headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS });
    setMaxListeners(0, stop);
  }

  /** @throws StartupError when the service cannot be reached, or is not the one whose database the key was made in */
  async assertKnown(): Promise<void> {
    const headers = { authorization: `Bearer ${this.key}` };
    const answer = await this.pool
      .request({ method: 'GET', path: `${this.base}/v1/users/me/quota`, headers })
      .catch((error: Error & { code?: string }) => error);
    if (answer instanceof Error) throw new StartupError(`The service cannot be reached (${answer.code ?? answer.message}).`);
    await answer.body.dump();
    if (answer.statusCode === 200) return;
    const reason = answer.statusCode === 401 ? 'works on another database than this command' : `does not answer as one of ours: ${answer.statusCode}`;
    throw new StartupError(`The service ${reason}.`);
  }

  /** @returns null when it was stopped before anybody knew */
  async submit(hit: Hit, userId: number): Promise<Outcome | null> {
    const body = JSON.stringify({ type: 'hit', userId, payload: hit.payload });
    const startedAt = performance.now();
    for (let tries = 1; ; tries++) {
      const { status, replayed, retryAfterMs, detail } = await this.attempt(body, hit.idempotencyKey);
      const ms = performance.now() - startedAt;
      const passing = status === 503 || status === 409 || status === 0;
      if (!passing || tries === TRIES || ms > PATIENCE_MS) return { status, replayed, ms, detail };
      if (this.stop.aborted) return null;
      await delay(retryAfterMs, undefined, { signal: this.stop }).catch(() => undefined);
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async attempt(body: string, idempotencyKey: string): Promise<Omit<Outcome, 'ms'> & { retryAfterMs: number }> {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    try {
      const answer = await this.pool.request({ method: 'POST', path: `${this.base}/v1/requests`, headers, body });
      const text = await answer.body.text();
      const detail = answer.statusCode < 300 ? undefined : detailOf(text);
      const retryAfterMs = Math.min((Number(answer.headers['retry-after'] ?? 1) || 1) * 1_000, MAX_PAUSE_MS);
      return { status: answer.statusCode, replayed: answer.headers['idempotency-replayed'] === 'true', detail, retryAfterMs };
    } catch (error) {
      // Nobody knows whether it was charged; the key finds out.
      return { status: 0, replayed: false, detail: (error as Error).message, retryAfterMs: 500 };
    }
  }
}

/** A proxy on the way may answer with anything. */
function detailOf(text: string): string {
  try {
    return String((JSON.parse(text) as { detail?: string }).detail);
  } catch {
    return text.slice(0, 100);
  }
}
