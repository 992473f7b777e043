import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { Command, run } from '../support/command';
import { createDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type OtlpReceiver, type Span, startOtlpReceiver } from '../support/otlp-receiver';
import { clientOf } from '../support/other-process';
import { type Service } from '../support/service';
import { writeSetting } from '../support/settings';
import { startReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TOKEN = 'collector-token-that-nobody-may-see';

/** A service as a process of its own: what makes spans is one in a process. */
describe('traces', () => {
  let database: TestDatabase;
  let pool: Pool;
  let collector: OtlpReceiver;
  let webhooks: WebhookReceiver;
  let command: Command;
  let service: Service;
  let admin: TestUser;
  let user: TestUser;

  const environment = (more: Record<string, string>) => ({
    NODE_ENV: 'test',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    DATA_DIR: '.data',
    JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
    SCHEDULER_ENABLED: 'false',
    LOG_FORMAT: 'json',
    LOG_REQUESTS: 'true',
    ...more,
  });

  const traced = () => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}`,
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=trial',
    OTEL_SERVICE_NAME: 'metering',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });

  beforeAll(async () => {
    [database, collector, webhooks] = await Promise.all([createDatabase(), startOtlpReceiver(), startReceiver()]);
    pool = new Pool({ connectionString: database.url, max: 2 });
    pool.on('error', () => undefined);
    command = new Command(['serve'], environment(traced()));
    const [, url = ''] = await command.shows(/(http:\/\/127\.0\.0\.1:\d+)/);
    service = {
      url,
      sql: async (text: string, values?: unknown[]) => (await pool.query(text, values)).rows as unknown[],
      as: (credential?: { key: string }) => clientOf(url).set(credential === undefined ? {} : { authorization: `Bearer ${credential.key}` }),
    } as unknown as Service;
    admin = await makeAdmin(service);
    user = await makeUser(service);
    await writeSetting(service, admin, 'webhooks.allowHttp', true);
    await writeSetting(service, admin, 'webhooks.allowedNetworks', ['127.0.0.0/8']);
  }, 60_000);
  afterAll(async () => {
    command.child.kill('SIGTERM');
    await command.finished();
    await pool.end();
    await Promise.all([collector.close(), webhooks.close(), database.drop()]);
  });

  const submit = (by: TestUser, body: object, traceparent?: string) =>
    service
      .as(by)
      .post('/v1/requests')
      .set(traceparent === undefined ? {} : { traceparent })
      .send(body);
  const found = (what: (span: Span) => boolean) => eventually(() => collector.spans.find(what) ?? false) as Promise<Span>;
  const calls = (traceId: string) => found((span) => span.traceId === traceId && span.name === 'POST /v1/requests');

  it('go on from the caller through the call and its admission to the batch that it shared, and the answer names the call', async () => {
    const { headers } = await submit(user, { type: 'traced' }, `00-${TRACE}-${PARENT}-01`).expect(201);
    const call = await calls(TRACE);
    expect(call).toMatchObject({ parentSpanId: PARENT, kind: 2, fields: { 'http.route': '/v1/requests', 'http.response.status_code': 201 } });
    expect(call.resource).toMatchObject({ 'service.name': 'metering', 'deployment.environment.name': 'trial' });
    expect(headers.traceresponse).toBe(`00-${TRACE}-${call.spanId}-01`);
    const admit = await found(({ name, parentSpanId }) => name === 'admit' && parentSpanId === call.spanId);
    expect(admit.fields).toMatchObject({ 'quotidian.cost': 1, 'quotidian.outcome': 'admitted' });
    const batch = await found(({ name, parentSpanId }) => name === 'batch' && parentSpanId === admit.spanId);
    expect(batch.fields).toMatchObject({ 'quotidian.batch.of': 'a batch of charges', 'quotidian.batch.size': 1 });
    expect(batch.links).toMatchObject([{ traceId: TRACE, spanId: admit.spanId }]);
    expect(admit.links).toMatchObject([{ traceId: TRACE, spanId: batch.spanId }]);
  });

  it('link a batch to every call that it decided', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => submit(user, { type: 'together' }).expect(201)));
    const traces = answers.map(({ headers }) => headers.traceresponse.split('-')[1]);
    expect(new Set(traces).size).toBe(40);
    for (const traceId of traces) {
      const admit = await found((span) => span.name === 'admit' && span.traceId === traceId);
      const batch = await found(({ name, links }) => name === 'batch' && links.some(({ spanId }) => spanId === admit.spanId));
      expect(batch.links.length).toBe(batch.fields['quotidian.batch.size']);
    }
  });

  it('link a claim and a delivery to the submit that they are about', async () => {
    const worker = await makeUser(service, { scopes: ['worker'] });
    await service
      .as(user)
      .post('/v1/webhook-endpoints')
      .send({ url: `${webhooks.url}/hook?token=endpoint-secret`, events: ['request.*'] })
      .expect(201);
    // Who has nothing to be sent is not asked for; the endpoint is known once its listeners are.
    const { body, headers } = await submit(user, { type: 'linked' }).expect(201);
    const [, traceId, spanId] = headers.traceresponse.split('-');
    const admit = await found(({ name, parentSpanId }) => name === 'admit' && parentSpanId === spanId);
    await service
      .as(worker)
      .post('/v1/requests/claim')
      .send({ types: ['linked'] })
      .expect(200);
    const claim = await found((span) => span.name === 'claim' && span.fields['quotidian.claim.requests'] === 1);
    expect(claim.links).toMatchObject([{ traceId, spanId: admit.spanId }]);
    await service.as(worker).post(`/v1/requests/${body.id}/complete`).send({ attempt: 1, result: {} }).expect(200);
    const deliver = await found(({ name, fields }) => name === 'deliver' && fields['quotidian.event.type'] === 'request.succeeded');
    expect(deliver.links).toMatchObject([{ traceId, spanId: admit.spanId }]);
    expect(deliver.traceId).not.toBe(traceId);
    expect(deliver.fields).toMatchObject({ 'http.response.status_code': 204, 'quotidian.delivery.tries': 0 });
  });

  it('link a claim by another process to the submit, once what that wrote is there', async () => {
    const other = new Command(['serve'], environment({ ...traced(), OTEL_SERVICE_NAME: 'another' }));
    try {
      const [, url = ''] = await other.shows(/(http:\/\/127\.0\.0\.1:\d+)/);
      const worker = await makeUser(service, { scopes: ['worker'] });
      const { headers } = await submit(user, { type: 'far' }).expect(201);
      const [, traceId, spanId] = headers.traceresponse.split('-');
      await clientOf(url)
        .post('/v1/requests/claim')
        .set('authorization', `Bearer ${worker.key}`)
        .send({ types: ['far'] })
        .expect(200);
      const claim = await found(({ name, resource }) => name === 'claim' && resource['service.name'] === 'another');
      const admit = await found(({ name, parentSpanId }) => name === 'admit' && parentSpanId === spanId);
      expect(claim.links).toMatchObject([{ traceId, spanId: admit.spanId }]);
      expect(claim.traceId).not.toBe(traceId);
    } finally {
      other.child.kill('SIGTERM');
      await other.finished();
    }
  });

  it('are named by each line that is logged for a call', async () => {
    const { headers } = await submit(user, { type: 'logged' }).expect(201);
    const [, traceId, spanId] = headers.traceresponse.split('-');
    const line = await eventually(() => command.stdout.split('\n').find((one) => one.includes(`"trace_id":"${traceId}"`)) ?? false);
    expect(JSON.parse(line as string)).toMatchObject({ requestId: headers['x-request-id'], traceId, span_id: spanId, status: 201 });
  });

  it('follow the decision of the caller not to record', async () => {
    const unrecorded = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const { headers } = await submit(user, { type: 'unrecorded' }, `00-${unrecorded}-${PARENT}-00`).expect(201);
    expect(headers.traceresponse).toMatch(new RegExp(`^00-${unrecorded}-[0-9a-f]{16}-00$`));
    const { headers: next } = await submit(user, { type: 'recorded' }).expect(201);
    await calls(next.traceresponse.split('-')[1]);
    expect(collector.spans.filter(({ traceId }) => traceId === unrecorded)).toEqual([]);
  });

  it('bear no secret and nothing that a caller wrote: credentials, bodies, addresses, texts of errors', async () => {
    const secrets = ['payload-secret', 'query-secret', 'path-secret', 'body-secret', 'endpoint-secret'];
    const as = service.as(user);
    await as
      .post('/v1/requests')
      .send({ type: 'secret', payload: { text: 'payload-secret' } })
      .expect(201);
    await as.get('/v1/requests?cursor=query-secret');
    await as.get('/v1/configurations/path-secret');
    await as.get('/nowhere/path-secret').expect(404);
    await as.post('/v1/requests').set('content-type', 'application/json').send('{"body-secret').expect(400);
    await as.post('/v1/requests').set('content-type', 'text/body-secret').send('body-secret').expect(415);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(200);
    const { headers } = await submit(user, { type: 'last' }).expect(201);
    await calls(headers.traceresponse.split('-')[1]);
    const all = collector.bodies.join('\n');
    for (const secret of [...secrets, user.key, admin.key, PASSWORD, user.email, TOKEN, database.url]) expect(all).not.toContain(secret);
    expect(collector.spans.filter(({ status }) => status.message !== undefined)).toEqual([]);
    expect(new Set(collector.headers.map(({ authorization, path }) => `${String(path)} ${String(authorization)}`))).toEqual(
      new Set([`/v1/traces Bearer ${TOKEN}`]),
    );
    expect(command.stdout).not.toContain(TOKEN);
  });

  it('cost nothing where they are off: no part of what makes them is loaded', async () => {
    const script = `process.env.NODE_ENV = 'test'; require('reflect-metadata');
      require('./dist/src/app.js').createApp({ preview: true }).then(() => {
        const of = (name) => Object.keys(require.cache).filter((file) => file.includes(name)).length;
        console.log(of('pino') > 0, of('@fastify/otel') + of('@opentelemetry/sdk') + of('@opentelemetry/exporter') + of('dist/src/tracing/'));
        process.exit();
      });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: join(__dirname, '..', '..') });
    expect(stdout).toBe('true 0\n');
  });

  it('that cannot be had as they are asked for keep the service from its start, by one line that names the variable', async () => {
    const wrong = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
      OTEL_TRACES_SAMPLER_ARG: '7',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_PROPAGATORS: 'b3',
      OTEL_EXPORTER_OTLP_HEADERS: TOKEN,
    };
    const { code, stderr } = await run(['serve'], environment(wrong));
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    for (const name of Object.keys(wrong)) expect(stderr).toContain(name);
    expect(stderr).not.toContain(TOKEN);
  });
});
