import { JobsService } from '../../src/jobs/jobs.service';
import { DispatchRepository } from '../../src/webhooks/dispatch.repository';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeSetting } from '../support/settings';
import { type Answering, isSigned, type Received, startReceiver, type WebhookReceiver } from '../support/webhook-receiver';

describe('webhooks', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  const receivers: WebhookReceiver[] = [];
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    await writeSetting(service, admin, 'webhooks.allowHttp', true);
    await writeSetting(service, admin, 'webhooks.allowedNetworks', ['127.0.0.0/8']);
    await writeSetting(service, admin, 'webhooks.retrySchedule', [0, 1, 1]);
    await writeSetting(service, admin, 'webhooks.orderedMaxTries', 2);
    for (const replica of service.replicas)
      await eventually(() =>
        replica
          .as(admin)
          .get('/v1/configurations/webhooks.orderedMaxTries')
          .then(({ body }) => body.value === 2),
      );
  });
  afterAll(async () => {
    await service.close();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });
  beforeEach(async () => (user = await makeUser(service)));

  const receiver = async (answer?: Answering) => {
    const made = await startReceiver(answer);
    receivers.push(made);
    return made;
  };
  const endpoint = async (by: TestUser, to: WebhookReceiver | string, body: object = {}) =>
    (
      await service
        .as(by)
        .post('/v1/webhook-endpoints')
        .send({ url: typeof to === 'string' ? to : to.url, events: ['*'], ...body })
        .expect(201)
    ).body;
  /** Records an event as the outbox does, and answers its id. */
  const happens = async (about: TestUser, n: number, type = 'user.updated') => {
    const [{ id }] = await service.sql<{ id: string }>(`INSERT INTO events (type, user_id, data) VALUES ($1, $2, $3) RETURNING id`, [type, about.id, { n }]);
    return `evt_${id}`;
  };
  const deliveriesOf = async (id: number) =>
    (await service.as(admin).get(`/v1/webhook-endpoints/${id}/deliveries?limit=100`).expect(200)).body.items as {
      id: string;
      status: string;
      eventId: string;
    }[];
  const detailsOf = async (id: string) => (await service.as(admin).get(`/v1/webhook-deliveries/${id}`).expect(200)).body;
  const settled = (id: number, count = 1) =>
    eventually(async () => {
      const items = await deliveriesOf(id);
      expect(items.filter(({ status }) => status !== 'waiting').length).toBeGreaterThanOrEqual(count);
      return items;
    });
  const numbers = (received: Received[]) => received.map(({ event }) => event.data.n);

  it('are signed so that the library of Standard Webhooks verifies them, and bear the event', async () => {
    const { url, received } = await receiver();
    const { id, secret } = await endpoint(user, `${url}/hook?a=b`);
    const eventId = await happens(user, 7);
    await settled(id);
    expect(received).toHaveLength(1);
    const [webhook] = received;
    expect(isSigned(webhook, secret)).toBe(true);
    expect(isSigned({ ...webhook, body: webhook.body.replace('7', '8') }, secret)).toBe(false);
    expect(webhook.headers).toMatchObject({ 'webhook-id': eventId, 'content-type': 'application/json' });
    expect(webhook.path).toBe('/hook?a=b');
    expect(webhook.event).toEqual({ type: 'user.updated', timestamp: expect.stringMatching(/Z$/), data: { n: 7 } });
  });

  it('go to those who asked for the type: the user’s own endpoints and the operator’s, and nobody else’s', async () => {
    const [all, some, none, others, operators] = await Promise.all([receiver(), receiver(), receiver(), receiver(), receiver()]);
    const ids = [
      (await endpoint(user, all)).id,
      (await endpoint(user, some, { events: ['request.*', 'user.updated'] })).id,
      (await endpoint(admin, operators, { scope: 'all', events: ['user.*'] })).id,
    ];
    await endpoint(user, none, { events: ['quota.*', 'user.deleted'] });
    await endpoint(await makeUser(service), others);
    await happens(user, 1);
    for (const id of ids) await settled(id);
    await happens(user, 2, 'tier.changed');
    await settled(ids[0], 2);
    expect([all, some, operators, none, others].map(({ received }) => numbers(received))).toEqual([[1, 2], [1], [1], [], []]);
    await service.as(admin).delete(`/v1/webhook-endpoints/${ids[2]}`).expect(204);
  });

  it('bear the signatures of both secrets after a rotation, until the one before is over', async () => {
    const { url, received } = await receiver();
    const { id, secret } = await endpoint(user, url);
    const rotated = (await service.as(user).post(`/v1/webhook-endpoints/${id}/rotate-secret`).expect(200)).body;
    await happens(user, 1);
    await settled(id);
    expect([isSigned(received[0], secret), isSigned(received[0], rotated.secret)]).toEqual([true, true]);
    await service.sql(`UPDATE webhook_endpoints SET previous_expires_at = now() WHERE id = $1`, [id]);
    await happens(user, 2);
    await settled(id, 2);
    expect([isSigned(received[1], secret), isSigned(received[1], rotated.secret)]).toEqual([false, true]);
  });

  it('are tried again after every answer but 2xx and 410, with the same id and a new timestamp, until the plan is at its end', async () => {
    const fails = async (status: number) => {
      const { url, received } = await receiver((_, response) => void response.writeHead(status, { location: '/elsewhere' }).end('no, thanks'));
      const { id } = await endpoint(user, url);
      return { status, id, received };
    };
    const failing = await Promise.all([301, 302, 307, 400, 404, 429, 500, 503].map(fails));
    const eventId = await happens(user, 1);
    for (const { status, id, received } of failing) {
      const [delivery] = await settled(id);
      const { attempts, ...rest } = await detailsOf(delivery.id);
      expect(rest).toMatchObject({ status: 'failed', tries: 3, eventId, nextAttemptAt: null, lastStatus: status });
      expect(attempts).toEqual(Array(3).fill({ at: expect.any(String), status, error: null, durationMs: expect.any(Number), answer: 'no, thanks' }));
      expect(received.map(({ path, headers }) => [path, headers['webhook-id']])).toEqual(Array(3).fill(['/', eventId]));
      expect(new Set(received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
    }
  });

  it('wait for as long as a 429 or 503 asks', async () => {
    const { url } = await receiver((_, response) => void response.writeHead(503, { 'retry-after': '3600' }).end());
    const { id } = await endpoint(user, url);
    await happens(user, 1);
    const [delivery] = await eventually(async () => {
      const items = await deliveriesOf(id);
      expect(items).toHaveLength(1);
      expect((await detailsOf(items[0].id)).tries).toBe(1);
      return items;
    });
    const { nextAttemptAt, attempts } = await detailsOf(delivery.id);
    expect(Date.parse(nextAttemptAt) - Date.parse(attempts[0].at)).toBeGreaterThan(3_599_000);
  });

  it('end at once, for the whole endpoint, with 410', async () => {
    const informed = await receiver();
    const other = await endpoint(user, informed, { events: ['endpoint.*'] });
    const { url, received } = await receiver(() => 410);
    const { id } = await endpoint(user, url);
    await happens(user, 1);
    await settled(id);
    expect((await service.as(user).get(`/v1/webhook-endpoints/${id}`)).body).toMatchObject({ enabled: false, disabledReason: 'gone' });
    await settled(other.id);
    expect(informed.received[0].event).toMatchObject({ type: 'endpoint.disabled', data: { endpointId: id, reason: 'gone' } });
    expect(received).toHaveLength(1);
    expect(await service.sql(`SELECT 1 FROM event_listeners WHERE source = $1`, [`endpoint:${id}`])).toEqual([]);
  });

  it('stop after days of nothing but failures, and their owner is informed of each threshold once', async () => {
    const informed = await receiver();
    const other = await endpoint(user, informed, { events: ['endpoint.*'] });
    const { url } = await receiver(() => 500);
    const { id } = await endpoint(user, url);
    for (const [hours, percent] of [[0, 0], [7, 5], [61, 50], [62, 50], [121, 100]]) {
      await service.sql(`UPDATE webhook_endpoints SET failing_since = now() - make_interval(hours => $2) WHERE id = $1 AND $2 > 0`, [id, hours]);
      await service.as(user).post(`/v1/webhook-endpoints/${id}/test`).expect(201);
      await eventually(async () => (await service.sql(`SELECT 1 FROM webhook_endpoints WHERE id = $1 AND failing_percent = $2 AND failing_since IS NOT NULL`, [id, percent])).length === 1);
    } // prettier-ignore
    expect((await service.as(user).get(`/v1/webhook-endpoints/${id}`)).body).toMatchObject({ enabled: false, disabledReason: 'failing' });
    await settled(other.id, 3);
    expect(informed.received.map(({ event }) => [event.type, event.data.percent]).sort()).toEqual([
      ['endpoint.disabled', undefined],
      ['endpoint.failing', 5],
      ['endpoint.failing', 50],
    ]);
    await service.as(user).patch(`/v1/webhook-endpoints/${id}`).send({ enabled: true }).expect(200);
    expect(await service.sql(`SELECT failing_since, failing_percent FROM webhook_endpoints WHERE id = $1`, [id])).toEqual([
      { failing_since: null, failing_percent: 0 },
    ]);
  });

  it('are not held up by receivers that send a gigabyte, lie, break off or never answer', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    let sent = 0;
    const huge = await receiver((_, response, request) => {
      response.writeHead(200);
      const pump = () => {
        while (sent < 1_073_741_824 && !request.socket.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', pump);
        }
      };
      pump();
    });
    const raw = (bytes: string) => receiver((_, __, request) => void request.socket.end(bytes));
    const liar = await raw('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort');
    const garbage = await raw('nonsense\r\n\r\n');
    const breaker = await receiver((_, __, request) => void request.socket.destroy());
    const staller = await receiver(() => new Promise(() => undefined));
    const good = await receiver();
    const [h, l, g, b] = await Promise.all([huge, liar, garbage, breaker].map((to) => endpoint(user, to)));
    await endpoint(user, staller);
    const fine = await endpoint(user, good);
    await happens(user, 1);
    const outcomes = [];
    for (const { id } of [fine, h, l, g, b]) outcomes.push(await detailsOf((await settled(id))[0].id));
    expect(outcomes.map(({ status, lastStatus, lastError }) => [status, lastStatus, lastError])).toEqual([
      ['delivered', 204, null],
      ['delivered', 200, null],
      ['delivered', 200, null],
      ['failed', null, 'malformed-answer'],
      ['failed', null, 'connection-lost'],
    ]);
    expect(outcomes[1].attempts[0].answer).toBe('x'.repeat(2_048));
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  it('that keep the order of each user hold up nobody but that user, and go on without what fails for good', async () => {
    const ada = user;
    const bob = await makeUser(service);
    const tried = new Map<unknown, number>();
    const { url, received } = await receiver(({ event }) => {
      tried.set(event.data.n, (tried.get(event.data.n) ?? 0) + 1);
      return event.data.n === 1 ? 500 : 204;
    });
    const { id } = await endpoint(admin, url, { scope: 'all', ordered: true, events: ['user.updated'] });
    for (const n of [1, 2, 3, 4]) await happens(ada, n);
    for (const n of [11, 12, 13, 14, 15]) await happens(bob, n);
    await settled(id, 9);
    expect(numbers(received).filter((n) => Number(n) < 10)).toEqual([1, 1, 2, 3, 4]);
    expect(numbers(received).filter((n) => Number(n) > 10)).toEqual([11, 12, 13, 14, 15]);
    expect(numbers(received).indexOf(15)).toBeLessThan(numbers(received).lastIndexOf(1));
    await service.as(admin).delete(`/v1/webhook-endpoints/${id}`).expect(204);
  });

  it('test an endpoint on request, whatever it asked for, and no other', async () => {
    const tested = await receiver();
    const other = await receiver();
    const { id, secret } = await endpoint(user, tested, { events: ['quota.exhausted'] });
    await endpoint(user, other);
    const { body, headers } = await service.as(user).post(`/v1/webhook-endpoints/${id}/test`).expect(201);
    expect(body).toMatchObject({ endpointId: id, type: 'webhook.test', userId: user.id, status: 'delivered', tries: 1, lastStatus: 204 });
    expect(body.attempts).toMatchObject([{ status: 204, error: null }]);
    expect((await service.as(user).get(headers.location).expect(200)).body).toMatchObject({ id: body.id, status: 'delivered', tries: 1 });
    expect(isSigned(tested.received[0], secret)).toBe(true);
    expect(tested.received[0].event).toMatchObject({ type: 'webhook.test', data: { endpointId: id } });
    const before = await happens(user, 1);
    await eventually(() => other.received.some(({ headers: { 'webhook-id': eventId } }) => eventId === before));
    expect(other.received).toHaveLength(1);
  });

  it('that test an endpoint are answered with what went wrong, and as they wait where nothing is sent now', async () => {
    const { url } = await receiver(() => 500);
    const { id } = await endpoint(user, url, { ordered: true });
    const test = () => service.as(admin).post(`/v1/webhook-endpoints/${id}/test`).expect(201);
    expect((await test()).body).toMatchObject({ lastStatus: 500, attempts: [{ status: 500 }] });
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'suspended' }).expect(200);
    expect((await test()).body).toMatchObject({ status: 'waiting', attempts: [] });
    const lanes = async () => (await service.app.get(DispatchRepository).look(id - 1)).filter(({ endpointId }) => endpointId === id);
    expect(await lanes()).toEqual([{ endpointId: id, ordered: false, due: false }]);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'active' }).expect(200);
    await service.as(admin).patch(`/v1/webhook-endpoints/${id}`).send({ enabled: false }).expect(200);
    await service.sql(`UPDATE webhook_deliveries SET due_at = now(), ordered = true WHERE endpoint_id = $1 AND status = 'waiting'`, [id]);
    expect(await lanes()).toEqual([{ endpointId: id, ordered: true, due: false }]);
    await service.as(admin).delete(`/v1/webhook-endpoints/${id}`).expect(204);
  });

  it('are sent once more on request, and of a time, with the same id', async () => {
    const { url, received } = await receiver();
    const { id: early } = await endpoint(user, url);
    const ids: string[] = [];
    for (const n of [1, 2, 3]) {
      ids.push(await happens(user, n));
      // A range has milliseconds: no two of them share one.
      await service.sql('SELECT pg_sleep(0.002)');
    }
    const [last] = await settled(early, 3);
    await service.as(user).post(`/v1/webhook-deliveries/${last.id}/resend`).expect(200);
    await eventually(() => received.length === 4);
    expect(received[3].headers['webhook-id']).toBe(last.eventId);
    await eventually(async () => (await detailsOf(last.id)).attempts.length === 2);
    const late = await receiver();
    const { id } = await endpoint(user, late, { events: ['user.updated'], ordered: true });
    const [{ since, until }] = await service.sql(`SELECT min(created_at) AS since, max(created_at) AS until FROM events WHERE user_id = $1`, [user.id]);
    const replay = (body: object) => service.as(user).post(`/v1/webhook-endpoints/${id}/replay`).send(body);
    await replay({ since, until: since }).expect(400);
    await replay({ since: 'yesterday' }).expect(400);
    // Before the last one, whose instant it is.
    await replay({ since, until }).expect(202);
    await eventually(() => late.received.length === 2);
    expect(late.received.map(({ headers }) => headers['webhook-id'])).toEqual(ids.slice(0, 2));
    await eventually(async () => (await replay({ since })).status === 202);
    await eventually(() => late.received.length === 5);
    expect(late.received.map(({ headers }) => headers['webhook-id'])).toEqual([...ids.slice(0, 2), ...ids]);
  });

  it('of somebody else are not there', async () => {
    const { url } = await receiver();
    const other = await makeUser(service);
    const { id } = await endpoint(other, url);
    await happens(other, 1);
    const [delivery] = await settled(id);
    for (const deliveryId of [delivery.id, '0', 'x', '9223372036854775808']) {
      await service.as(user).get(`/v1/webhook-deliveries/${deliveryId}`).expect(404);
      await service.as(user).post(`/v1/webhook-deliveries/${deliveryId}/resend`).expect(404);
    }
    await service.as(user).get(`/v1/webhook-endpoints/${id}/deliveries`).expect(404);
    await service.as(user).post(`/v1/webhook-endpoints/${id}/test`).expect(404);
    await service.as(user).post(`/v1/webhook-endpoints/${id}/replay`).send({ since: '2026-01-01T00:00:00Z' }).expect(404);
  });

  it('wait while their endpoint is disabled or its user suspended, and go on afterwards', async () => {
    const { url, received } = await receiver();
    const { id } = await endpoint(user, url, { events: ['quota.*'] });
    const path = `/v1/webhook-endpoints/${id}`;
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'suspended' }).expect(200);
    const { body: test } = await service.as(admin).post(`${path}/test`).expect(201);
    // The same look that finds another's delivery would find this one.
    const sentinel = await receiver();
    const watcher = await endpoint(await makeUser(service), sentinel);
    await service.as(admin).post(`/v1/webhook-endpoints/${watcher.id}/test`).expect(201);
    await settled(watcher.id);
    expect([received.length, (await detailsOf(test.id)).status]).toEqual([0, 'waiting']);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'active' }).expect(200);
    await settled(id);
    await service.as(admin).patch(path).send({ enabled: false }).expect(200);
    for (const call of [`${path}/test`, `/v1/webhook-deliveries/${test.id}/resend`]) {
      expect((await service.as(admin).post(call).expect(409)).body.code).toBe('endpoint-disabled');
    }
    expect((await service.as(admin).post(`${path}/replay`).send({ since: '2026-01-01T00:00:00Z' }).expect(409)).body.code).toBe('endpoint-disabled');
    await happens(user, 1, 'quota.exhausted');
    const seen = await happens(await makeUser(service), 1);
    await eventually(
      async () =>
        (await service.sql(`SELECT 1 FROM event_cursors c JOIN events e ON e.id = $1 AND e.position <= c.position WHERE c.name = 'webhooks'`, [seen.slice(4)]))
          .length === 1,
    );
    expect(await deliveriesOf(id)).toHaveLength(1);
  });

  it('are forgotten with their endpoint, their user, and after the retention', async () => {
    const { url } = await receiver();
    const first = await endpoint(user, url);
    const second = await endpoint(user, url);
    const other = await makeUser(service);
    const third = await endpoint(other, url);
    for (const who of [user, other]) await happens(who, 1);
    for (const { id } of [first, second, third]) await settled(id);
    await service.as(user).delete(`/v1/webhook-endpoints/${first.id}`).expect(204);
    await service.as(admin).delete(`/v1/users/${other.id}`).expect(204);
    await service.sql(`UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE endpoint_id = $1`, [second.id]);
    await service.app.get(JobsService, { strict: false }).runNow('webhook-retention', 'command');
    expect(await service.sql(`SELECT endpoint_id FROM webhook_deliveries WHERE endpoint_id = ANY ($1)`, [[first.id, third.id]])).toEqual([]);
    expect(await service.sql(`SELECT source FROM event_listeners WHERE source = ANY ($1)`, [[first, third].map(({ id }) => `endpoint:${id}`)])).toEqual([]);
  });

  it('are counted for operators, at no cost that grows with them', async () => {
    const { text } = await service.as().get('/metrics').expect(200);
    for (const name of ['attempts_total', 'delivered_total', 'failed_total', 'in_flight', 'waiting'])
      expect(text).toMatch(new RegExp(`^quotidian_webhook_${name} \\d+$`, 'm'));
  });
});
