import { isUtf8 } from 'node:buffer';
import { type FieldError, Problem, ValidationProblem } from './problem';

export const MAX_JSON_DEPTH = 32;

/** What PostgreSQL's jsonb cannot hold, or JavaScript would silently change: see `firstFlaw`. Text without these has no flaw. */
const SUSPECT = /\\u(?:0000|[dD][89a-fA-F])|[\d.]{16}|\d[eE][+-]?\d{3}/;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * Parses a JSON body. Refuses, with the pointer of the place: text that is not UTF-8, nesting beyond 32 levels, the NUL
 * character and lone surrogates (a jsonb column takes neither), and numbers that a double cannot hold (1e400,
 * 1e-400, 9007199254740993, 0.12345678901234567891), rather than storing another value than was sent.
 */
export function parseJsonBody(body: Buffer, parse: (text: string) => unknown): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw malformed('The body is not valid UTF-8.');
  const text = body.toString('utf8');
  if (depthOf(text) > MAX_JSON_DEPTH || SUSPECT.test(text)) {
    const flaw = firstFlaw(text);
    if (flaw) throw new ValidationProblem([flaw]);
  }
  try {
    return parse(text);
  } catch {
    throw malformed('The body is not valid JSON, or it names __proto__.');
  }
}

function malformed(detail: string): Problem {
  return new Problem(400, 'malformed-json', detail);
}

/** The deepest nesting, strings left out. One pass without allocation, because every body pays for it. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return deepest;
}

/** Walks the tokens and keeps the path to each, to name the first place that cannot be stored as it was sent. */
function firstFlaw(text: string): FieldError | null {
  const path: (string | number)[] = [];
  let expectsKey = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const last = path.length - 1;
    if (token === '{' || token === '[') {
      if (path.length >= MAX_JSON_DEPTH) return flaw(path, 'too-deep', `is nested deeper than ${MAX_JSON_DEPTH} levels`);
      path.push(token === '[' ? 0 : '');
      expectsKey = token === '{';
    } else if (token === '}' || token === ']') {
      path.pop();
      expectsKey = false;
    } else if (token === ',') {
      if (typeof path[last] === 'number') path[last] += 1;
      else expectsKey = true;
    } else if (token === ':') expectsKey = false;
    else {
      const problem = token.startsWith('"') ? stringFlaw(token) : numberFlaw(token);
      if (expectsKey && token.startsWith('"')) path[last] = token.slice(1, -1);
      if (problem) return flaw(path, ...problem);
    }
  }
  return null;
}

function stringFlaw(token: string): [string, string] | null {
  if (!token.includes('\\u')) return null;
  let value: unknown;
  try {
    value = JSON.parse(token);
  } catch {
    return null;
  }
  if (String(value).includes('\0')) return ['nul-character', 'contains the character U+0000'];
  return String(value).isWellFormed() ? null : ['lone-surrogate', 'contains half of a surrogate pair'];
}

function numberFlaw(token: string): [string, string] | null {
  const value = Number(token);
  if (!/^-?\d/.test(token) || Number.isNaN(value)) return null;
  return isExact(token, value) ? null : ['inexact-number', 'is a number that cannot be held exactly; send it as a string'];
}

/** Whether the double is what the text says: exactly, or as doubles are written, in as few digits as tell it from its neighbours or in 17. */
function isExact(token: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (/^-?\d+$/.test(token)) return BigInt(token) === BigInt(value);
  const sent = decimal(token);
  return [String(value), value.toPrecision(17), value.toPrecision(100)].some((written) => decimal(written) === sent);
}

/** A number's digits without zeros at either end, and its exponent: equal for equal numbers. */
function decimal(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  return significant === '' ? '0' : `${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function flaw(path: (string | number)[], code: string, detail: string): FieldError {
  const shown = path.slice(0, MAX_JSON_DEPTH).map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
  return { pointer: `#/${shown.join('/')}`.replace(/\/$/, ''), detail, code };
}
