import { hashKey, makeKey, shownPrefix } from '../../src/api-keys/key-format';
import { type Scope, USER_SCOPES } from '../../src/common/principal';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { inTransaction, untilBlocked } from '../support/waiting';

const NOON = Date.parse('2027-03-10T12:00:00Z');
const DAY_MS = 86_400_000;

describe('the cap of an API key', () => {
  let service: ClockedService;
  beforeAll(async () => {
    service = await startClockedService({ replicas: 2 });
  });
  beforeEach(() => service.setClock(NOON));
  afterAll(() => service.close());

  async function addKey({ id }: TestUser, dailyCap: number | null, scopes: readonly Scope[] = USER_SCOPES): Promise<{ id: number; key: string }> {
    const key = makeKey();
    const [row] = await service.sql<{ id: number }>(
      `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, daily_cap) VALUES ($1, 'capped', $2, $3, $4, $5) RETURNING id`,
      [id, shownPrefix(key), hashKey(key), scopes, dailyCap],
    );
    return { id: row.id, key };
  }
  const submit = (by: { key: string }, body: object = {}, replica = 0) =>
    service.replicas[replica]
      .as(by)
      .post('/v1/requests')
      .send({ type: 'search', ...body });
  const usedBy = async ({ id }: TestUser) => (await service.sql<{ used: number }>('SELECT used FROM quota_now WHERE user_id = $1', [id]))[0].used;

  it('lies inside one pool that all keys of the user spend', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    const capped = await addKey(user, 2);
    const { headers } = await submit(capped).expect(201);
    expect(headers['ratelimit-policy']).toBe('"daily";q=5;w=86400, "key";q=2;w=86400');
    expect(headers.ratelimit).toBe('"daily";r=4;t=43200, "key";r=1;t=43200');
    await submit(user).expect(201);
    await submit(capped).expect(201);
    for (const status of [201, 201, 429]) expect((await submit(user)).status).toBe(status);
    expect((await submit(capped).expect(429)).body).toMatchObject({ 'violated-policies': ['daily'], limit: 5, used: 5 });
  });

  it('refuses without touching the pool, and states that it was the key', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const capped = await addKey(user, 2);
    await submit(capped).expect(201);
    await submit(capped).expect(201);
    const { body, headers } = await submit(capped).expect(429);
    expect(body).toMatchObject({ code: 'key-cap-exceeded', 'violated-policies': ['key'], limit: 2, used: 2, requested: 1, remaining: 0 });
    expect(headers['retry-after']).toBe('43200');
    expect(await usedBy(user)).toBe(2);
    await submit(user).expect(201);
  });

  it('of zero, or below the cost, states that waiting does not help', async () => {
    const user = await makeUser(service);
    expect((await submit(await addKey(user, 0)).expect(429)).body).toMatchObject({ code: 'cost-exceeds-quota', 'violated-policies': ['key'], limit: 0 });
    expect(await usedBy(user)).toBe(0);
  });

  it('holds to the unit when two replicas are asked at once, whichever limit is the tighter', async () => {
    const user = await makeUser(service, { dailyQuota: 30 });
    const capped = await addKey(user, 20);
    const other = await addKey(user, null);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => submit(i % 4 ? capped : other, {}, i % 2)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(30);
    const [spent] = await service.sql(
      `SELECT cap_used_today AS cap, (SELECT count(*)::integer FROM requests WHERE api_key_id = $1) AS ledger FROM api_keys WHERE id = $1`,
      [capped.id],
    );
    expect(spent?.cap).toBe(spent?.ledger);
    expect(spent?.cap).toBeLessThanOrEqual(20);
  });

  it('of a service key counts what it pays for others, across users, batches and replicas', async () => {
    const owner = await makeUser(service);
    const one = await makeUser(service);
    const two = await makeUser(service);
    const key = await addKey(owner, 7, [...USER_SCOPES, 'service']);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => submit(key, { userId: [one, two, owner][i % 3].id }, i % 2)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(7);
    expect((await usedBy(one)) + (await usedBy(two)) + (await usedBy(owner))).toBe(7);
    await submit(one).expect(201);
  });

  it('begins anew with the period of its user', async () => {
    const user = await makeUser(service, { timeZone: 'Asia/Kathmandu' });
    const capped = await addKey(user, 1);
    await submit(capped).expect(201);
    await service.setClock(Date.parse('2027-03-10T18:14:59Z'));
    await submit(capped).expect(429);
    await service.setClock(Date.parse('2027-03-10T18:15:00Z'));
    await submit(capped).expect(201);
    await submit(capped).expect(429);
    await service.setClock(NOON);
    await submit(capped).expect(429);
  });

  it('stays with the later day when a charge that began before midnight waited until after it', async () => {
    const user = await makeUser(service);
    const capped = await addKey(user, 3);
    await submit(capped).expect(201);
    await service.setClock(NOON + DAY_MS / 2 - 1);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const late = submit(capped).then((answer) => answer);
      await untilBlocked(service, 1);
      // What another replica's charge of 2 just after midnight leaves behind.
      await client.query('UPDATE clock.reading SET at = $1', [new Date(NOON + DAY_MS / 2)]);
      await client.query('SELECT quota_close_out(ARRAY[$1::integer])', [user.id]);
      await client.query('UPDATE users SET api_quota_used_today = 2, api_quota_requests_today = 1 WHERE id = $1', [user.id]);
      await client.query(`UPDATE api_keys SET cap_used_today = 2, cap_reset_date = '2027-03-11' WHERE id = $1`, [capped.id]);
      await client.query('COMMIT');
      expect((await late).body).toMatchObject({ chargedOn: '2027-03-11' });
    });
    await submit(capped).expect(429);
    expect(await usedBy(user)).toBe(3);
  });

  it('reaches every replica when it is set or lifted by plain SQL', async () => {
    const user = await makeUser(service);
    const key = await addKey(user, null);
    await submit(key).expect(201);
    await service.sql('UPDATE api_keys SET daily_cap = 0 WHERE id = $1', [key.id]);
    await eventually(async () => (await submit(key)).status === 429);
    await service.sql('UPDATE api_keys SET daily_cap = NULL WHERE id = $1', [key.id]);
    await submit(key).expect(201);
  });
});
