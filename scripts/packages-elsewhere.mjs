// `npm run packages:try`: packs packages/client and packages/nest and installs them where others do, in folders of their own: strict TypeScript projects with
// Nest 11 and with Nest 12, which boot on Express and on Fastify and charge a call; Node by import and by require; Deno and Bun. Fetches from the registry.
// With names (`nest11 nest12 node deno bun`) only those.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const TSC = join(ROOT, 'node_modules/typescript7/bin/tsc');
const RUNTIMES = { deno: 'deno@2.9.6', bun: 'bun@1.4.5' };
const asked = process.argv.slice(2);
const where = mkdtempSync(join(tmpdir(), 'quotidian-packages-'));
let failed = false;

const archives = ['client', 'nest'].map((name) => {
  const { stdout, status } = spawnSync('npm', ['pack', '--json', '--pack-destination', where], { cwd: join(ROOT, 'packages', name), encoding: 'utf8' });
  if (status !== 0) throw new Error(`packages/${name} cannot be packed`);
  return join(where, JSON.parse(stdout)[0].filename);
});

// What is tried here is the packages, not the service: it admits whom it knows, as the service does.
const service = createServer((request, response) => {
  request.resume();
  if (request.headers.authorization !== 'Bearer known') return void response.writeHead(401, { 'content-type': 'application/problem+json' }).end(PROBLEM);
  if (request.url === '/v1/authorize') return void response.writeHead(204, { 'x-user-id': '7', 'x-charge-id': 'charge', ratelimit: '"daily";r=4;t=9' }).end();
  response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"submitted"}');
});
const PROBLEM = JSON.stringify({ type: '/errors/credentials-missing', title: 'x', status: 401, detail: 'x', code: 'credentials-missing' });
await new Promise((resolve) => service.listen(0, '127.0.0.1', () => resolve(undefined)));
const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (service.address()).port}`;

async function elsewhere(name, attempt) {
  if (asked.length > 0 && !asked.includes(name)) return;
  try {
    await attempt();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED  ${name}\n${error.message}`);
  }
}

async function run(cwd, command, args, environment = {}) {
  const options = { cwd, encoding: /** @type {const} */ ('utf8'), timeout: 600_000, env: { ...process.env, ...environment } };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stdout}${stderr}`)) : resolve(stdout.trim())));
  });
}

function folder(name, files) {
  const path = join(where, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), typeof text === 'string' ? text : JSON.stringify(text));
  return path;
}

function expectEqual(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}\ngot      ${actual}`);
}

async function runtime(name, command, ...args) {
  const rest = `const { data } = await createClient({ baseUrl: process.env.URL, apiKey: 'known' }).POST('/v1/requests', { body: { type: 'x' } });
    const refused = await createClient({ baseUrl: process.env.URL, apiKey: 'unknown' }).GET('/v1/requests').catch((error) => error instanceof ProblemError && error.code);
    console.log(data.id, refused);`;
  const cwd = folder(name, {
    'package.json': { private: true },
    'esm.mjs': `import { createClient, ProblemError } from '@quotidian/client'; import process from 'node:process'; ${rest}`,
    'required.cjs': `const { createClient, ProblemError } = require('@quotidian/client'); (async () => { ${rest} })();`,
  });
  await run(cwd, 'npm', ['install', '--silent', '--no-audit', '--no-fund', archives[0]]);
  for (const file of ['esm.mjs', 'required.cjs']) expectEqual(await run(cwd, command, [...args, file], { URL: url }), 'submitted credentials-missing');
}

async function nest(major) {
  const cwd = folder(`nest${major}`, {
    'package.json': { private: true },
    'tsconfig.json': {
      compilerOptions: {
        ...{ module: 'nodenext', target: 'es2022', strict: true, experimentalDecorators: true, emitDecoratorMetadata: true },
        ...{ types: ['node'], outDir: 'dist', rootDir: '.', exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
      },
      include: ['main.ts'],
    },
    'main.ts': NEST_APPLICATION,
  });
  const packages = ['common', 'core', 'platform-express', 'platform-fastify'].map((name) => `@nestjs/${name}@${major}`);
  await run(cwd, 'npm', [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    ...archives,
    ...packages,
    'reflect-metadata',
    'rxjs@7',
    '@types/node@20',
    '@types/express@5',
  ]);
  await run(cwd, process.execPath, [TSC, '-p', '.']);
  expectEqual(await run(cwd, process.execPath, ['dist/main.js'], { URL: url, KEY: 'known' }), 'express 200 7 401\nfastify 200 7 401');
}

const NEST_APPLICATION = `
import 'reflect-metadata';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CurrentCharge, Metered, type MeteredCharge, QuotidianModule } from '@quotidian/nest';

@Controller()
class Answers {
  @Get()
  @Metered({ type: 'answer', cost: 2 })
  answer(@CurrentCharge() charge: MeteredCharge) {
    charge.settle(1);
    return String(charge.userId);
  }
}

@Module({ imports: [QuotidianModule.forRoot({ url: process.env.URL!, key: process.env.KEY })], controllers: [Answers] })
class Application {}

async function answers(name: string, app: INestApplication) {
  await app.listen(0, '127.0.0.1');
  const passed = await fetch(await app.getUrl(), { headers: { authorization: 'Bearer known' } });
  const refused = await fetch(await app.getUrl());
  console.log(name, passed.status, await passed.text(), refused.status);
  await app.close();
}

async function main() {
  await answers('express', await NestFactory.create(Application, new ExpressAdapter(), { logger: false }));
  await answers('fastify', await NestFactory.create(Application, new FastifyAdapter(), { logger: false }));
  process.exit(0);
}
void main();
`;

try {
  for (const major of [11, 12]) await elsewhere(`nest${major}`, () => nest(major));
  await elsewhere('node', () => runtime('node', process.execPath));
  for (const [name, packageName] of Object.entries(RUNTIMES))
    await elsewhere(name, () => runtime(name, 'npx', '--yes', packageName, 'run', ...(name === 'deno' ? ['-A'] : [])));
} finally {
  service.close();
  rmSync(where, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
