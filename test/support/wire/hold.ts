import { type ValidateFunction } from 'ajv';
import { type Server } from 'node:http';
import { type WireAnswer, watchAnswers } from './answers';
import { type DocumentedResponse, type Operation, WireDocument } from './document';
import { keepExample } from './examples';

/** What connections have, not answers. */
const TRANSPORT = new Set(['date', 'connection', 'keep-alive', 'content-length', 'content-type', 'transfer-encoding']);
/** Pages and the document itself are no operations. */
const BESIDE = /^(\/[\w.-]+)?\/(docs|openapi\.json|console(\/|$))/;
/** Refusals of what is no operation. */
const OUTSIDE = new Set(['not-found', 'method-not-allowed', 'malformed-request', 'uri-too-long', 'request-timeout', 'expectation-failed', 'headers-too-large']);
/** Nobody reads it. */
const CLIENT_GONE = 499;

const untruths = new Map<string, string>();
const seen = new Set<string>();

/** Holds every answer of the server to `openapi.json`, or to a document that has more in it. */
export function holdToDocument(server: Server, other?: object): void {
  const own = other && new WireDocument(other);
  watchAnswers(server, (answer) => holdAnswer(answer, own));
}

/** Holds one answer to `openapi.json`, or to a document that has more in it. */
export function holdAnswer(answer: WireAnswer, own?: WireDocument): void {
  const { method, target, status } = answer;
  // Once for each kind: a test may ask a thousand times.
  for (const fault of faultsFound(answer, own)) untruths.set(`${method} ${status} ${fault.slice(0, 80)}`, `${method} ${target} → ${status}: ${fault}`);
}

/** What was answered otherwise than it is documented since this was last asked. */
export function drainUntruths(): string[] {
  const taken = [...untruths.values()];
  untruths.clear();
  return taken;
}

/** `<operation> <status>` of every documented answer so far. */
export function answersSeen(): string[] {
  return [...seen];
}

/** An answer that cannot even be looked at is one that nobody described. */
function faultsFound(answer: WireAnswer, own?: WireDocument): string[] {
  try {
    return faultsOf(answer, own ?? WireDocument.ofService);
  } catch (error) {
    return [`cannot be read: ${String(error)}`];
  }
}

function faultsOf(answer: WireAnswer, known: WireDocument): string[] {
  const { method, target, status } = answer;
  if (status === CLIENT_GONE || BESIDE.test(target) || isLead(answer)) return [];
  const operation = known.operationOf(method, target);
  const code = codeOf(answer);
  const response = operation && (known.responseOf(operation, status) ?? (OUTSIDE.has(code ?? '') ? known.responseOf(operation, 'default') : null));
  if (!operation) return faultsOutside(known, answer, code);
  if (!response) return [`${operation.id} has no such status${code === null ? '' : ` (${code})`}`];
  if (known.responseOf(operation, status)) seen.add(`${operation.id} ${status}`);
  const faults = [...faultsOfFields(known, response, answer), ...faultsOfBody(operation, response, answer, code)];
  if (faults.length === 0 && response.bodies.size > 0) keepAnswer(operation, answer, code);
  return faults;
}

/** Browsers are led from the root to the console, which is no operation. */
function isLead({ status, headers }: WireAnswer): boolean {
  return status === 302 && /^(\/[\w.-]+)?\/console\/$/.test(headers.location ?? '');
}

/** Refusals are the same whichever operation answers them. */
function keepAnswer({ id }: Operation, { status, headers, body }: WireAnswer, code: string | null): void {
  if (body === null || body.length === 0) return;
  const text = String(body);
  const value: unknown = /[/+]json(;|$)/.test(headers['content-type'] ?? '') ? JSON.parse(text) : text;
  keepExample(code ?? `${id} ${status}`, value, body.length);
}

function faultsOutside(known: WireDocument, answer: WireAnswer, code: string | null): string[] {
  if (answer.method === 'HEAD' || answer.method === 'OPTIONS') return [];
  if (code === null || !OUTSIDE.has(code)) return [`no operation answers this (${code})`];
  return breaches(known.problem(), JSON.parse(String(answer.body)));
}

function faultsOfFields(known: WireDocument, { fields }: DocumentedResponse, { headers }: WireAnswer): string[] {
  const faults: string[] = [];
  for (const [name, { required, check }] of fields) {
    const value = headers[name];
    if (value === undefined ? required : !check(value)) faults.push(`the field ${name} is ${value ?? 'missing'}`);
  }
  for (const [name, constant] of Object.entries(known.constantFields)) {
    if (!fields.has(name) && headers[name] !== constant.const) faults.push(`the field ${name} is ${headers[name] ?? 'missing'}`);
  }
  for (const name of Object.keys(headers)) {
    const isGeneral = name in known.constantFields || name in known.pageFields;
    if (!TRANSPORT.has(name) && !fields.has(name) && !isGeneral) faults.push(`the field ${name} is not documented`);
  }
  return faults;
}

function faultsOfBody({ id }: Operation, { bodies }: DocumentedResponse, { method, headers, body }: WireAnswer, code: string | null): string[] {
  if (method === 'HEAD') return [];
  const type = headers['content-type']?.split(';', 1)[0];
  if (type === undefined) return bodies.size === 0 || body?.length === 0 ? [] : ['the body has no type'];
  const check = bodies.get(type);
  if (!check) return [`${id} answers no ${type} with it`];
  if (body === null) return [];
  return breaches(check(), /[/+]json$/.test(type) ? JSON.parse(String(body)) : String(body)).map((fault) => (code === null ? fault : `${code}: ${fault}`));
}

function breaches(check: ValidateFunction, value: unknown): string[] {
  if (check(value)) return [];
  const errors = (check.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  return [`${[...new Set(errors)].slice(0, 6).join('; ')} in ${JSON.stringify(value).slice(0, 400)}`];
}

/** The code of a problem; null: none is. */
function codeOf({ headers, body }: WireAnswer): string | null {
  if (body === null || headers['content-type'] !== 'application/problem+json') return null;
  return (JSON.parse(String(body)) as { code: string }).code;
}
