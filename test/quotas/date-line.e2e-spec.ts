import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser } from '../support/factories';

describe('a move westward over the date line', () => {
  let service: ClockedService;
  beforeAll(async () => {
    service = await startClockedService();
  });
  afterAll(() => service.close());

  it('makes a second period of the same name, whose counter, ledger, cap and events are its own and whose history adds up', async () => {
    const admin = await makeAdmin(service);
    // 10 March in Kiritimati begins at 10:00 UTC on the 9th; in Pago Pago it begins at 11:00 UTC on the 10th.
    await service.setClock(Date.parse('2027-03-09T10:00:00Z'));
    const user = await makeUser(service, { dailyQuota: 2, dailyCap: 2, timeZone: 'Pacific/Kiritimati' });
    const submit = () => service.as(user).post('/v1/requests').send({ type: 'search' });
    for (const status of [201, 201, 429]) expect((await submit()).status).toBe(status);
    const moved = await service.as(admin).patch(`/v1/users/${user.id}`).send({ timeZone: 'Pacific/Pago_Pago' }).expect(200);
    expect(moved.body.timeZone).toBe('Pacific/Pago_Pago');
    const quota = async () => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
    expect(await quota()).toMatchObject({
      used: 2,
      timeZone: 'Pacific/Pago_Pago',
      periodStart: '2027-03-09T10:00:00.000Z',
      resetsAt: '2027-03-10T11:00:00.000Z',
    });
    await service.setClock(Date.parse('2027-03-10T10:59:59.999Z'));
    expect((await submit().expect(429)).headers['retry-after']).toBe('1');
    await service.setClock(Date.parse('2027-03-10T11:00:00Z'));
    expect(await quota()).toMatchObject({ used: 0, periodStart: '2027-03-10T11:00:00.000Z', resetsAt: '2027-03-11T11:00:00.000Z' });
    for (const status of [201, 201, 429]) expect((await submit()).status).toBe(status);
    const ledger = await service.sql(`SELECT charged_on, charged_fold, sum(cost)::integer AS cost FROM requests WHERE user_id = $1 GROUP BY 1, 2 ORDER BY 2`, [
      user.id,
    ]);
    expect(ledger).toEqual([0, 1].map((charged_fold) => ({ charged_on: '2027-03-10', charged_fold, cost: 2 })));
    const events = await service.sql(`SELECT fold, count(*)::integer AS events FROM quota_events WHERE user_id = $1 GROUP BY 1 ORDER BY 1`, [user.id]);
    expect(events).toEqual([
      { fold: 0, events: 3 },
      { fold: 1, events: 3 },
    ]);
    const history = async () => (await service.as(user).get('/v1/users/me/usage?from=2027-03-10&to=2027-03-10').expect(200)).body.items;
    const both = [{ date: '2027-03-10', limit: 2, used: 4, refunded: 0, requests: 4 }];
    expect(await history()).toEqual(both);
    await service.setClock(Date.parse('2027-03-11T11:00:00Z'));
    expect(await history()).toEqual(both);
    await submit().expect(201);
    expect(await history()).toEqual(both);
    expect((await service.sql('SELECT quota_reset_fold AS fold, quota_reset_date AS day FROM users WHERE id = $1', [user.id]))[0]).toEqual({
      fold: 0,
      day: '2027-03-11',
    });
  });
});
