import fc from 'fast-check';
import { BooksRepository } from '../../src/ledger/books.repository';
import { type Body, makeWorker, newType } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { type ModelGrant, PurseModel } from './grants-model';

const HOUR_MS = 3_600_000;

describe('charges of users who have grants', () => {
  let service: Service;
  let admin: TestUser;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const path = ({ id }: TestUser) => `/v1/users/${id}/quota/grants`;
  const grant = async (user: TestUser, body: object): Promise<Body> =>
    (
      await service
        .as(admin)
        .post(path(user))
        .send({ reason: 'a good customer', ...body })
        .expect(201)
    ).body;
  const quotaOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const charge = (user: TestUser, cost: number, replica = 0) =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
  const inOneHour = () => new Date(Date.now() + HOUR_MS).toISOString();
  const books = () => service.app.get(BooksRepository).compare();

  it('are exact for charges at once on two replicas: all that is there is spent, and not a unit more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.constantFrom(1, 1, 1, 2, 3), { minLength: 20, maxLength: 50 }),
        async (dailyQuota, units, costs) => {
          const user = await makeUser(service, { dailyQuota });
          // The last one comes while they are charged.
          for (const count of units.slice(0, -1)) await grant(user, { units: count });
          const late = grant(user, { units: units.at(-1) });
          const answers = await Promise.all(costs.map((cost, i) => charge(user, cost, i % 2)));
          await late;
          expect(answers.filter(({ status }) => status !== 201 && status !== 429)).toEqual([]);
          const room = dailyQuota + units.reduce((sum, count) => sum + count, 0);
          let spent = answers.reduce((sum, { status }, i) => sum + (status === 201 ? (costs[i] as number) : 0), 0);
          expect(await quotaOf(user)).toMatchObject({ remaining: room - spent });
          while (spent < room) {
            await charge(user, 1, spent % 2).expect(201);
            spent++;
          }
          for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
          expect(await quotaOf(user)).toMatchObject({ used: dailyQuota, remaining: 0 });
        },
      ),
      { numRuns: Number(process.env.FC_RUNS ?? 8) },
    );
    expect((await books()).differences).toEqual([]);
  }, 600_000);

  type Act =
    | { do: 'charge'; cost: number }
    | { do: 'charges'; cost: number; count: number }
    | { do: 'grant'; units: number; priority: number; expires: boolean }
    | { do: 'revoke' | 'expire'; pick: number }
    | { do: 'end'; pick: number; share: number | null }
    | { do: 'quota'; quota: number }
    | { do: 'overage'; max: number }
    | { do: 'reset' };
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('charge' as const), cost: fc.integer({ min: 1, max: 9 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('charges' as const), cost: fc.integer({ min: 1, max: 4 }), count: fc.integer({ min: 2, max: 6 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('grant' as const),
        units: fc.integer({ min: 1, max: 9 }),
        priority: fc.constantFrom(1, 100),
        expires: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('revoke' as const, 'expire' as const), pick: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(), share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('quota' as const), quota: fc.nat({ max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('overage' as const), max: fc.nat({ max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  );

  it('stand after each act where a purse of single units stands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 6 }), fc.array(act, { minLength: 8, maxLength: 25 }), async (quota, acts) => {
        const user = await makeUser(service, { dailyQuota: quota });
        const model = new PurseModel(quota);
        const type = newType();
        const open: { id: string; cost: number }[] = [];
        const pick = <T>(list: T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

        const decide = (cost: number, { status, body }: Body) => {
          const request = model.charge(cost);
          expect({ cost, status }).toEqual({ cost, status: request === null ? 429 : 201 });
          if (request === null) {
            expect(body).toMatchObject({ used: model.used, remaining: model.remaining, requested: cost });
            return;
          }
          model.keep(body.id, request);
          open.push({ id: body.id, cost });
          expect(body.draws ?? []).toEqual(model.drawsOf(body.id));
        };
        const send = (cost: number) => service.as(admin).post('/v1/requests').send({ type, userId: user.id, cost });

        const perform = async (step: Act): Promise<void> => {
          switch (step.do) {
            case 'charge':
              return decide(step.cost, await send(step.cost));
            case 'charges': {
              // Of one cost: a dearer one may be looked at first, and come after the others.
              const items = Array.from({ length: step.count }, () => ({ type, userId: user.id, cost: step.cost }));
              const { body } = await service.as(admin).post('/v1/requests/batch').send({ items }).expect(200);
              return body.items.forEach(({ status, request, problem }: Body) => {
                decide(step.cost, { status, body: request ?? { ...problem, used: model.used, remaining: model.remaining } });
              });
            }
            case 'grant': {
              const expiresAt = step.expires ? inOneHour() : null;
              const { id } = await grant(user, { units: step.units, priority: step.priority, expiresAt });
              model.grants.push({
                id,
                left: step.units,
                priority: step.priority,
                expiresAt: step.expires ? Date.parse(expiresAt as string) : null,
                ended: false,
              });
              return;
            }
            case 'revoke':
            case 'expire': {
              const chosen: ModelGrant | undefined = pick(model.grants, step.pick);
              if (!chosen) return;
              if (step.do === 'revoke')
                await service
                  .as(admin)
                  .delete(`${path(user)}/${chosen.id}`)
                  .expect(204);
              else await service.sql(`UPDATE quota_grants SET expires_at = now() WHERE id = $1`, [chosen.id]);
              chosen.ended = true;
              return;
            }
            case 'end': {
              const request = pick(open, step.pick);
              if (!request) return;
              open.splice(open.indexOf(request), 1);
              const units = step.share === null ? 0 : Math.round(step.share * request.cost);
              if (step.share === null) await service.as(user).post(`/v1/requests/${request.id}/cancel`).expect(200);
              else {
                await service.sql(
                  `UPDATE requests SET status = 'processing', attempt = 1, max_attempts = 1, started_at = now(), lease_expires_at = now() + interval '1 hour' WHERE id = $1`,
                  [request.id],
                );
                await service.as(worker).post(`/v1/requests/${request.id}/complete`).send({ attempt: 1, units }).expect(200);
              }
              return model.refund(request.id, request.cost - units);
            }
            case 'quota':
              await service.sql(`UPDATE users SET api_quota_daily = $2 WHERE id = $1`, [user.id, step.quota]);
              model.quota = step.quota;
              return;
            case 'overage':
              await service.as(admin).put(`/v1/users/${user.id}/quota/overage`).send({ max: step.max, reason: 'test' }).expect(200);
              model.overage.max = step.max;
              return;
            case 'reset':
              await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
              open.length = 0;
              return model.reset();
          }
        };

        for (const step of acts) {
          await perform(step);
          const { used, remaining, grants, overage } = await quotaOf(user);
          expect({
            step,
            used,
            remaining,
            overage: overage?.used ?? 0,
            items: (grants?.items ?? []).map(({ id, remaining: left }: Body) => [id, left]),
          }).toEqual({
            ...{ step, used: model.used, remaining: model.remaining, overage: model.overage.used },
            items: model.live().map(({ id, left }) => [id, left]),
          });
        }
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 20) },
    );
    expect((await books()).differences).toEqual([]);
  }, 600_000);
});
