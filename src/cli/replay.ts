import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Command, InvalidArgumentError } from 'commander';
import { type AddressInfo } from 'node:net';
import { request } from 'undici';
import { Environment } from '../config/environment';
import { readEnvironment } from '../config/environment.module';
import { StartupError } from '../config/startup-error';
import { parseConnectionUrl } from '../database/connection-url';
import { nameOf } from '../database/server-probe';
import { FAILED } from './exit';
import { Progress } from './progress';
import { type AccessLog, readAccessLog } from './replay/access-log';
import { ensureClients, openServiceKey } from './replay/accounts';
import { describe, type ReplayReport, Tally } from './replay/report';
import { Submitter } from './replay/submitter';
import { withApp } from './with-app';

interface Options {
  quota: number;
  concurrency: number;
  url?: URL;
  json?: boolean;
  yes?: boolean;
}

export function register(program: Command): void {
  program
    .command('replay')
    .description('Replay an access log: a user per client address, a request per hit, over HTTP. A second replay of a file charges nothing.')
    .argument('<access log>', 'file in the combined format of Apache and nginx, packed by gzip or not; - for standard input')
    .option('--quota <units>', 'daily quota of each user', wholeNumber(0, 1_000_000_000), 5)
    .option('--concurrency <number>', 'requests under way at once', wholeNumber(1, 1_000), 32)
    .option('--url <url>', 'the service to submit to; default: the one that runs here on PORT, or else one of the command itself', serviceUrl)
    .option('--json', 'print the report as one line of JSON')
    .option('--yes', 'do it in production: an account is made for each client of the log')
    .action(async (file: string, options: Options) => {
      const log = await readAccessLog(file);
      await assertMeant(new Set(log.hits.map(({ client }) => client)).size, options.yes);
      const report = await withApp((app, stop) => replay(app, log, options, stop), { drains: true });
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
      // What a signal has set counts.
      if (report.failed > 0) process.exitCode ??= FAILED;
    });
}

/** Accounts are easily made and hard to be rid of. @throws StartupError that names the database */
async function assertMeant(accounts: number, isMeant = false): Promise<void> {
  const { environment } = await readEnvironment();
  if (environment.NODE_ENV !== 'production' || isMeant) return;
  const { servers, login } = parseConnectionUrl(environment.DATABASE_URL ?? 'postgres://localhost');
  const place = `${login.database ?? 'its database'} at ${servers.map(nameOf).join(', ')}`;
  throw new StartupError(`This makes up to ${accounts} accounts in ${place}, in production. Add --yes if that is meant.`);
}

async function replay(app: NestFastifyApplication, log: AccessLog, { quota, concurrency, url }: Options, stop: AbortSignal): Promise<ReplayReport> {
  const { hits } = log;
  const userIds = await ensureClients(app, [...new Set(hits.map(({ client }) => client))], quota);
  const { key, remove } = await openServiceKey(app);
  const progress = new Progress('Replaying');
  let submitter: Submitter | undefined;
  try {
    submitter = new Submitter(url ?? (await runningService(app, key)) ?? (await listen(app)), key, concurrency, stop);
    await submitter.assertKnown();
    const tally = new Tally();
    const startedAt = performance.now();
    let next = 0;
    let done = 0;
    const work = async (through: Submitter) => {
      for (let hit = hits[next++]; hit !== undefined && !stop.aborted; hit = hits[next++]) {
        const outcome = await through.submit(hit, userIds.get(hit.client) as number);
        if (outcome === null) return;
        tally.add(hit, outcome);
        progress.at(++done, hits.length);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, () => work(submitter as Submitter)));
    return tally.report(log, (performance.now() - startedAt) / 1_000, done < hits.length);
  } finally {
    progress.stop();
    await submitter?.close();
    await remove();
  }
}

/** The service on our PORT, if it works on our database: then it knows the key that we just made there. */
async function runningService(app: NestFastifyApplication, key: string): Promise<URL | null> {
  const { PORT: port, host } = app.get(Environment);
  const url = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}`;
  try {
    const { statusCode, body } = await request(`${url}/v1/users/me/quota`, { headers: { authorization: `Bearer ${key}` }, headersTimeout: 3_000 });
    await body.dump();
    return statusCode === 200 ? new URL(url) : null;
  } catch {
    return null;
  }
}

async function listen(app: NestFastifyApplication): Promise<URL> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return new URL(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

function serviceUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new InvalidArgumentError('It must be a URL, such as https://quota.example.com.');
}
