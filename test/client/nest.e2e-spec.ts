import { Body, Controller, Get, type INestApplication, Injectable, Module, ParseIntPipe, Post, Query, Res, UseGuards } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { CurrentCharge, Metered, type MeteredCharge, Quotidian, QuotidianGuard, QuotidianModule, type QuotidianOptions } from '../../packages/nest/src/index';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

@Injectable()
class NobodyGuard {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
class ChatController {
  handled = 0;

  @Post('chat')
  @Metered<IncomingMessage & { body: { max: number } }>({ type: 'chat', cost: ({ body }) => body.max })
  chat(@CurrentCharge() charge: MeteredCharge, @Body('used', ParseIntPipe) used: number) {
    this.handled++;
    charge.settle(used);
    return { charge: charge.id, userId: charge.userId };
  }

  @Get('fails')
  @Metered({ type: 'chat', cost: 3 })
  fail(): never {
    throw new Error('on purpose');
  }

  @Get('kept')
  @Metered({ type: 'chat', cost: 4, refundOn: 'never' })
  keep(): never {
    throw new Error('on purpose');
  }

  @Get('streamed')
  @Metered({ type: 'chat', cost: 1 })
  stream(@Res() response: ServerResponse & { raw?: ServerResponse; send(text: string): void }) {
    response.send('by itself');
  }

  @Get('forbidden')
  @Metered({ type: 'chat', cost: 5 })
  @UseGuards(NobodyGuard)
  forbidden() {
    return 'never';
  }

  @Get('free')
  free(@CurrentCharge() charge: MeteredCharge | undefined) {
    return { charged: charge !== undefined };
  }
}

@Controller('pages')
@UseGuards(QuotidianGuard)
@Metered({ type: 'page', cost: 2 })
class PagesController {
  @Get()
  page(@Query('n') n: string) {
    return { n };
  }
}

@Module({ controllers: [ChatController, PagesController] })
class OtherFeature {}

/** Another application of Nest, with no module of ours but the package. */
async function start(platform: 'express' | 'fastify', imports: ReturnType<typeof QuotidianModule.forRoot>[]): Promise<INestApplication> {
  const builder = await Test.createTestingModule({ imports: [...imports, OtherFeature] }).compile();
  const app = builder.createNestApplication<NestFastifyApplication>(platform === 'express' ? new ExpressAdapter() : new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

let service: Service;
beforeAll(async () => (service = await startService()));
afterAll(() => service.close());

describe.each(['express', 'fastify'] as const)('another Nest application, on %s, with QuotidianModule', (platform) => {
  let app: INestApplication;
  beforeAll(async () => {
    const { key } = await makeUser(service, { role: 'admin', scopes: ['worker'] });
    const useFactory = (): QuotidianOptions => ({ url: service.url, key });
    app = await start(platform, [QuotidianModule.forRootAsync({ useFactory })]);
  });
  afterAll(() => app.close());

  const call = async (path: string, user?: TestUser, body?: object, of = app) => {
    const headers = { ...(user && { authorization: `Bearer ${user.key}` }), ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(`${await of.getUrl()}${path}`, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  };
  const used = async (user: TestUser) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.used as number;
  const settled = (user: TestUser, units: number) => eventually(async () => (await used(user)) === units);

  it('charges before a handler, and settles what the handler stated', async () => {
    const user = await makeUser(service);
    const { status, headers, body } = await call('/chat', user, { max: 10, used: 4 });
    expect([status, JSON.parse(body).userId]).toEqual([201, user.id]);
    expect(headers.get('ratelimit')).toMatch(/^"daily";r=90;/);
    await settled(user, 4);
    const { body: charge } = await service
      .as(user)
      .get(`/v1/requests/${JSON.parse(body).charge}`)
      .expect(200);
    expect(charge).toMatchObject({ type: 'chat', status: 'succeeded', cost: 10, refundedUnits: 6 });
  });

  it('answers who cannot pay as Quotidian does, and does not run the handler', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    const { handled } = app.get(ChatController);
    const refused = await call('/chat', user, { max: 6, used: 1 });
    const unknown = await call('/chat', undefined, { max: 1, used: 1 });
    expect([refused.status, unknown.status, app.get(ChatController).handled]).toEqual([429, 401, handled]);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(refused.body)).toMatchObject({ status: 429, code: 'cost-exceeds-quota', requested: 6, limit: 5 });
    expect(JSON.parse(unknown.body)).toMatchObject({ status: 401, code: 'credentials-missing' });
    expect(unknown.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(await used(user)).toBe(0);
  });

  it('gives units back when a handler fails or validation refuses the body, and keeps them where that is asked for', async () => {
    const user = await makeUser(service);
    expect((await call('/fails', user)).status).toBe(500);
    await settled(user, 0);
    expect((await call('/chat', user, { max: 2, used: 'none' })).status).toBe(400);
    await settled(user, 0);
    expect((await call('/kept', user)).status).toBe(500);
    await settled(user, 4);
  });

  it('charges once though the guard is registered twice, after the guards below it, and what answers by itself too', async () => {
    const user = await makeUser(service);
    expect(await call('/streamed', user)).toMatchObject({ status: 200, body: 'by itself' });
    await settled(user, 1);
    expect((await call('/pages?n=1', user)).status).toBe(200);
    await settled(user, 3);
    expect((await call('/forbidden', user)).status).toBe(403);
    expect(await call('/free')).toMatchObject({ status: 200, body: '{"charged":false}' });
    const kept = await service.sql<{ type: string }>('SELECT type FROM requests WHERE user_id = $1 ORDER BY id', [user.id]);
    expect(kept.map(({ type }) => type)).toEqual(['chat', 'page']);
  });

  it('charges for good without a key of its own, and lets pass or refuses while Quotidian is away', async () => {
    const user = await makeUser(service);
    const keyless = await start(platform, [QuotidianModule.forRoot({ url: service.url })]);
    const lenient = await start(platform, [QuotidianModule.forRoot({ url: 'http://127.0.0.1:9', retries: { max: 0 }, whenUnavailable: 'allow' })]);
    const strict = await start(platform, [QuotidianModule.forRoot({ url: 'http://127.0.0.1:9', retries: { max: 0 } })]);
    expect((await call('/pages?n=1', user, undefined, keyless)).status).toBe(200);
    expect(await used(user)).toBe(2);
    expect((await call('/pages?n=1', user, undefined, lenient)).status).toBe(200);
    const refused = await call('/pages?n=1', user, undefined, strict);
    expect([refused.status, refused.headers.get('retry-after'), await used(user)]).toEqual([503, '1', 2]);
    expect(() => keyless.get(Quotidian).client).toThrow('QuotidianModule was given no key');
    await Promise.all([keyless, lenient, strict].map((other) => other.close()));
  });
});
