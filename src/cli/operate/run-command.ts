import { StartupError } from '../../config/startup-error';
import { confirm } from '../confirm';
import { readSecret } from '../read-secret';
import { type Answer, type Call, type Caller, targetOf } from './callers';
import { type OperatorCommand } from './command-table';
import { flagNameOf } from './flags';
import { type Operation } from './operations';
import { itemsOf, shown } from './show';

/** What one call of a command was given. */
export interface Given {
  /** As it was called, without flags. */
  title: string;
  values: Record<string, unknown>;
  flags: { service?: URL; keyFile?: string; json?: boolean; yes?: boolean; all?: boolean };
}

/** Makes the call, and prints what came of it. @throws StartupError with what the service refused */
export async function runCommand(command: OperatorCommand, operation: Operation, { title, values, flags }: Given): Promise<void> {
  const target = await targetOf(flags);
  if (command.hurts !== undefined && values.dryRun !== true) await confirm(`${title} ${command.hurts}, on ${target.place}.`, flags.yes);
  if (command.secret !== undefined) values[command.secret] = await readSecret(`${command.secret}: `);
  await target.lend(async (caller) => {
    const call = await callOf(command, operation, values, caller);
    const print = (body: unknown) => process.stdout.write(flags.json ? `${JSON.stringify(body)}\n` : shown(body, command.columns));
    if (flags.all) return printAll(caller, call, flags.json ? (items) => items.forEach(print) : (items) => print({ items }));
    const { body } = assertDone(await caller(call), operation, command.argument);
    print(body);
    const next = (body as { nextCursor?: string | null } | null)?.nextCursor;
    if (next && !flags.json) process.stdout.write(`There are more: --all, or --cursor ${next}\n`);
  });
}

async function printAll(caller: Caller, call: Call, print: (items: Record<string, unknown>[]) => void): Promise<void> {
  const url = new URL(call.path, 'http://any');
  for (let cursor: string | null = ''; cursor !== null;) {
    if (cursor !== '') url.searchParams.set('cursor', cursor);
    const { body } = assertDone(await caller({ ...call, path: `${url.pathname}${url.search}` }));
    const items = itemsOf(body) ?? [];
    if (items.length > 0) print(items);
    cursor = (body as { nextCursor?: string | null }).nextCursor ?? null;
  }
}

async function callOf(command: OperatorCommand, { method, path, parameters, body }: Operation, values: Record<string, unknown>, caller: Caller): Promise<Call> {
  const given = { ...values };
  if (typeof given.userId === 'string') given.userId = await userIdOf(given.userId, caller);
  const query = new URLSearchParams();
  const headers: Record<string, string> = { ...command.headers };
  let filled = path;
  for (const { name, in: place } of parameters) {
    const value = given[place === 'header' ? 'ifMatch' : name];
    if (value === undefined || (place === 'header' && name !== 'If-Match')) continue;
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(asText(value)));
    else if (place === 'header') headers['if-match'] = asText(value);
    else if (typeof value === 'object' && value !== null) for (const [member, part] of Object.entries(value)) query.set(`${name}[${member}]`, asText(part));
    else query.set(name, asText(value));
  }
  const members = Object.keys(body).filter((name) => given[name] !== undefined);
  const sent = { ...Object.fromEntries(members.map((name) => [name, name === 'userId' ? Number(given[name]) : given[name]])), ...command.sends };
  const search = query.size > 0 ? `?${query.toString()}` : '';
  return { method, path: `${filled}${search}`, headers, ...(Object.keys(body).length > 0 ? { body: sent } : {}) };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** By an id, an e-mail address, or `external:<id>`. @throws StartupError when there is none */
async function userIdOf(named: string, caller: Caller): Promise<string> {
  const external = /^external:(.+)$/s.exec(named)?.[1];
  if (external === undefined && !named.includes('@')) return named;
  const query = new URLSearchParams(external === undefined ? { email: named } : { externalId: external });
  for (let cursor: string | null = ''; cursor !== null;) {
    if (cursor !== '') query.set('cursor', cursor);
    const { body } = assertDone(await caller({ method: 'GET', path: `/v1/users?${query.toString()}` }));
    const [user] = itemsOf(body) ?? [];
    if (user !== undefined) return String(user.id);
    cursor = (body as { nextCursor?: string | null }).nextCursor ?? null;
  }
  throw new StartupError(`there is no user ${named}.`);
}

interface Refusal {
  detail?: string;
  title?: string;
  errors?: { pointer: string; detail: string }[];
}

function assertDone(answer: Answer, { body }: Pick<Operation, 'body'> = { body: {} }, argument?: string): Answer {
  const { status } = answer;
  if (status < 300) return answer;
  const { detail, title, errors = [] } = (answer.body ?? {}) as Refusal;
  const places = errors.map(({ pointer, detail: wrong }) => {
    const [, member = '', ...deeper] = pointer.split('/');
    const name = member === argument ? `<${member}>` : member in body ? `--${flagNameOf(member)}` : member;
    return `${[name, ...deeper].filter(Boolean).join('/')} ${wrong}`.trim();
  });
  throw new StartupError(places.length > 0 ? `${places.join('; ')}.` : (detail ?? title ?? `the service answered ${status}.`));
}
