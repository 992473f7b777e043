import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AddressInfo } from 'node:net';
import { request } from 'undici';
import { Environment } from '../../config/environment';
import { Progress } from '../progress';
import { type AccessLog } from './access-log';
import { Checkpoint } from './checkpoint';
import { ensureClients, openServiceKey } from './accounts';
import { type ReplayReport, Tally } from './report';
import { type Outcome, Submitter } from './submitter';

export interface ReplayOptions {
  /** Units a day of each client. */
  quota: number;
  /** Requests under way at once. */
  concurrency: number;
  url?: URL;
  /** A file that remembers how far it came. */
  checkpoint?: string;
}

/** Submits every hit of the log over HTTP, on behalf of a user per client. What it made for itself is removed, also when it is stopped half way. */
export async function replay(
  app: NestFastifyApplication,
  log: AccessLog,
  { quota, concurrency, url, checkpoint: file }: ReplayOptions,
  stop: AbortSignal,
): Promise<ReplayReport> {
  const checkpoint = file === undefined ? null : Checkpoint.open(file, log.hits);
  const hits = checkpoint?.hits ?? log.hits;
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
      for (let at = next++, hit = hits[at]; hit !== undefined && !stop.aborted; at = next++, hit = hits[at]) {
        const outcome = await through.submit(hit, userIds.get(hit.client) as number);
        if (outcome === null) return;
        tally.add(hit, outcome);
        if (isAnswered(outcome)) checkpoint?.done(at);
        progress.at(++done, hits.length);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, () => work(submitter as Submitter)));
    return tally.report(log, log.hits.length - hits.length, (performance.now() - startedAt) / 1_000, done < hits.length);
  } finally {
    progress.stop();
    await submitter?.close();
    await remove();
    checkpoint?.save();
  }
}

/** For good: whatever else it was, the next replay tries it again. */
function isAnswered({ status }: Outcome): boolean {
  return status === 201 || status === 429;
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
