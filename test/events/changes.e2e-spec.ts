import { Client } from 'pg';
import { Transactions } from '../../src/database/transactions';
import { EventsRetentionJob } from '../../src/events/events-retention.job';
import { ListenersService } from '../../src/outbox/listeners.service';
import { OutboxService } from '../../src/outbox/outbox.service';
import { claim, makeWorker, newType, putSetting, submit } from '../requests/work';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { defineKey, writeKey } from '../support/settings';
import { type Replica, type Service, startService } from '../support/service';

interface Recorded {
  type: string;
  user_id: number | null;
  data: Record<string, unknown>;
}

describe('changes, on two replicas,', () => {
  let service: Service;
  let admin: TestUser;
  let replicas: [Replica, Replica];
  let listening = 0;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    replicas = service.replicas as [Replica, Replica];
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const published = () =>
    eventually(async () => (await service.sql<{ n: number }>('SELECT count(*)::integer AS n FROM events WHERE position IS NULL'))[0]?.n === 0);
  /** The events after a moment, in the order in which everybody sees them. */
  const recordedAfter = async (id: string, filter = 'true'): Promise<Recorded[]> => {
    await published();
    return service.sql<Recorded>(`SELECT type, user_id, data FROM events WHERE id > $1 AND ${filter} ORDER BY position`, [id]);
  };
  const recordedOf = (user: TestUser): Promise<Recorded[]> => recordedAfter('0', `user_id = ${user.id}`);
  const moment = async () => (await service.sql<{ id: string }>('SELECT coalesce(max(id), 0) AS id FROM events'))[0]?.id;
  const listen = (userId: number | null, patterns: string[], source = `test:${++listening}`) =>
    service.app.get(Transactions).run((tx) => service.app.get(ListenersService).replace(tx, source, userId, patterns));
  const cancel = (replica: Replica, user: TestUser, id: string) => replica.as(user).post(`/v1/requests/${id}/cancel`);

  it('of accounts, keys, plans and settings have their events, with what they are about and without secrets', async () => {
    const asAdmin = () => service.as(admin);
    const before = await moment();
    const { body: user } = await asAdmin().post('/v1/users').send({ email: 'all@example.com', password: PASSWORD, externalId: 'crm-1' }).expect(201);
    const path = `/v1/users/${user.id}`;
    await asAdmin().patch(path).send({ dailyQuota: 7 }).expect(200);
    await asAdmin()
      .put(`${path}/password`)
      .send({ newPassword: `${PASSWORD} anew` })
      .expect(204);
    const { body: key } = await asAdmin().post(`${path}/api-keys`).send({ name: 'ci' }).expect(201);
    const { body: rotated } = await asAdmin().post(`${path}/api-keys/${key.id}/rotate`).expect(200);
    await asAdmin().delete(`${path}/api-keys/${key.id}`).expect(204);
    await asAdmin().put(`${path}/configurations/requests.favourite`).set('if-none-match', '*').send({ value: 1 });
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'gold', dailyQuota: 10 }).expect(201);
    await asAdmin().patch(`/v1/tiers/${tier.id}`).send({ dailyQuota: 20 }).expect(200);
    await asAdmin().delete(`/v1/tiers/${tier.id}`).expect(204);
    await writeKey(service, admin, 'webhooks.retentionDays', { value: 31 }).catch(() => undefined);
    await defineKey(service, admin, 'hidden.token', { value: 'very secret value', visibility: 'secret', schema: { type: 'string' } });
    const recorded = await recordedAfter(before);
    expect(
      recorded.map(({ type, user_id, data }) => [type, user_id === null ? null : user_id === user.id, data.changed ?? data.rotated ?? data.action ?? data.key]),
    ).toEqual([
      ['user.created', true, undefined],
      ['user.updated', true, ['dailyQuota']],
      ['user.updated', true, ['password']],
      ['api-key.created', true, false],
      ['api-key.created', true, true],
      ['api-key.revoked', true, undefined],
      ['tier.changed', null, 'created'],
      ['tier.changed', null, 'updated'],
      ['tier.changed', null, 'deleted'],
      ['setting.changed', null, 'webhooks.retentionDays'],
      ['setting.changed', null, 'hidden.token'],
    ]);
    await asAdmin().delete(path).expect(204);
    expect((await recordedAfter(before)).at(-1)).toEqual({ type: 'user.deleted', user_id: user.id, data: { id: user.id, externalId: 'crm-1' } });
    for (const secret of [PASSWORD, key.key, rotated.key, 'very secret value', 'argon2']) expect(JSON.stringify(recorded)).not.toContain(secret);
  });

  it('that are refused have none', async () => {
    const before = await moment();
    const user = await makeUser(service, { dailyQuota: 1 });
    await service.as().post('/v1/auth/register').send({ email: user.email, password: PASSWORD }).expect(409);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ timeZone: 'Mars/Base' }).expect(400);
    await service.as(admin).patch(`/v1/users/${user.id}?dryRun=true`).send({ dailyQuota: 5 });
    await service.as(admin).post('/v1/tiers').send({ name: 'free', dailyQuota: 1 }).expect(409);
    expect(await recordedAfter(before)).toEqual([]);
  });

  it('of requests have events for those who listen, one for each end, and for nobody else', async () => {
    const worker = await makeWorker(service);
    const user = await makeUser(service);
    const unheeded = await makeUser(service);
    await listen(user.id, ['request.*']);
    const type = newType();
    const live = async (owner: TestUser) => {
      const ids: string[] = [];
      for (let n = 0; n < 4; n++)
        ids.push((await submit(service, owner, type, n === 3 ? { deadlineAt: new Date(Date.now() + 3_600_000).toISOString() } : {})).id as string);
      const [done, failed] = await claim(service, worker, type, { limit: 2 });
      await service
        .as(worker)
        .post(`/v1/requests/${done.id}/complete`)
        .send({ attempt: 1, result: { secret: 'result' } })
        .expect(200);
      await service
        .as(worker)
        .post(`/v1/requests/${failed.id}/fail`)
        .send({ attempt: 1, error: { code: 'no-paper' } })
        .expect(200);
      await cancel(replicas[1], owner, ids[2]).expect(200);
      await service.sql(`UPDATE requests SET deadline_at = now() WHERE id = $1`, [ids[3]]);
      await service.as(owner).get(`/v1/requests/${ids[3]}`).expect(200);
      return ids;
    };
    const ids = await live(user);
    await live(unheeded);
    const recorded = await recordedOf(user);
    expect(recorded.map(({ type, data }) => [type, data.id, data.status, data.refundedUnits, data.errorCode])).toEqual([
      ['request.succeeded', ids[0], 'succeeded', 0, null],
      ['request.failed', ids[1], 'failed', 1, 'no-paper'],
      ['request.canceled', ids[2], 'canceled', 1, null],
      ['request.expired', ids[3], 'expired', 1, 'deadline-passed'],
    ]);
    expect(JSON.stringify(recorded)).not.toContain('result');
    expect(await recordedOf(unheeded)).toEqual([]);
  });

  it('of instant requests have them too, with a key or without, once for a repeated call', async () => {
    await putSetting(service, 'requests.types', { ping: { execution: 'instant' } });
    const user = await makeUser(service);
    await listen(user.id, ['request.succeeded']);
    const plain = await submit(service, user, 'ping');
    const keyed: string[] = [];
    for (const replica of [...replicas, ...replicas])
      keyed.push((await replica.as(user).post('/v1/requests').set('idempotency-key', 'k').send({ type: 'ping' }).expect(201)).body.id as string);
    expect((await recordedOf(user)).map(({ data }) => data.id)).toEqual([plain.id, keyed[0]]);
    await putSetting(service, 'requests.types', null);
  });

  it('of a quota have one event for each threshold and the end of it, whatever is refunded and refused in between', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    await listen(null, ['quota.*'], 'test:quotas');
    for (let round = 0; round < 4; round++) {
      // More than there is, on both replicas at once; then some goes back.
      const answers = await Promise.all(Array.from({ length: 14 }, (_, i) => replicas[i % 2]?.as(user).post('/v1/requests').send({ type: 'report' })));
      const made = answers.flatMap((answer) => (answer?.status === 201 ? [answer.body.id as string] : []));
      await Promise.all(made.slice(0, 7).map((id, i) => cancel(replicas[i % 2], user, id).expect(200)));
    }
    const recorded = await recordedOf(user);
    await listen(null, [], 'test:quotas');
    expect(recorded.map(({ type, data }) => [type, data.threshold]).sort()).toEqual([
      ['quota.exhausted', 1],
      ['quota.threshold-reached', 0.5],
      ['quota.threshold-reached', 0.8],
    ]);
    expect(recorded.find(({ type }) => type === 'quota.exhausted')?.data).toMatchObject({
      used: 10,
      limit: 10,
      remaining: 0,
      tier: 'free',
      timeZone: 'Etc/UTC',
    });
  });

  it('that were acknowledged under load have one event each', async () => {
    const users = await Promise.all(Array.from({ length: 4 }, () => makeUser(service, { dailyQuota: 1_000 })));
    await listen(null, ['request.canceled'], 'test:load');
    const canceled = await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        const user = users[i % 4];
        const { body } = await replicas[i % 2].as(user).post('/v1/requests').send({ type: 'report' }).expect(201);
        await cancel(replicas[(i + 1) % 2], user, body.id as string).expect(200);
        return body.id as string;
      }),
    );
    const recorded = (await Promise.all(users.map(recordedOf))).flat();
    await listen(null, [], 'test:load');
    expect(recorded.map(({ data }) => data.id as string).sort()).toEqual(canceled.sort());
  });

  it('of one user that follow each other stay in their order, and wait for nobody’s open transaction', async () => {
    const before = await moment();
    // Of a program beside the service, whose transactions nobody ends.
    const other = new Client({ connectionString: service.databaseUrl });
    await other.connect();
    await other.query(`BEGIN; INSERT INTO events (type, data) VALUES ('tier.changed', '{"late": true}')`);
    const [WRITERS, EACH] = [6, 25];
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const { app } = replicas[writer % 2];
        for (let n = 0; n < EACH; n++) {
          await app.get(Transactions).run((tx) => app.get(OutboxService).record(tx, { type: 'user.updated', userId: admin.id, data: { writer, n } }));
        }
      }),
    );
    const recorded = await recordedAfter(before);
    await other.query('COMMIT');
    await other.end();
    expect(recorded).toHaveLength(WRITERS * EACH);
    for (let writer = 0; writer < WRITERS; writer++) {
      const order = recorded.filter(({ data }) => data.writer === writer).map(({ data }) => data.n);
      expect(order).toEqual(Array.from({ length: EACH }, (_, n) => n));
    }
    // What was open all the while has the smallest id, and comes last.
    const all = await eventually(async () => {
      const now = await recordedAfter(before);
      return now.length > WRITERS * EACH && now;
    });
    expect((all as Recorded[]).at(-1)?.data).toEqual({ late: true });
  });

  it('are forgotten after the days of retention, and with their user', async () => {
    const user = await makeUser(service);
    const { body: key } = await service.as(admin).post(`/v1/users/${user.id}/api-keys`).send({ name: 'old' }).expect(201);
    await service.as(admin).delete(`/v1/users/${user.id}/api-keys/${key.id}`).expect(204);
    await listen(user.id, ['*'], 'test:gone');
    const types = async () => (await recordedOf(user)).map(({ type }) => type);
    await published();
    const [days] = await service.sql<{ days: number }>(
      `SELECT coalesce((SELECT value::integer FROM system_configurations WHERE key = 'webhooks.retentionDays'), 30) AS days`,
    );
    await service.sql(`UPDATE events SET published_at = now() - make_interval(days => $2, hours => 1) WHERE user_id = $1 AND type = 'api-key.created'`, [
      user.id,
      days?.days,
    ]);
    await service.app.get(EventsRetentionJob).run(new AbortController().signal);
    expect(await types()).toEqual(['api-key.revoked']);
    await service.as(admin).delete(`/v1/users/${user.id}`).expect(204);
    await eventually(async () => expect(await types()).toEqual(['user.deleted']));
    expect(await service.sql(`SELECT 1 FROM event_listeners WHERE source = 'test:gone'`)).toEqual([]);
    await eventually(async () => expect(await service.sql('SELECT 1 FROM users WHERE id = $1', [user.id])).toEqual([]));
  });

  it('of a quota that were reported are forgotten with their events, and not before their period can be over', async () => {
    const user = await makeUser(service);
    await service.sql(
      `INSERT INTO quota_events (user_id, date, threshold, used, quota, created_at)
       SELECT $1, current_date - n, 1, 1, 1, now() - make_interval(days => n, hours => 1) FROM generate_series(40, 0, -1) n`,
      [user.id],
    );
    const kept = async () => (await service.sql<{ n: number }>('SELECT count(*)::integer AS n FROM quota_events WHERE user_id = $1', [user.id]))[0]?.n;
    const forget = () => service.app.get(EventsRetentionJob).run(new AbortController().signal);
    await putSetting(service, 'webhooks.retentionDays', 20);
    expect(await forget()).toBeGreaterThanOrEqual(21);
    expect(await kept()).toBe(20);
    await putSetting(service, 'webhooks.retentionDays', 1);
    await forget();
    expect(await kept()).toBe(3);
    await putSetting(service, 'webhooks.retentionDays', null);
  });
});
