import { eventually } from '../support/eventually';
import { ModulesContainer } from '@nestjs/core';
import { makeKey } from '../../src/api-keys/key-format';
import { CallSlotsGuard } from '../../src/auth/call-slots.guard';
import { networkOfRequest } from '../../src/common/network-address';
import { type CallSlots } from '../../src/http/call-slots';
import { execute, withDatabase } from '../support/databases';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { writeKey } from '../support/settings';
import { answering, at, bare, type DocumentedOperation, OPERATIONS, otherThan, refusingBy } from './operations';

const LARGE = JSON.stringify({ type: 'x'.repeat(300_000) });
/** More than one caller may have under way and waiting. */
const CALLS_MAX = 515;
const LONG = 'x'.repeat(300);
/** Bytes that no path can be decoded from. */
const UNDECODABLE = '%E0%A4%A';

/** Every answer is held to the document besides, by the hook of all tests. */
describe('every operation', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  let scopeless: TestUser;
  let refreshToken = '';
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
    scopeless = await makeUser(service, { scopes: ['quota:read'] });
    refreshToken = (await logIn(service, user)).refreshToken;
  });
  afterAll(() => service.close());

  const inPath = ({ parameters }: DocumentedOperation) => parameters.find((parameter) => parameter.in === 'path')?.name;

  it('that is documented with 401 answers it to nobody and to a key that is none', async () => {
    const guarded = answering(401).filter(({ isPublic }) => !isPublic);
    expect(guarded.length).toBeGreaterThan(40);
    expect(await otherThan(401, guarded, (one) => bare(service, undefined, one))).toEqual([]);
    expect(await otherThan(401, guarded, (one) => bare(service, { key: 'qk_none' }, one))).toEqual([]);
  });

  it('that is documented with 403 answers it to a key that may not', async () => {
    const open = new Set(['quotasGet', 'quotasUsage', 'usagePartsRead', 'grantsList', 'grantsGet']);
    // Refused to administrators alone, who lack a second factor.
    const toAnyKey = new Set([...open, 'systemConfigurationsList', 'systemConfigurationsGet', 'systemConfigurationsHistory', 'usersGet']);
    const guarded = answering(403).filter((one) => !one.isPublic && !toAnyKey.has(one.as) && !isGateway(one));
    expect(await otherThan(403, guarded, (one) => bare(service, scopeless, one))).toEqual([]);
    const worker = await makeUser(service, { scopes: ['worker'] });
    const quota = OPERATIONS.filter(({ as }) => open.has(as));
    expect(await otherThan(403, quota, (one) => bare(service, worker, one))).toEqual([]);
  });

  it('that takes a body refuses one that is malformed, too large or of another type', async () => {
    const send = (body: string, type: string) => (one: DocumentedOperation) => bare(service, admin, one).set('content-type', type).send(body);
    expect(await otherThan(413, answering(413), send(LARGE, 'application/json'))).toEqual([]);
    expect(await otherThan(415, answering(415), send('x', 'text/plain'))).toEqual([]);
    expect(await otherThan(400, answering(415), send('{', 'application/json'))).toEqual([]);
  });

  it('that is documented with 414 answers it where a part of its path is longer than any name', async () => {
    expect(await otherThan(414, answering(414), (one) => bare(service, admin, one, { [inPath(one) as string]: LONG }))).toEqual([]);
  });

  it('that has a name in its path refuses bytes that are none', async () => {
    const named = answering(400).filter((one) => inPath(one) && !isGateway(one));
    expect(await otherThan(400, named, (one) => bare(service, admin, one, { [inPath(one) as string]: UNDECODABLE }))).toEqual([]);
  });

  it('that lists refuses a page of no items and a cursor that is none', async () => {
    const lists = OPERATIONS.filter(({ parameters }) => parameters.some(({ name }) => name === 'cursor'));
    expect(await otherThan(400, lists, ({ method, path }) => service.as(admin)[method](`${at(path)}?limit=0`))).toEqual([]);
    expect(await otherThan(400, lists, ({ method, path }) => service.as(admin)[method](`${at(path)}?cursor=none`))).toEqual([]);
  });

  it('that is documented with 429 for writes answers it to a user who wrote too much', async () => {
    await writeKey(service, admin, 'http.writesPerMinute', { value: 10 });
    const busy = await makeUser(service);
    for (let i = 0; i < 10; i++) await service.as(busy).put('/v1/users/me/configurations/none').send({});
    const bounded = refusingBy('too-many-writes').filter(({ isPublic }) => !isPublic);
    const session = await service.as().post('/v1/auth/login').send({ email: busy.email, password: 'correct horse battery' }).expect(200);
    expect(await otherThan(429, bounded, (one) => bare(service, { key: session.body.accessToken as string }, one))).toEqual([]);
    await writeKey(service, admin, 'http.writesPerMinute', { value: 600 });
  });

  it('refuses a call of a caller who has too many under way', async () => {
    const bounded = refusingBy('too-many-calls');
    expect(bounded.length).toBeGreaterThan(40);
    const { slots } = guardOf(service);
    const network = networkOfRequest({ ip: '127.0.0.1' });
    const held = [admin.id, network].flatMap((caller) => Array.from({ length: CALLS_MAX }, () => slots.enter(caller)));
    const refused = await otherThan(429, bounded, (one) => bare(service, one.isPublic ? undefined : admin, one));
    for (const slot of held) slot.leave();
    expect(refused).toEqual([]);
  });

  it('refuses a request by HTTP/1.1 that names no host', async () => {
    const unnamed: string[] = [];
    for (const { method, path } of OPERATIONS) {
      const { status } = await rawRequest(service.url, `${method.toUpperCase()} ${at(path)} HTTP/1.1\r\nconnection: close\r\n\r\n`);
      if (status !== 400) unnamed.push(`${method} ${path}: ${status}`);
    }
    expect(unnamed).toEqual([]);
  });

  it('that reads is answered by HEAD as by GET, without the body, whether that is there or not', async () => {
    const { body: key } = await service
      .as(admin)
      .post('/v1/users/me/api-keys')
      .send({ name: 'read', scopes: ['worker'] })
      .expect(201);
    const { body: request } = await service.as(admin).post('/v1/requests').send({ type: 'report' }).expect(201);
    const change = { value: 700, effectiveAt: '2999-01-01T00:00:00Z' };
    const changes = '/v1/configurations/http.writesPerMinute/changes';
    const { body: proposed } = await service.as(admin).post(changes).set('if-match', '*').send(change).expect(201);
    const there = { keyId: String(key.id), id: request.id as string, changeId: String(proposed.id), tierId: 'free', code: 'not-found' };
    const gone = {
      userId: '999999',
      keyId: '999999',
      id: '00000000-0000-0000-0000-000000000000',
      changeId: '999999',
      tierId: 'none',
      key: 'no.key',
      code: 'none',
    };
    const different: string[] = [];
    for (const head of OPERATIONS.filter((one) => one.method === 'head' && !isGateway(one))) {
      for (const values of inPath(head) ? [there, gone] : [there]) {
        const path = at(head.path, values);
        const answer = await service.as(admin).head(path);
        // A stream goes on for as long as its request does.
        const get = /events$/.test(path) && values === there ? { status: 200 } : await service.as(admin).get(path);
        if (answer.status !== get.status || answer.text) different.push(`${path}: ${answer.status} ${answer.text}, not ${get.status}`);
        if (answer.headers.etag) await service.as(admin).head(path).set('if-none-match', answer.headers.etag).expect(304);
      }
    }
    expect(different).toEqual([]);
  });

  it('of the gateway, by whatever method and path, is answered alike', async () => {
    const gateway = OPERATIONS.filter(isGateway);
    expect(gateway).toHaveLength(14);
    const payer = await makeUser(service, { unlimited: true });
    const poor = await makeUser(service, { dailyQuota: 0 });
    const refunded = await service.as(payer).get('/v1/authorize').set({ 'x-quota-hold': '3600', 'idempotency-key': 'refunded' }).expect(204);
    await service.as(admin).post(`/v1/requests/${refunded.headers['x-charge-id']}/complete`).send({ attempt: 1, units: 0 }).expect(200);
    const by = (headers: Record<string, string>, caller?: TestUser) => (one: DocumentedOperation) => bare(service, caller, one).set(headers);
    expect(await otherThan(204, gateway, by({}, payer))).toEqual([]);
    expect(await otherThan(200, gateway, by({ 'x-quota-allow-status': '200' }, payer))).toEqual([]);
    expect(await otherThan(400, gateway, by({ 'x-quota-cost': '0' }, payer))).toEqual([]);
    expect(await otherThan(429, gateway, by({}, poor))).toEqual([]);
    expect(await otherThan(422, gateway, by({ 'x-quota-cost': '2', 'idempotency-key': 'refunded' }, payer))).toEqual([]);
    expect(await otherThan(409, gateway, by({ 'x-quota-hold': '3600', 'idempotency-key': 'refunded' }, payer))).toEqual([]);
    expect(await otherThan(403, gateway, (one) => service.as()[one.method](`${at(one.path)}?denyStatus=403`))).toEqual([]);
  });

  it('that asks the database is 503 while that is away', async () => {
    const name = service.databaseUrl.replace(/^.*\/([^/?]+).*$/, '$1');
    const server = withDatabase(service.databaseUrl, 'postgres');
    await execute(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await execute(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`);
    const asking = answering(503).filter(({ as }) => as === 'healthReady' || !fromMemory.has(as));
    const others = await otherThan(503, asking, called).finally(() => execute(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`));
    expect(others).toEqual([]);
    await eventually(() => service.as().get('/health/ready').expect(200), 10_000);
  });

  it('that asks the database is 500 where that is in ruins', async () => {
    const tables = await service.sql<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'");
    for (const { name } of tables) await service.sql(`ALTER TABLE "${name}" RENAME TO "${name}_gone"`);
    const asking = answering(500).filter(({ as }) => !fromMemory.has(as));
    expect(await otherThan(500, asking, called)).toEqual([]);
  });

  /** Calls so that the database is asked: with a key that nobody has seen yet, or with a body that only the database could refuse. */
  const called = (one: DocumentedOperation) => {
    const call = bare(service, one.isPublic ? undefined : { key: makeKey() }, one);
    return one.hasBody ? call.send(/^auth(Refresh|Logout)$/.test(one.id) ? { refreshToken } : (BODIES[one.id] ?? {})) : call;
  };
});

