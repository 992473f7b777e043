import { readFile } from 'node:fs/promises';
import { StartupError } from '../../config/startup-error';
import { placeOfDatabase } from '../place-of-database';
import { serviceUrl } from '../service-url';

export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface Answer {
  status: number;
  /** Null where there is none. */
  body: unknown;
}

/** Calls the service: over HTTP, or the same application here, straight on the database. */
export type Caller = (call: Call) => Promise<Answer>;

/** Where commands work. */
export interface Target {
  /** As people are shown it: a URL, or a database with its servers. */
  place: string;
  lend<T>(work: (caller: Caller) => Promise<T>): Promise<T>;
}

export interface TargetOptions {
  service?: URL;
  keyFile?: string;
}

/** By `--service` or QUOTIDIAN_URL over HTTP, otherwise straight on the database of the environment. @throws StartupError */
export async function targetOf({ service, keyFile }: TargetOptions): Promise<Target> {
  const given = process.env.QUOTIDIAN_URL;
  const base = service ?? (given ? urlOf(given) : null);
  if (base !== null) return overHttp(base, await keyOf(keyFile));
  if (keyFile !== undefined) throw new StartupError('--key-file is for a service over HTTP: name it by QUOTIDIAN_URL or --service.');
  return { place: await placeOfDatabase(), lend: onDatabase };
}

async function onDatabase<T>(work: (caller: Caller) => Promise<T>): Promise<T> {
  const [{ withApp }, { Credentials }] = await Promise.all([import('../with-app.js'), import('../../auth/credentials.js')]);
  return withApp(async (app) => {
    const authorization = app.get(Credentials).openForCommand();
    await app.getHttpAdapter().getInstance().ready();
    return work(async ({ method, path, headers, body }) => {
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const answer = await app.inject({ method: method as 'GET', url: path, headers: { authorization, ...type, ...headers }, payload });
      return { status: answer.statusCode, body: parsed(answer.payload, 'The application', answer.statusCode) };
    });
  });
}

function overHttp(url: URL, key: string): Target {
  const base = url.href.replace(/\/$/, '');
  const call: Caller = async ({ method, path, headers, body }) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    try {
      const answer = await fetch(`${base}${path}`, {
        method,
        redirect: 'manual',
        headers: { authorization: `Bearer ${key}`, ...type, ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: answer.status, body: parsed(await answer.text(), base, answer.status) };
    } catch (error) {
      if (error instanceof StartupError) throw error;
      const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
      const unknown = method === 'GET' ? '' : ' Whether it was done is not known: look before you repeat it.';
      throw new StartupError(`${base} cannot be reached (${code ?? message}).${unknown}`);
    }
  };
  return { place: base, lend: (work) => work(call) };
}

function parsed(text: string, from: string, status: number): unknown {
  try {
    return text === '' ? null : (JSON.parse(text) as unknown);
  } catch {
    throw new StartupError(`${from} does not answer as Quotidian does (status ${status}): is that the service's own URL?`);
  }
}

/** @throws StartupError for what is no URL of a service */
function urlOf(text: string): URL {
  try {
    return serviceUrl(text);
  } catch (error) {
    throw new StartupError(`QUOTIDIAN_URL cannot be used. ${(error as Error).message}`);
  }
}

/** A key never stands in an argument, which every process of the machine can read. */
async function keyOf(file: string | undefined): Promise<string> {
  const name = file === undefined ? 'QUOTIDIAN_API_KEY' : `--key-file ${file}`;
  const content = file === undefined ? process.env.QUOTIDIAN_API_KEY : await readFile(file, 'utf8').catch(unreadable(file));
  const key = (content ?? '').trim();
  if (key === '')
    throw new StartupError(
      file === undefined ? 'QUOTIDIAN_API_KEY is not set: put an API key there, or in a file that --key-file names.' : `${name} is empty.`,
    );
  if (!/^[\x21-\x7e]{1,8192}$/.test(key)) throw new StartupError(`${name} holds something else than one API key.`);
  return key;
}

function unreadable(file: string) {
  return (error: Error): never => {
    throw new StartupError(`--key-file ${file} cannot be read: ${error.message}.`);
  };
}
