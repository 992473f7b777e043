import { Command } from '../support/command';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('the trace of a call', () => {
  let service: Service;
  let command: Command;
  let url: string;
  beforeAll(async () => {
    service = await startService();
    command = new Command(['serve'], {
      NODE_ENV: 'test',
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: service.databaseUrl,
      DATA_DIR: '.data',
      JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
      SCHEDULER_ENABLED: 'false',
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      LOG_REQUESTS: 'true',
    });
    [, url] = await command.shows(/(http:\/\/127\.0\.0\.1:\d+)/);
  }, 60_000);
  afterAll(async () => {
    command.child.kill('SIGTERM');
    await command.finished();
    await service.close();
  });

  /** The line that is logged for a call, and the call's answer. */
  async function logged(id: string, traceparent?: string): Promise<{ line: Record<string, unknown>; answer: Response }> {
    const answer = await fetch(`${url}/v1/tiers`, { headers: { 'x-request-id': id, ...(traceparent === undefined ? {} : { traceparent }) } });
    let line: Record<string, unknown> = {};
    await eventually(() => {
      const text = command.stdout.split('\n').find((one) => one.startsWith('{') && one.includes(`"requestId":"${id}"`));
      expect(text).toBeDefined();
      line = JSON.parse(text!) as Record<string, unknown>;
      return Promise.resolve();
    }, 10_000);
    return { line, answer };
  }

  it('is taken over into what is logged', async () => {
    const { line, answer } = await logged('sane', `00-${TRACE}-00f067aa0ba902b7-01`);
    expect(line).toMatchObject({ requestId: 'sane', traceId: TRACE, status: 200 });
    expect(answer.headers.get('traceresponse')).toBeNull();
  });

  it('is begun where the call is part of none, or names it badly', async () => {
    const none = await logged('none');
    const bad = await logged('bad', `00-${TRACE}-0000000000000000-01`);
    for (const { line } of [none, bad]) expect(line.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set([TRACE, none.line.traceId, bad.line.traceId]).size).toBe(3);
  });
});
