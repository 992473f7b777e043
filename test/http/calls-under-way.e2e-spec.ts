import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { inTransaction, untilBlocked } from '../support/waiting';

describe('the calls that one user has under way', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it("leave connections to the database to everybody else's, and are all answered in the end", async () => {
    const user = await makeUser(service);
    const neighbour = await makeUser(service);
    const { accessToken } = await logIn(service, user);
    const answered: number[] = [];
    const calls = await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      // Several times as many as the pool has connections.
      const all = Array.from({ length: 20 }, async () => {
        const { status } = await service.as(accessToken).patch('/v1/users/me').send({ timeZone: 'Europe/Berlin' });
        answered.push(status);
      });
      await untilBlocked(service, 3);
      for (let i = 0; i < 3; i++) {
        await service.as(neighbour).get('/v1/users/me').expect(200);
        await service.as(neighbour).get('/v1/users/me/usage').expect(200);
      }
      expect(answered).toEqual([]);
      return all;
    });
    await Promise.all(calls);
    expect(answered).toEqual(Array<number>(20).fill(200));
  });
});
