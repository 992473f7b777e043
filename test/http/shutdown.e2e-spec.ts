import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { GracefulShutdown } from '../../src/http/graceful-shutdown';
import { eventually } from '../support/eventually';
import { makeUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

describe('a replica that stops', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it('finishes the answers under way, takes no new connection, and is gone', async () => {
    const user = await makeUser(service);
    const replica = await startReplica(service.databaseUrl);
    // A keep-alive connection without a request must not hold the process up.
    const idle = httpRequest(`${replica.url}/health/live`, { headers: { connection: 'keep-alive' } }).end();
    await new Promise((resolve) => idle.on('response', (answer) => answer.resume().on('end', resolve)));
    const late = httpRequest(`${replica.url}/v1/requests`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'content-length': 12 },
    });
    const lateStatus = new Promise<number | undefined>((resolve) => {
      late.on('response', (answer) => resolve(answer.resume().statusCode));
      late.on('error', () => resolve(undefined));
    });
    late.flushHeaders();
    const stopping: Promise<void>[] = [];
    const submits = await inTransaction(service, async (client) => {
      await client.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const answers = Array.from({ length: 20 }, () =>
        replica
          .as(user)
          .post('/v1/requests')
          .send({ type: 'x' })
          .then((answer) => answer.status),
      );
      await untilBlocked(service, 1);
      const server = replica.app.getHttpServer();
      // All have come in: what follows asks after them.
      await eventually(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count >= 20))));
      await replica.as().get('/health/live').expect(200);
      stopping.push(replica.close());
      await eventually(() => replica.app.get(GracefulShutdown, { strict: false }).draining);
      late.end('{"type":"x"}');
      return answers;
    });
    expect(await Promise.all(submits)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(await lateStatus).toBe(201);
    await Promise.all(stopping);
    await expect(fetch(`${replica.url}/health/live`)).rejects.toThrow();
    const [books] = await service.sql(
      'SELECT api_quota_used_today AS used, (SELECT count(*)::int FROM requests WHERE user_id = u.id) AS rows FROM users u WHERE id = $1',
      [user.id],
    );
    expect(books).toEqual({ used: 21, rows: 21 });
  });

  it('ends each connection with its answer while it drains, so that no next call is on its way when the connection goes', async () => {
    const replica = await startReplica(service.databaseUrl);
    const keeps = async () => (await fetch(`${replica.url}/health/live`)).headers.get('connection');
    expect(await keeps()).toBe('keep-alive');
    replica.app.get(GracefulShutdown, { strict: false }).draining = true;
    expect(await keeps()).toBe('close');
    await replica.close();
  });

  it('is not held up by a connection that never sent anything, as browsers open in advance', async () => {
    const replica = await startReplica(service.databaseUrl);
    const silent = connect(Number(new URL(replica.url).port), '127.0.0.1');
    await once(silent, 'connect');
    const startedAt = performance.now();
    await replica.close();
    // The deadline that cuts everything is 10 s.
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    silent.destroy();
  });
});
