import { Client } from 'pg';
import { type EntityManager } from 'typeorm';
import { Transactions } from '../../src/database/transactions';
import { type EventConsumer, type RecordedEvent } from '../../src/outbox/event-consumer';
import { Feed } from '../../src/outbox/feed';
import { ListenersService } from '../../src/outbox/listeners.service';
import { OutboxService } from '../../src/outbox/outbox.service';
import { RelayRepository } from '../../src/outbox/relay.repository';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

interface Listed {
  id: string;
  type: string;
  timestamp: string;
  userId: number | null;
  data: Record<string, unknown>;
}

describe('events', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const list = async (who: TestUser, query: object = {}): Promise<Listed[]> =>
    (await service.as(who).get('/v1/events').query(query).expect(200)).body.items as Listed[];
  /** What a consumer gets to see, from now on. */
  async function feedOf(name: string, consume: (events: readonly RecordedEvent[], tx: EntityManager) => void | Promise<void>): Promise<Feed> {
    const repository = service.app.get(RelayRepository);
    await repository.begin([name]);
    const consumer: EventConsumer = { name, consume: async (tx, events) => consume(events, tx) };
    return new Feed(consumer, repository, service.app.get(Transactions));
  }
  /** Records events of nobody, as a change would. */
  const record = (count: number, type: 'tier.changed' | 'setting.changed' = 'tier.changed') =>
    service.app.get(Transactions).run(async (tx) => {
      for (let n = 0; n < count; n++) await service.app.get(OutboxService).record(tx, { type, userId: null, data: { n } });
    });
  const published = () =>
    eventually(async () => (await service.sql<{ n: number }>('SELECT count(*)::integer AS n FROM events WHERE position IS NULL'))[0]?.n === 0);

  it('of a registration are there once it is answered, with what it made, and no secret', async () => {
    const email = 'ada@example.com';
    await service.as().post('/v1/auth/register').send({ email, password: PASSWORD }).expect(201);
    await published();
    const event = (await list(admin, { type: 'user.created' })).find(({ data }) => data.email === email);
    expect(event).toMatchObject({ id: expect.stringMatching(/^evt_\d+$/) as string, type: 'user.created', data: { email, tier: 'free' } });
    expect(event?.userId).toBe(event?.data.id);
    expect(JSON.stringify(event)).not.toMatch(/password|argon/);
  });

  it('of a change that is taken back are none', async () => {
    const [before] = await service.sql<{ n: string }>('SELECT count(*) AS n FROM events');
    const work = service.app.get(Transactions).run(async (tx) => {
      await service.app.get(OutboxService).record(tx, { type: 'tier.changed', userId: null, data: {} });
      throw new Error('taken back');
    });
    await expect(work).rejects.toThrow('taken back');
    expect(await service.sql('SELECT count(*) AS n FROM events')).toEqual([before]);
  });

  it('of others are not in what a user is shown', async () => {
    const one = await makeUser(service);
    const other = await makeUser(service);
    await service.app.get(Transactions).run(async (tx) => {
      for (const { id } of [one, other]) await service.app.get(OutboxService).record(tx, { type: 'user.updated', userId: id, data: {} });
    });
    await published();
    expect(await list(one)).toMatchObject([{ userId: one.id }]);
    await service.as(one).get('/v1/events').query({ userId: other.id }).expect(404);
    expect(await list(admin, { userId: other.id })).toMatchObject([{ userId: other.id }]);
  });

  it('are paged from the newest to the first, each once, and narrowed down by type and time', async () => {
    await record(30, 'setting.changed');
    await published();
    const seen: Listed[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const { body } = await service.as(admin).get('/v1/events').query({ type: 'setting.changed', limit: 7, cursor }).expect(200);
      seen.push(...(body.items as Listed[]));
      cursor = body.nextCursor as string | null;
    }
    expect(seen.map(({ data }) => data.n)).toEqual(Array.from({ length: 30 }, (_, n) => 29 - n));
    const at = seen[0]?.timestamp;
    expect((await list(admin, { type: 'setting.changed', since: at, limit: 50 })).length).toBe(30);
    expect(await list(admin, { type: 'setting.changed', until: at })).toEqual([]);
    await service.as(admin).get('/v1/events').query({ type: 'nothing.happened' }).expect(400);
  });

  it('come to a consumer once each, in order, with what it makes of them in the same commit', async () => {
    const seen: unknown[] = [];
    const feed = await feedOf('once', (events) => void seen.push(...events.map(({ data }) => data.n)));
    await record(5);
    await record(5);
    await published();
    while ((await feed.work()) === true);
    expect(seen).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    expect(await feed.work()).toBe(false);
  });

  it('come to the others when a consumer fails with one, which is skipped after a while, and counted', async () => {
    const seen: unknown[] = [];
    const feed = await feedOf('fails', (events) => {
      if (events.some(({ data }) => data.n === 2)) throw new Error('cannot make anything of it');
      seen.push(...events.map(({ data }) => data.n));
    });
    await record(5);
    await published();
    for (let found: boolean | number = true; found !== false;) found = await feed.work();
    expect(seen).toEqual([0, 1, 3, 4]);
    expect(await service.sql(`SELECT skipped FROM event_cursors WHERE name = 'fails'`)).toEqual([{ skipped: '1' }]);
    await eventually(async () => (await service.as(admin).get('/metrics')).text.includes('quotidian_outbox_skipped{consumer="fails"} 1'));
    expect((await service.as(admin).get('/metrics')).text).toContain('quotidian_outbox_waiting{consumer="fails"} 0');
  });

  it('are numbered whoever has a snapshot open: what was published while it was is not stepped over again and again', async () => {
    const snapshot = new Client({ connectionString: service.databaseUrl });
    const late = new Client({ connectionString: service.databaseUrl });
    await Promise.all([snapshot.connect(), late.connect()]);
    const insert = (count: number) => `INSERT INTO events (type, data) SELECT 'tier.changed', '{"of": "many"}' FROM generate_series(1, ${count})`;
    /** Entries of the index that a pass looks at. */
    const perPass = async () => {
      const read = async () =>
        (await service.sql<{ scans: number; entries: number }>(
          `SELECT idx_scan::integer AS scans, idx_tup_read::integer AS entries FROM pg_stat_user_indexes WHERE indexrelname = 'events_unpublished_idx'`,
        )) as [{ scans: number; entries: number }];
      const [before] = await read();
      return eventually(async () => {
        const [now] = await read();
        if (now.scans === before.scans) throw new Error('no pass was seen');
        return (now.entries - before.entries) / (now.scans - before.scans);
      });
    };
    try {
      await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await snapshot.query('SELECT count(*) FROM events');
      await late.query('BEGIN');
      await late.query(insert(1));
      await service.sql(insert(12_000));
      await eventually(async () => (await service.sql<{ n: number }>('SELECT count(*)::integer AS n FROM events WHERE position IS NULL'))[0].n === 0, 60_000);
      // An event that was recorded before all of these, and commits after them, has its position too.
      await late.query('COMMIT');
      await published();
      await eventually(async () => (await perPass()) < 6_000, 30_000);
    } finally {
      await Promise.all([snapshot.end(), late.end()]);
    }
  });

  it('have listeners that are replaced as a whole, and go with their source', async () => {
    const listeners = service.app.get(ListenersService);
    const rows = () => service.sql(`SELECT user_id, type FROM event_listeners WHERE source = 'endpoint:7' ORDER BY type`);
    const transactions = service.app.get(Transactions);
    await transactions.run((tx) => listeners.replace(tx, 'endpoint:7', null, ['request.*', 'quota.exhausted', 'request.*']));
    expect(await rows()).toEqual([
      { user_id: 0, type: 'quota.exhausted' },
      { user_id: 0, type: 'request.*' },
    ]);
    await transactions.run((tx) => listeners.replace(tx, 'endpoint:7', 3, ['*']));
    expect(await rows()).toEqual([{ user_id: 3, type: '*' }]);
    await transactions.run((tx) => listeners.replace(tx, 'endpoint:7', 3, []));
    expect(await rows()).toEqual([]);
  });
});
