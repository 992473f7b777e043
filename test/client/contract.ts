import { type Client } from '../../packages/client/src/client';

/** A service that the contract is held to: the real one, or the client's fake. */
export interface ContractService {
  url: string;
  fetch: (request: Request) => Promise<Response>;
  makeUser(dailyQuota: number): Promise<Account>;
  /** One key, with the scope `worker`. */
  worker: Account;
}

export interface Account {
  id: number;
  key: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** Sends a call as it stands, and notes the answer; `/requests` is `POST /v1/requests`. */
export type Send = (account: Account | null, path: string, body?: object, headers?: Record<string, string>) => Promise<Answer>;

interface Contract {
  name: string;
  run(kit: { service: ContractService; send: Send; type: string; client: (account: Account) => Client }): Promise<void>;
}

const idOf = ({ body }: Answer) => body.id as string;

/** The list: each is run against both, asserts for itself, and then all answers of one must be those of the other. */
export const CONTRACTS: Contract[] = [
  {
    name: 'charges a submit, shows it to its owner alone, and states what is left',
    async run({ service, send, type }) {
      const [owner, other] = await usersOf(service, 3, 3);
      const submitted = await send(owner, '/requests', { type, payload: { n: 1 } });
      expect([submitted.status, submitted.body.status, submitted.headers.ratelimit]).toEqual([201, 'pending', '"daily";r=2;t=<n>']);
      await send(owner, `GET /requests/${idOf(submitted)}`);
      expect((await send(other, `GET /requests/${idOf(submitted)}`)).body.code).toBe('not-found');
      const { body } = await send(owner, 'GET /users/me/quota');
      expect([body.used, body.remaining]).toEqual([1, 2]);
    },
  },
  {
    name: 'refuses what the day has no units for, and what no day has',
    async run({ service, send, type }) {
      const [user, poor] = await usersOf(service, 1, 0);
      await send(user, '/requests', { type });
      expect((await send(user, '/requests', { type })).body.code).toBe('quota-exceeded');
      expect((await send(poor, '/requests', { type })).body.code).toBe('cost-exceeds-quota');
      expect((await send(user, '/authorize')).status).toBe(429);
    },
  },
  {
    name: 'admits exactly the quota of many at once',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 7);
      const codes = await Promise.all(Array.from({ length: 20 }, async () => (await send(user, '/requests', { type })).status));
      expect(codes.filter((status) => status === 201)).toHaveLength(7);
    },
  },
  {
    name: 'refuses who is nobody, and keys without the scope',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 1);
      expect((await send(null, '/requests', { type })).body.code).toBe('credentials-missing');
      expect((await send({ id: 0, key: 'qk_wrong' }, '/requests', { type })).body.code).toBe('credentials-invalid');
      expect((await send(user, '/requests/claim', { types: [type] })).body.code).toBe('scope-required');
    },
  },
  {
    name: 'charges an Idempotency-Key once, and refuses it for another body',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 5);
      const key = { 'idempotency-key': 'k' };
      const [first, again] = await inOrder([
        () => send(user, '/requests', { type, payload: { n: 1 } }, key),
        () => send(user, '/requests', { type, payload: { n: 1 } }, key),
      ]);
      expect([idOf(again), again.headers['idempotency-replayed']]).toEqual([idOf(first), 'true']);
      expect((await send(user, '/requests', { type, payload: { n: 2 } }, key)).body.code).toBe('idempotency-key-reused');
      expect((await send(user, 'GET /users/me/quota')).body.used).toBe(1);
    },
  },
  {
    name: 'charges each item of a batch for itself',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 2);
      const { body } = await send(user, '/requests/batch', { items: [{ type }, { type, idempotencyKey: 'b' }, { type }] });
      expect((body.items as Answer[]).map(({ status }) => status)).toEqual([201, 201, 429]);
    },
  },
  {
    name: 'gives a canceled request its units back, once',
    async run({ service, send, type }) {
      const [user, other] = await usersOf(service, 1, 1);
      const id = idOf(await send(user, '/requests', { type }));
      expect((await send(other, `/requests/${id}/cancel`)).status).toBe(404);
      expect((await send(user, `/requests/${id}/cancel`)).body.refunded).toBe(1);
      expect((await send(user, `/requests/${id}/cancel`)).body.code).toBe('request-final');
      expect((await send(user, '/requests', { type })).status).toBe(201);
    },
  },
  {
    name: 'hands out work, fences off stale attempts, and has the result',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 9);
      const { worker } = service;
      const id = idOf(await send(user, '/requests', { type }));
      expect((await send(worker, `/requests/${id}/complete`, { attempt: 1, result: 1 })).body.code).toBe('stale-attempt');
      const { body } = await send(worker, '/requests/claim', { types: [type], limit: 5 });
      expect((body.items as { id: string }[]).map((item) => item.id)).toEqual([id]);
      expect((await send(worker, '/requests/claim', { types: [type] })).body.items).toEqual([]);
      await send(worker, `/requests/${id}/heartbeat`, { attempt: 1, leaseSeconds: 30 });
      await send(worker, `/requests/${id}/complete`, { attempt: 1, result: { pages: 3 } });
      expect((await send(worker, `/requests/${id}/fail`, { attempt: 1 })).body.code).toBe('request-final');
      expect((await send(user, `GET /requests/${id}`)).body).toMatchObject({ status: 'succeeded', result: { pages: 3 } });
    },
  },
  {
    name: 'gives back what failed, keeps what is tried again, and ends a cancel that a worker learns of',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 9);
      const { worker } = service;
      const failed = idOf(await send(user, '/requests', { type }));
      await send(worker, '/requests/claim', { types: [type] });
      await send(worker, `/requests/${failed}/fail`, { attempt: 1, error: { reason: 'x' } });
      const canceled = idOf(await send(user, '/requests', { type }));
      await send(worker, '/requests/claim', { types: [type] });
      await send(user, `/requests/${canceled}/cancel`);
      expect((await send(worker, `/requests/${canceled}/heartbeat`, { attempt: 1 })).body.cancelRequested).toBe(true);
      await send(worker, `/requests/${canceled}/fail`, { attempt: 1, error: 'stopped' });
      const again = idOf(await send(user, '/requests', { type }));
      await send(worker, '/requests/claim', { types: [type] });
      await send(worker, `/requests/${again}/fail`, { attempt: 1, error: 'later', retryable: true });
      for (const id of [failed, canceled, again]) await send(user, `GET /requests/${id}`);
      expect((await send(user, 'GET /users/me/quota')).body.used).toBe(1);
    },
  },
  {
    name: 'meters calls of a gateway, holds units, and settles them',
    async run({ service, send, type }) {
      const [user] = await usersOf(service, 10);
      const { worker } = service;
      const charged = await send(user, '/authorize', undefined, { 'x-quota-type': type, 'x-quota-cost': '4', 'idempotency-key': 'g' });
      expect([charged.status, charged.headers.ratelimit]).toEqual([204, '"daily";r=6;t=<n>']);
      await send(user, '/authorize', undefined, { 'x-quota-type': type, 'x-quota-cost': '4', 'idempotency-key': 'g' });
      const held = await send(user, '/authorize', undefined, { 'x-quota-type': type, 'x-quota-cost': '5', 'x-quota-hold': '60' });
      const id = held.headers['x-charge-id'];
      expect((await send(user, '/authorize', undefined, { 'x-quota-cost': '2' })).status).toBe(429);
      expect((await send(worker, '/requests/complete', { items: [{ id, attempt: 1, units: 2 }] })).body.items).toMatchObject([{ status: 200 }]);
      expect((await send(user, 'GET /users/me/quota')).body.used).toBe(6);
    },
  },
  {
    name: 'serves the client as it is, with what it sends together',
    async run({ service, client, type }) {
      const [user] = await usersOf(service, 3);
      const submitting = client(user);
      const submits = Array.from({ length: 5 }, () => submitting.POST('/v1/requests', { body: { type } }));
      const outcomes = (await Promise.allSettled(submits)).map(({ status }) => status);
      expect(outcomes.filter((outcome) => outcome === 'fulfilled')).toHaveLength(3);
    },
  },
];

async function usersOf(service: ContractService, ...quotas: number[]): Promise<[Account, Account]> {
  const users: Account[] = [];
  for (const quota of quotas) users.push(await service.makeUser(quota));
  return users as [Account, Account];
}

async function inOrder(calls: (() => Promise<Answer>)[]): Promise<[Answer, Answer]> {
  const answers: Answer[] = [];
  for (const call of calls) answers.push(await call());
  return answers as [Answer, Answer];
}
