import { Client } from 'pg';
import { OverdueRepository } from '../../src/requests/working/overdue.repository';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { claim, makeWorker, newType, submit } from './work';

describe('a claim beside requests that the clock has ended', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const expire = (id: string) => service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = $1`, [id]);
  const statusOf = async (id: string) => (await service.sql<{ status: string }>('SELECT status FROM requests WHERE id = $1', [id]))[0]?.status;

  it('is answered while the row of one of their users is locked, and they are ended once it is free', async () => {
    const held = await makeUser(service);
    const other = await makeUser(service);
    const type = newType();
    const overdue = await submit(service, held, type);
    await expire(overdue.id);
    const locker = new Client({ connectionString: service.databaseUrl });
    await locker.connect();
    try {
      await locker.query('BEGIN');
      await locker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      // The lock is held until the last of the claims has been answered: none of them waits for it.
      for (let n = 0; n < 5; n++) {
        const { id } = await submit(service, other, type);
        const [item] = await claim(service, worker, type, { leaseSeconds: 5 });
        expect(item).toMatchObject({ id, attempt: 1 });
        expect(Date.parse(item.leaseExpiresAt)).toBeGreaterThan(Date.now());
      }
      expect(await statusOf(overdue.id)).toBe('pending');
      await locker.query('COMMIT');
    } finally {
      await locker.end();
    }
    await eventually(async () => {
      await claim(service, worker, type);
      return (await statusOf(overdue.id)) === 'expired';
    }, 20_000);
  });

  it('does not depend on whether they can be ended: the others of them are, and what waits is handed out', async () => {
    const broken = await makeUser(service);
    const sound = await makeUser(service);
    const type = newType();
    const stuck = await submit(service, broken, type);
    const late = await submit(service, sound, type);
    // Ends in an error of the database whenever it is ended.
    await service.sql(`CREATE FUNCTION refuse_to_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE numeric_value_out_of_range; END $$`);
    await service.sql(
      `CREATE TRIGGER refuse_to_end BEFORE UPDATE ON requests FOR EACH ROW WHEN (NEW.status = 'expired' AND NEW.user_id = ${broken.id}) EXECUTE FUNCTION refuse_to_end()`,
    );
    await Promise.all([expire(stuck.id), expire(late.id)]);
    const { id } = await submit(service, sound, type);
    expect((await claim(service, worker, type, { limit: 10 })).map((item) => item.id)).toEqual([id]);
    await eventually(async () => (await statusOf(late.id)) === 'expired', 20_000);
    expect(await statusOf(stuck.id)).toBe('pending');
    await service.sql('DROP TRIGGER refuse_to_end ON requests');
    await eventually(async () => {
      await claim(service, worker, type);
      return (await statusOf(stuck.id)) === 'expired';
    }, 20_000);
  });

  it('are looked for but for those that could not be ended, so that these do not stand in front of the others', async () => {
    const user = await makeUser(service);
    const type = newType();
    const stuck = await submit(service, user, type);
    const late = await submit(service, user, type);
    await Promise.all([expire(stuck.id), expire(late.id)]);
    const overdue = service.app.get(OverdueRepository);
    expect(await overdue.find(1_000, [])).toEqual(expect.arrayContaining([stuck.id, late.id]));
    const others = await overdue.find(1_000, [stuck.id]);
    expect([others.includes(stuck.id), others.includes(late.id)]).toEqual([false, true]);
  });
});
