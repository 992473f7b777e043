import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Hit } from './access-log';

const TRIES = 20;
const PATIENCE_MS = 60_000;

export interface Outcome {
  status: number;
  replayed: boolean;
  ms: number;
  /** Why, when it is neither admitted nor refused for want of quota. */
  detail?: string;
}

/** Submits hits to a service over HTTP, and tries again with the same key while it says that it cannot take them now. */
export class Submitter {
  private readonly pool: Pool;

  constructor(
    url: string,
    private readonly key: string,
    concurrency: number,
  ) {
    this.pool = new Pool(url, { connections: concurrency, pipelining: 1 });
  }

  async submit(hit: Hit, userId: number): Promise<Outcome> {
    const body = JSON.stringify({ type: 'hit', userId, payload: hit.payload });
    const startedAt = performance.now();
    for (let tries = 1; ; tries++) {
      const { status, replayed, retryAfterMs, detail } = await this.attempt(body, hit.idempotencyKey);
      const ms = performance.now() - startedAt;
      const passing = status === 503 || status === 409 || status === 0;
      if (!passing || tries === TRIES || ms > PATIENCE_MS) return { status, replayed, ms, detail };
      await delay(retryAfterMs);
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async attempt(body: string, idempotencyKey: string): Promise<Omit<Outcome, 'ms'> & { retryAfterMs: number }> {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    try {
      const answer = await this.pool.request({ method: 'POST', path: '/v1/requests', headers, body });
      const text = await answer.body.text();
      const detail = answer.statusCode < 300 ? undefined : (JSON.parse(text) as { detail?: string }).detail;
      const retryAfterMs = Number(answer.headers['retry-after'] ?? 1) * 1_000;
      return { status: answer.statusCode, replayed: answer.headers['idempotency-replayed'] === 'true', detail, retryAfterMs };
    } catch (error) {
      // Nobody knows whether it was charged; the key finds out.
      return { status: 0, replayed: false, detail: (error as Error).message, retryAfterMs: 500 };
    }
  }
}
