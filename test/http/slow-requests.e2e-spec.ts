import { connect } from 'node:net';
import { promisesByTheClock } from '../support/clock-promises';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';

promisesByTheClock();

describe('a request that trickles in', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  /** Sends a byte now and then, and shows what came back and after how many seconds the server had closed. */
  async function trickle(start: string): Promise<{ seconds: number; text: string }> {
    const began = performance.now();
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname, () => socket.write(start));
    const drip = setInterval(() => socket.write('x'), 250);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    clearInterval(drip);
    return { seconds: (performance.now() - began) / 1_000, text };
  }

  it('is cut off with a 408: after some 5 s in its headers, after some 10 s in its body, while others are served', async () => {
    const headers = trickle('POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const body = trickle('POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
    const { status } = await rawRequest(service.url, 'GET /v1/tiers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(status).toBe(200);
    for (const { seconds, text, min, max } of [
      { ...(await headers), min: 4.5, max: 9 },
      { ...(await body), min: 9.5, max: 14 },
    ]) {
      expect(seconds).toBeGreaterThan(min);
      expect(seconds).toBeLessThan(max);
      expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\ncontent-type: application\/problem\+json\r\n/);
      expect(text).toContain('"code":"request-timeout"');
    }
  });
});