/** The guard that bounds what a caller has under way, as the service has it. */
function guardOf({ app }: Service): { slots: CallSlots<number | string> } {
  const providers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.providers.values()]);
  return providers.find(({ metatype }) => metatype === CallSlotsGuard)?.instance as { slots: CallSlots<number | string> };
}

/** What answers without the database, or reports its absence itself. */
const fromMemory = new Set([
  'healthLive',
  'healthReady',
  'metricsRender',
  'errorPagesPage',
  'identityForgot',
  'linkPagesVerifyEmail',
  'linkPagesResetPassword',
  'singleSignOnBegin',
  'singleSignOnCallback',
  'singleSignOnCode',
  'singleSignOnList',
  'systemConfigurationsList',
  'systemConfigurationsGet',
]);

const isGateway = ({ path }: DocumentedOperation) => path.startsWith('/v1/authorize');

const ACCOUNT = { email: 'somebody@example.com', password: 'correct horse battery' };
const TOKEN = { token: `qto_${'A'.repeat(43)}` };
const BODIES: Record<string, object> = {
  authRegister: ACCOUNT,
  authLogin: ACCOUNT,
  identityVerify: TOKEN,
  signInLinksUse: TOKEN,
  identityReset: { ...TOKEN, newPassword: ACCOUNT.password },
};
