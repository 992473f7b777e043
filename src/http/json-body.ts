import { isUtf8 } from 'node:buffer';
import { MalformedJson } from './http.errors';
import { FlawedItem, itemTexts } from './json-items';
import { pointerOf } from './json-pointer';
import { firstFlaw, type JsonFlaw, MAX_JSON_DEPTH, MAX_ROOT_MEMBERS } from './json-scan';
import { type FieldError, type Problem, ValidationProblem } from './problem';

const DETAILS: Record<Exclude<JsonFlaw['code'], 'reserved-name'>, string> = {
  'too-deep': `is nested deeper than ${MAX_JSON_DEPTH} levels`,
  'too-many-members': `has more than ${MAX_ROOT_MEMBERS} members`,
  'nul-character': 'contains the character U+0000',
  'lone-surrogate': 'contains half of a surrogate pair',
  'inexact-number': 'is a number that cannot be held exactly; send it as a string',
};

/**
 * Parses a JSON body. Refuses, with the pointer of the place: text that is not UTF-8, nesting beyond 32 levels, the NUL
 * character and lone surrogates (a jsonb column takes neither), and numbers that a double cannot hold (1e400,
 * 1e-400, 9007199254740993, 0.12345678901234567891), rather than storing another value than was sent. Runs before anybody
 * is authenticated: one parse and one walk, each linear in the body.
 *
 * @param itemsApart of a call with many: what is wrong within a member of the list `items` becomes a `FlawedItem` in its place
 * @throws MalformedJson, ValidationProblem
 */
export function parseJsonBody(body: Buffer, itemsApart = false): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw malformed('The body is not valid UTF-8.');
  const text = withoutMark(body.toString('utf8'));
  const value = parse(text);
  const flaw = firstFlaw(text);
  if (flaw === null) return value;
  const parts = itemsApart ? itemTexts(text) : null;
  const rest = parts === null ? flaw : firstFlaw(parts.rest);
  if (parts === null || rest !== null) throw problemOf(rest ?? flaw, []);
  return withFlawedItems(value as { items: unknown[] }, parts.items);
}

/** Each item is held to what a body of its own would be. */
function withFlawedItems(value: { items: unknown[] }, texts: string[]): unknown {
  for (const [i, text] of texts.entries()) {
    const flaw = firstFlaw(text);
    if (flaw !== null) value.items[i] = new FlawedItem(text, problemOf(flaw, ['items', i]));
  }
  return value;
}

function problemOf({ code, path }: JsonFlaw, parent: (string | number)[]): Problem {
  if (code === 'reserved-name') return malformed('The body names __proto__, or the prototype of a constructor.');
  return new ValidationProblem([fieldError(code, [...parent, ...path])]);
}

function parse(text: string): unknown {
  // The parser's error quotes the body, and its stack is of no use to anybody.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw malformed('The body is not valid JSON.');
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function malformed(detail: string): Problem {
  return new MalformedJson(detail);
}

function fieldError(code: keyof typeof DETAILS, path: JsonFlaw['path']): FieldError {
  return { pointer: pointerOf(path), detail: DETAILS[code], code };
}
