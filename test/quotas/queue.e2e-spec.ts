import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

describe('the queue of charges', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ environment: { ADMISSION_QUEUE_LIMIT: 64 } });
  });
  afterAll(() => service.close());

  const submit = (user: TestUser, body: object = {}) =>
    service
      .as(user)
      .post('/v1/requests')
      .send({ type: 'search', ...body })
      .then((answer) => answer);
  const books = async (user: TestUser) => {
    const [row] = await service.sql(
      `SELECT (SELECT count(*)::integer FROM requests WHERE user_id = $1) AS requests, (SELECT api_quota_used_today FROM users WHERE id = $1) AS used`,
      [user.id],
    );
    return row;
  };

  it('answers 404 for a user who was deleted while their charges waited, charges nothing for them and leaves others alone', async () => {
    const gone = await makeUser(service);
    const other = await makeUser(service);
    await submit(gone);
    await inTransaction(service, async (client) => {
      await client.query('DELETE FROM users WHERE id = $1', [gone.id]);
      const waiting = [submit(gone), submit(other)];
      await untilBlocked(service, 1);
      await client.query('COMMIT');
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([404, 201]);
    });
    expect(await books(gone)).toEqual({ requests: 0, used: null });
    expect(await books(other)).toEqual({ requests: 1, used: 1 });
  });

  it('answers 403 for a user who was suspended while their charge waited', async () => {
    const user = await makeUser(service);
    await submit(user);
    await inTransaction(service, async (client) => {
      await client.query(`UPDATE users SET status = 'suspended' WHERE id = $1`, [user.id]);
      const waiting = submit(user);
      await untilBlocked(service, 1);
      await client.query('COMMIT');
      expect((await waiting).body).toMatchObject({ status: 403, code: 'user-suspended' });
    });
    expect(await books(user)).toEqual({ requests: 1, used: 1 });
  });

  it('refuses beyond its bound at once with 503 and Retry-After, charges nothing for that, and works off the rest', async () => {
    const user = await makeUser(service, { dailyQuota: 1_000 });
    await submit(user);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const early: number[] = [];
      const waiting = Array.from({ length: 400 }, () =>
        submit(user).then((answer) => {
          early.push(answer.status);
          return answer;
        }),
      );
      await untilBlocked(service, 1);
      // Both batches and the queue are full, all others are answered while nothing moves.
      const max = 64 + 2 * 96;
      await eventually(() => expect(early.length).toBeGreaterThanOrEqual(400 - max));
      expect(new Set(early)).toEqual(new Set([503]));
      await client.query('COMMIT');
      const answers = await Promise.all(waiting);
      const full = answers.filter(({ status }) => status === 503);
      for (const { body, headers } of full) expect([body.code, headers['retry-after']]).toEqual(['queue-full', '1']);
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(400 - full.length);
      expect(await books(user)).toEqual({ requests: 401 - full.length, used: 401 - full.length });
    });
  });

  it('isolates a charge that the database cannot take: it alone fails, all others of its batch are admitted', async () => {
    const users = await Promise.all(Array.from({ length: 6 }, () => makeUser(service)));
    await service.sql(`CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned' USING ERRCODE = '22P02'; END $$`);
    await service.sql(`CREATE TRIGGER poison BEFORE INSERT ON requests FOR EACH ROW WHEN (NEW.payload ? 'poison') EXECUTE FUNCTION poison()`);
    const [holder] = users as [TestUser];
    await submit(holder);
    await inTransaction(service, async (client) => {
      // They gather while the first one waits, and go together.
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [holder.id]);
      const first = submit(holder);
      await untilBlocked(service, 1);
      const together = Array.from({ length: 48 }, (_, i) => submit(users[i % 6], i % 16 === 5 ? { payload: { poison: i } } : {}));
      // All but the holder's go through while the row is held.
      await Promise.all(together.filter((_, i) => i % 6 !== 0));
      await client.query('COMMIT');
      const statuses = (await Promise.all(together)).map(({ status }) => status);
      expect(statuses).toEqual(statuses.map((_, i) => (i % 16 === 5 ? 400 : 201)));
      expect((await first).status).toBe(201);
    });
    const [row] = await service.sql('SELECT count(*)::integer AS rows, sum(cost)::integer AS cost FROM requests WHERE user_id = ANY ($1)', [
      users.map(({ id }) => id),
    ]);
    expect(row).toEqual({ rows: 47, cost: 47 });
    await service.sql(`DROP TRIGGER poison ON requests`);
  });

  it('never holds one user up for a flood of another', async () => {
    const flood = await makeUser(service, { dailyQuota: 1_000_000 });
    const other = await makeUser(service);
    await submit(flood);
    await submit(other);
    const order: string[] = [];
    const floods = Array.from({ length: 60 }, () => submit(flood).then(() => order.push('flood')));
    await Promise.all([...floods, submit(other).then(({ status }) => order.push(`other ${status}`))]);
    expect(order).toContain('other 201');
    expect(await books(other)).toEqual({ requests: 2, used: 2 });
  });
});
