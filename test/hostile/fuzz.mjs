import { plainValue } from './bodies.mjs';

const WILD = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  1e308,
  -0,
  '',
  ' ',
  'me',
  '0',
  '01',
  '-1',
  '1e3',
  'null',
  '\u0000',
  '\ud800',
  'İ',
  'ß',
  '\u202e',
  '../..',
  '%00',
  '%',
  "';--",
  '{{7*7}}',
  '<b>',
  'Etc/UTC',
  'Nowhere/Land',
  '2026-02-30',
  '2026-11-26T00:00:00Z',
  '2026-W01-1',
  '9999999999999999999',
  '__proto__',
  'constructor',
  [],
  {},
  [[]],
  [null],
  { a: { b: [] } },
  'x'.repeat(300),
  'x'.repeat(5_000),
  '01890000-0000-7000-8000-000000000000',
];
const HEADERS = [
  'if-match',
  'if-none-match',
  'idempotency-key',
  'prefer',
  'x-request-id',
  'x-forwarded-for',
  'last-event-id',
  'accept',
  'traceparent',
  'x-quota-cost',
  'x-quota-type',
  'x-quota-hold',
  'expect',
];

/** Requests made of the document: mostly well formed, with a wild value here and there. */
export class Fuzz {
  constructor(document, random) {
    this.document = document;
    this.random = random;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
  }

  next() {
    const { random } = this;
    const { method, path, operation } = random.pick(this.operations);
    const parameters = operation.parameters ?? [];
    const query = parameters.filter((p) => p.in === 'query' && random.chance(0.3)).map(({ name }) => `${name}=${encode(this.wild())}`);
    if (random.chance(0.05)) query.push(`${encode(this.wild())}=${encode(this.wild())}`);
    const headers = Object.fromEntries(HEADERS.filter(() => random.chance(0.06)).map((name) => [name, headerValue(this.wild())]));
    if (headers.expect !== undefined) delete headers.expect;
    const schema = operation.requestBody?.content?.['application/json']?.schema;
    const call = {
      method,
      path:
        path.replace(/\{(\w+)\}/g, (_, name) => (random.chance(0.5) ? (name === 'userId' ? 'me' : '1') : encode(this.wild()))) +
        (query.length > 0 ? `?${query.join('&')}` : ''),
      headers,
    };
    return schema && method !== 'GET' ? { ...call, body: this.body(schema) } : call;
  }

  body(schema) {
    const { random } = this;
    if (random.chance(0.05)) return random.pick(['', '{', '[]', 'null', '"x"', '{"a":1,}', '\ufeff{}', '{"__proto__":{}}', '[1,2']);
    const value = plainValue(this.document, schema);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    for (const name of Object.keys(value)) if (random.chance(0.3)) value[name] = this.wild();
    if (random.chance(0.1)) value[`extra${random.integer(0, 9)}`] = this.wild();
    return JSON.stringify(value);
  }

  wild() {
    return this.random.pick(WILD);
  }
}

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const encode = (value) => encodeURIComponent(text(value).toWellFormed());
// What Node's own client would not send is not sent: raw bytes are for the raw sockets.
const headerValue = (value) =>
  text(value)
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 2_000);
