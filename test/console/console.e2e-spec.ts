import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { type Replica, type Service, startReplica, startService } from '../support/service';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const SCRIPT = `console.log('${'x'.repeat(2_000)}');`;
const INDEX = '<!doctype html><html><head><script type="module" src="./assets/app-abc123.js"></script></head><body></body></html>';

const DECODE: Record<string, (body: Buffer) => Buffer> = { br: brotliDecompressSync, gzip: gunzipSync, identity: (body) => body };

/** The answer as it is on the wire: nothing decoded, and the path as it is given. */
function fetched(url: string, path: string, headers: Record<string, string> = {}): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    httpGet({ hostname, port, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
    }).on('error', reject);
  });
}

/** What a build leaves. */
function makeBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-console-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), INDEX);
  writeFileSync(join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  const script = join(folder, 'assets/app-abc123.js');
  writeFileSync(script, SCRIPT);
  writeFileSync(`${script}.br`, brotliCompressSync(SCRIPT));
  writeFileSync(`${script}.gz`, gzipSync(SCRIPT));
  return folder;
}

describe('the console', () => {
  let folder: string;
  let service: Service;
  const others: Replica[] = [];
  beforeAll(async () => {
    folder = makeBuild();
    service = await startService({ environment: { CONSOLE_DIR: folder, TRUST_PROXY: '127.0.0.1' } });
  });
  afterAll(async () => {
    await Promise.all(others.map((replica) => replica.close()));
    await service.close();
    rmSync(folder, { recursive: true });
  });

  const get = (path: string, headers: Record<string, string> = {}, replica: Replica = service) => replica.as().get(path).set(headers);
  const replicaWith = async (environment: object) => {
    const replica = await startReplica(service.databaseUrl, environment);
    others.push(replica);
    return replica;
  };

  it('is where browsers are led to from /, and nobody else', async () => {
    const { headers } = await get('/', { accept: BROWSER }).expect(302);
    expect([headers.location, headers.vary]).toEqual(['/console/', 'Accept']);
    await get('/', { accept: 'application/json' }).expect(404);
    await get('/').expect(404);
    expect((await get('/console').expect(308)).headers.location).toBe('/console/');
  });

  it.each(['/console/', '/console/users/12', '/console/users/a.b@example.com?tab=keys', '/console/%00', '/console/..%2f..%2fpackage.json'])(
    'shows its page at %s, with the policy of pages',
    async (path) => {
      const { headers, text } = await get(path).expect(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['cache-control']).toBe('no-cache');
      expect(headers['content-security-policy']).toBe(POLICY);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(text).toContain('src="/console/assets/app-abc123.js"');
      await get(path, { 'if-none-match': headers.etag }).expect(304);
    },
  );

  it('keeps that policy from every other answer', async () => {
    for (const path of ['/health/live', '/consoles', '/v1/nothing']) {
      expect((await get(path)).headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
    }
  });

  it.each(['br', 'gzip', 'identity'])('sends its files %s as they were built, for ever', async (encoding) => {
    const asked = { 'accept-encoding': encoding };
    const { headers, body } = await fetched(service.url, '/console/assets/app-abc123.js', asked);
    expect(headers['content-encoding']).toBe(encoding === 'identity' ? undefined : encoding);
    expect(headers['content-type']).toMatch(/^(text|application)\/javascript/);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers.vary).toMatch(/accept-encoding/i);
    expect(headers['content-security-policy']).toBe(POLICY);
    expect(String(DECODE[encoding](body))).toBe(SCRIPT);
    await get('/console/assets/app-abc123.js', { ...asked, 'if-none-match': headers.etag as string }).expect(304);
  });

  it('has files without a hash asked for again, and no file of another release', async () => {
    expect((await get('/console/favicon.svg').expect(200)).headers['cache-control']).toBe('public, max-age=3600');
    const { body, headers } = await get('/console/assets/app-0ld.js').expect(404);
    expect([body.code, headers['cache-control']]).toEqual(['not-found', 'no-store']);
  });

  it('sends nothing that is beside the build, however it is asked for', async () => {
    for (const path of [
      '/console/../package.json',
      '/console/assets/../../package.json',
      '/console//etc/passwd',
      '/console/..%5cpackage.json',
      '/console/%2e%2e/package.json',
    ]) {
      expect(String((await fetched(service.url, path)).body)).not.toMatch(/"name"|root:/);
    }
  });

  it('stands below the prefix that a trusted proxy reports, and below none that cannot be one', async () => {
    expect((await get('/', { accept: BROWSER, 'x-forwarded-prefix': '/quotas' }).expect(302)).headers.location).toBe('/quotas/console/');
    const { text } = await get('/console/users', { 'x-forwarded-prefix': '/quotas/' }).expect(200);
    expect(text).toContain('src="/quotas/console/assets/app-abc123.js"');
    expect(text).toContain('<meta name="base-path" content="/quotas" />');
    for (const prefix of ['//evil.example', '/"><script>', 'https://evil.example', '/a/../b']) {
      expect((await get('/console/', { 'x-forwarded-prefix': prefix }).expect(200)).text).toContain('src="/console/assets');
    }
  });

  it('stands below BASE_PATH, whether the proxy leaves it in place or not, and believes nobody else', async () => {
    const replica = await replicaWith({ CONSOLE_DIR: folder, BASE_PATH: '/quotas/', TRUST_PROXY: '' });
    for (const path of ['/quotas/console/users', '/console/users']) {
      expect((await get(path, { 'x-forwarded-prefix': '/evil' }, replica).expect(200)).text).toContain('src="/quotas/console/assets/app-abc123.js"');
    }
    for (const path of ['/quotas', '/quotas/']) expect((await get(path, { accept: BROWSER }, replica).expect(302)).headers.location).toBe('/quotas/console/');
    await get('/quotas/console/favicon.svg', {}, replica).expect(200);
    await get('/quotasconsole/', {}, replica).expect(404);
  });

  it('is gone with CONSOLE_ENABLED=false', async () => {
    const replica = await replicaWith({ CONSOLE_DIR: folder, CONSOLE_ENABLED: false });
    for (const path of ['/', '/console', '/console/', '/console/assets/app-abc123.js']) await get(path, { accept: BROWSER }, replica).expect(404);
  });

  it('states what to do where it was not built', async () => {
    const replica = await replicaWith({ CONSOLE_DIR: join(folder, 'assets') });
    const { text, headers } = await get('/console/', {}, replica).expect(503);
    expect(text).toContain('npm run console:build');
    expect([headers['cache-control'], headers['content-security-policy']]).toEqual(['no-store', POLICY]);
    await get('/console/assets/app-abc123.js', {}, replica).expect(404);
  });
});
