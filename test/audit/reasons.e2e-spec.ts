import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

interface Event {
  action: string;
  reason: string | null;
}

describe('the reason for a change', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const reasons = async () => {
    const { body } = await asAdmin().get('/v1/audit-events?limit=20').expect(200);
    return (body.items as Event[]).map(({ action, reason }) => `${action}: ${reason}`).reverse();
  };

  it('is taken for users, plans and keys, with a body or in the query, and is in the audit log', async () => {
    const { body: user } = await asAdmin().post('/v1/users').send({ email: 'new@example.com', password: PASSWORD, reason: 'a new customer' }).expect(201);
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'spring', dailyQuota: 1, reason: 'an offer' }).expect(201);
    const edited = await asAdmin().patch(`/v1/tiers/${tier.id}`).send({ dailyQuota: 2, reason: 'too little' }).expect(200);
    expect(edited.body).not.toHaveProperty('reason');
    await asAdmin().patch(`/v1/users/${user.id}`).send({ tier: 'spring', reason: 'asked for it' }).expect(200);
    const { body: key } = await asAdmin().post(`/v1/users/${user.id}/api-keys`).send({ name: 'k', reason: 'their laptop' }).expect(201);
    await asAdmin().post(`/v1/users/${user.id}/api-keys/${key.id}/rotate`).query({ reason: 'it was lost' }).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/api-keys/${key.id}`).query({ reason: 'it was found' }).expect(204);
    await asAdmin().delete(`/v1/users/${user.id}`).query({ reason: 'they left' }).expect(204);
    await asAdmin().delete(`/v1/tiers/${tier.id}`).query({ reason: 'it is over' }).expect(204);
    expect(await reasons()).toEqual([
      'user.create: a new customer',
      'tier.create: an offer',
      'tier.update: too little',
      'user.update: asked for it',
      'api-key.create: their laptop',
      'api-key.rotate: it was lost',
      'api-key.revoke: it was found',
      'user.delete: they left',
      'tier.delete: it is over',
    ]);
  });

  it('is taken where an override ends, a request is canceled and a job is run, too', async () => {
    const user = await makeUser(service);
    const { body: request } = await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    const override = { dailyQuota: 5, expiresAt: '2090-01-01T00:00:00Z', reason: 'a big day' };
    await asAdmin().put(`/v1/users/${user.id}/quota/override`).send(override).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/quota/override`).query({ reason: 'it is over' }).expect(204);
    await asAdmin().post(`/v1/requests/${request.id}/cancel`).query({ reason: 'it is stuck' }).expect(200);
    await asAdmin().post('/v1/jobs/quota-reset/run').query({ reason: 'to be sure' }).expect(200);
    expect((await reasons()).slice(-4)).toEqual([
      'quota.override: a big day',
      'quota.override-end: it is over',
      'request.cancel: it is stuck',
      'job.run: to be sure',
    ]);
  });

  it('has 500 characters at most, and alone changes nothing', async () => {
    const before = await reasons();
    const { body } = await asAdmin()
      .patch('/v1/users/me')
      .send({ reason: 'x'.repeat(501) })
      .expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/reason', code: 'max-length' }]);
    await asAdmin()
      .delete('/v1/tiers/pro')
      .query({ reason: 'x'.repeat(501) })
      .expect(400);
    await asAdmin().patch('/v1/users/me').send({ reason: 'none' }).expect(200);
    expect(await reasons()).toEqual(before);
  });

  it('of each administrative operation of openapi.json is in the audit log, with who did it and by which key', async () => {
    const { paths } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'openapi.json'), 'utf8')) as { paths: Record<string, Record<string, Operation>> };
    const administrative = Object.values(paths)
      .flatMap((item) => Object.entries(item))
      .filter(([method, operation]) => !['get', 'head'].includes(method) && operation['x-operator-role'] !== undefined)
      .map(([, { operationId }]) => operationId)
      .filter((id) => !NOT_ADMINISTRATIVE.test(id));
    const second = await makeAdmin(service);
    const done: string[] = [];
    const as = async (by: TestUser, operation: string, method: 'post' | 'put' | 'patch' | 'delete', path: string, body?: object) => {
      const call = service.as(by)[method](path).set('x-request-id', operation).set('if-match', '*');
      const hasBody = method !== 'delete' && body !== undefined;
      const answer = await (hasBody
        ? call.send({ ...body, ...(WITHOUT_REASON.includes(operation) ? {} : { reason: operation }) })
        : call.query({ reason: operation }));
      expect([operation, answer.status, answer.status < 300 ? null : answer.body]).toEqual([operation, expect.any(Number), null]);
      done.push(operation);
      return answer.body as { id: number };
    };
    const act = (operation: string, method: 'post' | 'put' | 'patch' | 'delete', path: string, body?: object) => as(admin, operation, method, path, body);
    const audited = async (by: TestUser, operation: string, reason = operation) => {
      const events = await service.sql<Record<string, unknown>>('SELECT actor_kind, actor_id, actor_key_id, reason FROM audit_events WHERE request_id = $1', [
        operation,
      ]);
      const expected = { actor_kind: 'key', actor_id: by.id, actor_key_id: expect.any(Number), reason: WITHOUT_REASON.includes(operation) ? null : reason };
      expect([operation, events[0]]).toEqual([operation, expected]);
    };

    const key = '/v1/configurations/walked.setting';
    await act('systemConfigurationsPut', 'put', '/v1/configurations/quota.refundDailyCap', { value: 7 });
    await act('systemConfigurationsRollback', 'post', '/v1/configurations/quota.refundDailyCap/rollback', { version: 1 });
    await act('systemConfigurationsDelete', 'delete', '/v1/configurations/quota.refundDailyCap');
    const setting = { value: 1, schema: { type: 'integer' }, visibility: 'public', overridable: true };
    await service.as(admin).put(key).set('if-none-match', '*').send(setting).expect(201);
    const change = await act('configurationChangesPropose', 'post', `${key}/changes`, { value: 2, requiresApproval: true });
    await service.as(second).post(`${key}/changes/${change.id}/approve`).set('x-request-id', 'configurationChangesApprove').expect(200);
    const other = await service.as(admin).post(`${key}/changes`).set('if-match', '*').send({ value: 3, requiresApproval: true }).expect(201);
    await act('configurationChangesWithdraw', 'post', `${key}/changes/${other.body.id}/withdraw`);

    const tier = await act('tiersCreate', 'post', '/v1/tiers', { name: 'walked', dailyQuota: 3 });
    await act('tiersUpdate', 'patch', `/v1/tiers/${tier.id}`, { dailyQuota: 4 });
    await act('tiersDelete', 'delete', `/v1/tiers/${tier.id}`);
    await act('jobsRun', 'post', '/v1/jobs/user-removal/run');
    await act('quotaResetRun', 'post', '/v1/jobs/quota-reset/run');

    const endpoint = await act('endpointsCreate', 'post', '/v1/webhook-endpoints', { url: 'https://hooks.example.com/', events: ['*'] });
    const there = `/v1/webhook-endpoints/${endpoint.id}`;
    await act('endpointsUpdate', 'patch', there, { description: 'walked' });
    await act('endpointsRotateSecret', 'post', `${there}/rotate-secret`);
    const delivery = await act('deliveriesTest', 'post', `${there}/test`);
    await act('deliveriesResend', 'post', `/v1/webhook-deliveries/${delivery.id}/resend`);
    await act('deliveriesReplay', 'post', `${there}/replay`, { since: '2020-01-01T00:00:00Z' });
    await act('endpointsDelete', 'delete', there);

    const user = await act('usersCreate', 'post', '/v1/users', { email: 'walked@example.com', password: PASSWORD });
    const own = `/v1/users/${user.id}`;
    await act('usersUpdate', 'patch', own, { tier: 'pro', effectiveOn: dayAhead() });
    await act('tierChangesCancel', 'delete', `${own}/tier-change`);
    await act('authChangePassword', 'put', `${own}/password`, { newPassword: `${PASSWORD} 2` });
    await act('userConfigurationsPut', 'put', `${own}/configurations/walked.setting`, { value: 5 });
    await act('userConfigurationsDelete', 'delete', `${own}/configurations/walked.setting`);
    const made = await act('apiKeysCreate', 'post', `${own}/api-keys`, { name: 'walked' });
    await act('apiKeysUpdate', 'patch', `${own}/api-keys/${made.id}`, { name: 'renamed' });
    await act('apiKeysRotate', 'post', `${own}/api-keys/${made.id}/rotate`, {});
    await act('apiKeysRevoke', 'delete', `${own}/api-keys/${made.id}`);
    const login = { email: 'walked@example.com', password: `${PASSWORD} 2` };
    for (let i = 0; i < 2; i++) await service.as().post('/v1/auth/login').send(login).expect(200);
    const [session] = await service.sql<{ id: string }>('SELECT id FROM sessions WHERE user_id = $1', [user.id]);
    await act('sessionsEnd', 'delete', `${own}/sessions/${session.id}`);
    await act('sessionsEndAll', 'delete', `${own}/sessions`);
    await act('quotasPutOverride', 'put', `${own}/quota/override`, { dailyQuota: 9, expiresAt: '2090-01-01T00:00:00Z' });
    await act('quotasDeleteOverride', 'delete', `${own}/quota/override`);
    await act('quotasReset', 'post', `${own}/quota/reset`, {});
    await act('quotaFormsPutOverage', 'put', `${own}/quota/overage`, { max: 3 });
    await act('quotaFormsDeleteOverage', 'delete', `${own}/quota/overage`);
    await act('quotaFormsPutShadow', 'put', `${own}/quota/shadow`, { enabled: true });
    await act('quotaFormsDeleteShadow', 'delete', `${own}/quota/shadow`);
    const grant = await act('grantsCreate', 'post', `${own}/quota/grants`, { units: 3 });
    await act('grantsRevoke', 'delete', `${own}/quota/grants/${grant.id}`);
    await service.sql(`INSERT INTO user_identities (issuer, subject, user_id) VALUES ('https://id.example.com', 'walked', $1)`, [user.id]);
    const [identity] = (await service.as(admin).get(`${own}/identities`).expect(200)).body.items as { id: string }[];
    await act('identitiesUnlink', 'delete', `${own}/identities/${identity.id}`);
    const account = await act('serviceAccountsCreate', 'post', '/v1/service-accounts', { name: 'walked' });
    await act('serviceAccountsUpdate', 'patch', `/v1/service-accounts/${account.id}`, { name: 'walked-on' });
    const caller = await makeUser(service);
    const { body: request } = await service.as(caller).post('/v1/requests').send({ type: 'walked' }).expect(201);
    await act('requestsCancel', 'post', `/v1/requests/${request.id}/cancel`);
    await service.as(admin).put('/v1/configurations/users.restoreDays').set('if-match', '*').send({ value: 7 }).expect(200);
    await act('usersDelete', 'delete', own);
    await act('usersRestore', 'post', `${own}/restore`);

    expect([...done, 'configurationChangesApprove'].sort()).toEqual(administrative.sort());
    await audited(second, 'configurationChangesApprove', 'configurationChangesPropose');
    for (const operation of done) await audited(admin, operation);
  });
});

interface Operation {
  operationId: string;
  'x-operator-role'?: string;
}

/** What workers, gateways and an account's own holder do administers nobody; the test clock has its proof where there is one. */
const NOT_ADMINISTRATIVE = /^(work|requestsSubmit$|requestsBatch$|gatewayCheck|secondFactors|identityLinks|identitySendVerification$|testClockSet$)/;
const WITHOUT_REASON = ['authChangePassword'];

/** In a week, as a day. */
function dayAhead(): string {
  return new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
}
