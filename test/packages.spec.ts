import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import * as ts from 'typescript';
import type * as client from '../packages/client/src/index';

const CLIENT = join(__dirname, '../packages/client');
/** What browsers, Deno, Bun and edge runtimes have; nothing of Node's beside. */
const WEB = ['AbortController', 'AbortSignal', 'Headers', 'Request', 'Response', 'TextDecoder', 'TextDecoderStream', 'TextEncoder', 'URL', 'URLSearchParams'];
const TIMERS = { setTimeout, clearTimeout, queueMicrotask, fetch, crypto, performance };
const NEST = join(__dirname, '../packages/nest');
/** Of all of it as it is shipped, and of a bundle for browsers, with openapi-fetch in it. */
const MAX_GZIP_BYTES = 12_000;
const MAX_BUNDLE_GZIP_BYTES = 11_000;

// npm and compilers run in it, however busy the machine is.
jest.setTimeout(180_000);

const sources = readdirSync(join(CLIENT, 'src'));
const compiled = new Map(
  sources.map((name) => [
    name.replace('.ts', ''),
    ts.transpileModule(readFileSync(join(CLIENT, 'src', name), 'utf8'), { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } })
      .outputText,
  ]),
);

describe('the client as a package', () => {
  it('loads where there is nothing but the web platform, and submits there', async () => {
    const sent: string[] = [];
    const answer = (request: Request) => {
      sent.push(`${request.method} ${new URL(request.url).pathname}`);
      return Promise.resolve(Response.json({ id: 'x' }, { status: 201 }));
    };
    const web = Object.fromEntries(WEB.map((name) => [name, (globalThis as Record<string, unknown>)[name]]));
    const context = createContext({ ...web, ...TIMERS, ...{ exports: {} } });
    const loaded = new Map<string, object>();
    const load = (name: string): object => {
      if (name === 'openapi-fetch') return createRequire(join(CLIENT, 'package.json'))('openapi-fetch') as object;
      const text = compiled.get(name.replace('./', ''));
      if (text === undefined) throw new Error(`${name} is nothing that a browser has`);
      const known = loaded.get(name);
      if (known !== undefined) return known;
      const exports = {};
      loaded.set(name, exports);
      (new Script(`(exports, require) => { ${text}\n }`).runInContext(context) as (exports: object, require: typeof load) => void)(exports, load);
      return exports;
    };
    const { createClient, createWorker, meterExpress } = load('./index') as Pick<typeof client, 'createClient' | 'createWorker' | 'meterExpress'>;
    const submitting = createClient({ baseUrl: 'https://quotidian.test', apiKey: 'k', fetch: answer });
    const { data } = await submitting.POST('/v1/requests', { body: { type: 'x' } });
    expect([data.id, sent]).toEqual(['x', ['POST /v1/requests']]);
    expect([typeof createWorker, typeof meterExpress]).toEqual(['function', 'function']);
  });

  it('is small', () => {
    // The fake service is an entry of its own, which only tests load.
    const shipped = [...compiled].filter(([name]) => name !== 'schema' && !isForTests(name)).map(([, text]) => text);
    expect(shipped.join('\n')).not.toMatch(/require\("\.\/(testing|fake-)/);
    expect(gzipSync(shipped.join('\n')).length).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('is built when it is packed, so that nobody ships it empty', () => {
    const packed = packedOf(CLIENT);
    for (const name of compiled.keys()) expect(packed).toContain(`dist/${name}.js`);
    expect(packed).toContain('dist/index.d.ts');
    expect(packed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([]);
  });

  it.each([
    [
      'import',
      '--input-type=module',
      `import { createClient, createWorker, ProblemError } from '@quotidian/client'; import { FakeQuotidian } from '@quotidian/client/testing';`,
    ],
    [
      'require',
      '--input-type=commonjs',
      `const { createClient, createWorker, ProblemError } = require('@quotidian/client'); const { FakeQuotidian } = require('@quotidian/client/testing');`,
    ],
  ])('is there by its names for %s in Node', (_, type, load) => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [type, '-e', `${load} console.log([createClient, createWorker, ProblemError, FakeQuotidian].map((one) => typeof one).join(' '))`],
      {
        cwd: CLIENT,
        encoding: 'utf8',
      },
    );
    expect([stdout, stderr]).toEqual(['function function function function\n', '']);
  });

  it('becomes a bundle for browsers by esbuild, without anything of Node, and a small one', () => {
    const esbuild = createRequire(__filename).resolve('esbuild/bin/esbuild');
    const options = ['--bundle', '--platform=browser', '--format=esm', '--minify', '--log-level=warning'];
    const input = `export { createClient, followRequest } from '@quotidian/client';`;
    const { stdout, stderr, status } = spawnSync(esbuild, options, { cwd: CLIENT, encoding: 'utf8', input });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).not.toMatch(/node:|require\(/);
    expect(gzipSync(stdout).length).toBeLessThan(MAX_BUNDLE_GZIP_BYTES);
  });
});

describe('the package for Nest', () => {
  it('is built when it is packed, with the client that it stands on, and small', () => {
    const packed = packedOf(NEST);
    const names = readdirSync(join(NEST, 'src')).map((name) => name.replace('.ts', ''));
    for (const name of names) expect(packed).toEqual(expect.arrayContaining([`dist/${name}.js`, `dist/${name}.d.ts`]));
    const shipped = names.map((name) => readFileSync(join(NEST, 'dist', `${name}.js`), 'utf8'));
    expect(gzipSync(shipped.join('\n')).length).toBeLessThan(MAX_GZIP_BYTES / 2);
    const { dependencies } = JSON.parse(readFileSync(join(NEST, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const { version } = JSON.parse(readFileSync(join(CLIENT, 'package.json'), 'utf8')) as { version: string };
    expect(dependencies).toEqual({ '@quotidian/client': version });
  });
});

const isForTests = (name: string): boolean => name === 'testing' || name.startsWith('fake-');

/** The paths that an archive would have. */
function packedOf(cwd: string): string[] {
  const { stdout, status } = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd, encoding: 'utf8' });
  expect(status).toBe(0);
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}
