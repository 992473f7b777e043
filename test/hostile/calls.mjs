import { Agent, request } from 'undici';

/** Requests of one hostile caller, so many under way at once, until it is asked to stop. */
export class Calls {
  /** @type {Record<string, number>} */
  statuses = {};
  stopped = false;

  constructor(stage, connections = 64) {
    this.origin = `http://127.0.0.1:${stage.port}`;
    this.connections = connections;
    this.agent = new Agent({ connections, pipelining: 1 });
  }

  /**
   * @param {{ method?: string, path: string, key?: string, body?: string | Buffer, headers?: Record<string, string>, withinMs?: number }} call withinMs: when it is left, a stream for example
   * @returns the status, or 0 when there was no answer
   */
  async send({ method = 'GET', path, key, body, headers = {}, withinMs }) {
    try {
      const answer = await request(this.origin + path, {
        method,
        body,
        headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        dispatcher: this.agent,
        headersTimeout: 30_000,
        signal: withinMs === undefined ? undefined : AbortSignal.timeout(withinMs),
      });
      const text = await answer.body.text();
      this.statuses[answer.statusCode] = (this.statuses[answer.statusCode] ?? 0) + 1;
      return { status: answer.statusCode, text };
    } catch (error) {
      const code = error.name === 'TimeoutError' ? 'left' : (error.code ?? 'error');
      if (!this.stopped) this.statuses[code] = (this.statuses[code] ?? 0) + 1;
      return { status: 0, text: String(error) };
    }
  }

  /** Sends what `next` makes, again and again, on every connection. Ends when `stop` is called. */
  async flood(next) {
    let n = 0;
    const worker = async () => {
      while (!this.stopped) {
        const call = next(n++);
        if (call === null) return;
        await this.send(call);
      }
    };
    await Promise.all(Array.from({ length: this.connections }, worker));
  }

  async stop() {
    this.stopped = true;
    await this.agent.destroy();
  }
}
