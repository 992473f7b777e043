import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const FOLDER = join(__dirname, '../../docs/errors');
const CODES = readdirSync(FOLDER)
  .map((name) => name.replace(/\.md$/, ''))
  .filter((name) => name !== 'README');
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('the page of a problem', () => {
  let service: Service;
  beforeAll(async () => (service = await startService()));
  afterAll(() => service.close());

  it('stands at the `type` of the problem: a refused registration leads to it', async () => {
    const { email } = await makeUser(service);
    const refusal = await service.as().post('/v1/auth/register').send({ email, password: 'correct horse battery' }).expect(409);
    expect(refusal.body).toMatchObject({ code: 'email-taken', type: '/errors/email-taken' });
    const { text } = await service.as().get(refusal.body.type).expect(200);
    expect(text).toBe(readFileSync(join(FOLDER, 'email-taken.md'), 'utf8'));
  });

  it('leaves the `type` that a registry defines where it is, and is found by the code all the same', async () => {
    const user = await makeUser(service, { dailyQuota: 0 });
    const refusal = await service.as(user).post('/v1/requests').send({ type: 'report' }).expect(429);
    expect(refusal.body.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
    const { text } = await service.as().get(`/errors/${refusal.body.code}`).expect(200);
    expect(text).toContain(refusal.body.type);
  });

  it('is there for every code, as Markdown for programs and as HTML for browsers, for anybody', async () => {
    expect(CODES.length).toBeGreaterThan(50);
    for (const code of CODES) {
      const markdown = await service.as().get(`/errors/${code}`).expect(200).expect('content-type', 'text/markdown; charset=utf-8');
      expect(markdown.text).toContain(`# ${code}`);
      const html = await service.as().get(`/errors/${code}`).set('accept', BROWSER).expect(200).expect('content-type', 'text/html; charset=utf-8');
      expect(html.text).toContain(`<h1>${code}</h1>`);
      expect(html.text).toContain('<table>');
      for (const { headers } of [markdown, html]) expect(headers).toMatchObject({ vary: 'Accept', 'cache-control': 'public, max-age=300' });
    }
  });

  it('is no way to another file: what is no code is 404, with a problem', async () => {
    for (const name of ['no-such-code', 'README', '..%2F..%2Fpackage.json', '%2e%2e%2fREADME', 'email-taken.md', '%00', 'constructor', '__proto__']) {
      const { status, body } = await service.as().get(`/errors/${name}`);
      expect([name, status, body.code, body.type]).toEqual([name, 404, 'not-found', '/errors/not-found']);
    }
  });

  it('is asked for with HEAD too, and with no other method', async () => {
    await service.as().head('/errors/not-found').expect(200);
    const { body } = await service.as().post('/errors/not-found').expect(405).expect('allow', /GET/);
    expect(body.type).toBe('/errors/method-not-allowed');
  });
});

describe('a base that the operator sets', () => {
  it('is where the type of a problem points, wherever the problem is made', async () => {
    const service = await startService({ environment: { PROBLEM_TYPE_BASE: 'https://docs.example.com/errors' } });
    try {
      const at = (code: string) => `https://docs.example.com/errors/${code}`;
      const user = await makeUser(service);
      const [route, body, item, gateway] = await Promise.all([
        service.as().get('/v1/nothing'),
        service.as(user).post('/v1/requests').set('content-type', 'application/json').send('{'),
        service
          .as(user)
          .post('/v1/requests/batch')
          .send({ items: [{ type: 'NO' }] }),
        service.as().get('/v1/authorize?denyStatus=403'),
      ]);
      expect(route.body.type).toBe(at('not-found'));
      expect(body.body.type).toBe(at('malformed-json'));
      expect(item.body.items[0].problem.type).toBe(at('validation-failed'));
      expect(gateway.body).toMatchObject({ status: 403, code: 'credentials-missing', type: at('credentials-missing') });
      await service.as().get('/errors/not-found').expect(200);
    } finally {
      await service.close();
    }
  });
});
