import { isExactNumber } from './json-numbers';

export const MAX_JSON_DEPTH = 32;
/** No route takes nearly so many; below the root there is no such bound. */
export const MAX_ROOT_MEMBERS = 100;

/** What makes a value another one, or none, once it is stored; `path` leads to it. */
export interface JsonFlaw {
  code: 'too-deep' | 'too-many-members' | 'nul-character' | 'lone-surrogate' | 'inexact-number' | 'reserved-name';
  path: (string | number)[];
}

/** Where the walk is: in an array at an index, or in an object at the member whose name stands between two places of the text. */
interface Frame {
  index: number;
  nameStart: number;
  nameEnd: number;
  /** Whether it is the value of a member `constructor`. */
  ofConstructor: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The first place of a JSON text that cannot be stored as it was sent, or that would change a prototype; null when there is
 * none. One pass, character by character: no text takes longer than its length allows. Only for text that JSON.parse takes.
 */
export function firstFlaw(text: string): JsonFlaw | null {
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let expectsName = false;
  let rootMembers = 0;
  const flaw = (code: JsonFlaw['code']): JsonFlaw => ({
    code,
    path: frames.map(({ index, nameStart, nameEnd }) => (index >= 0 ? index : text.slice(nameStart, nameEnd))),
  });
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const start = i + 1;
      let code: JsonFlaw['code'] | null = null;
      let escaped = false;
      for (i = start; text.charCodeAt(i) !== QUOTE; i++) {
        if (text.charCodeAt(i) !== BACKSLASH) continue;
        escaped = true;
        i++;
        if (text.charCodeAt(i) !== 0x75) continue;
        const unit = hex(text, i + 1);
        i += 4;
        if (unit === 0) code ??= 'nul-character';
        else if (unit >= 0xd800 && unit <= 0xdfff) {
          const paired = unit <= 0xdbff && text.charCodeAt(i + 1) === BACKSLASH && text.charCodeAt(i + 2) === 0x75 && isLow(hex(text, i + 3));
          if (paired) i += 6;
          else code ??= 'lone-surrogate';
        }
      }
      if (expectsName && frame !== undefined) {
        if (frames.length === 1 && ++rootMembers > MAX_ROOT_MEMBERS) return { code: 'too-many-members', path: [] };
        frame.nameStart = start;
        frame.nameEnd = i;
        if (isNamed(text, start, i, escaped, '__proto__') || (frame.ofConstructor && isNamed(text, start, i, escaped, 'prototype')))
          return flaw('reserved-name');
      }
      if (code !== null) return flaw(code);
    } else if (c === 0x7b || c === 0x5b) {
      if (frames.length >= MAX_JSON_DEPTH) return flaw('too-deep');
      const ofConstructor = c === 0x7b && frame !== undefined && frame.index < 0 && isNamed(text, frame.nameStart, frame.nameEnd, true, 'constructor');
      frame = { index: c === 0x5b ? 0 : -1, nameStart: i, nameEnd: i, ofConstructor };
      frames.push(frame);
      expectsName = c === 0x7b;
    } else if (c === 0x7d || c === 0x5d) {
      frames.pop();
      frame = frames[frames.length - 1];
      expectsName = false;
    } else if (c === 0x2c) {
      if (frame !== undefined && frame.index >= 0) frame.index++;
      else expectsName = true;
    } else if (c === 0x3a) expectsName = false;
    else if (c === 0x2d || isDigit(c)) {
      const start = i;
      let suspect = false;
      for (; isInNumber(text.charCodeAt(i + 1)); i++) suspect ||= (text.charCodeAt(i + 1) | 0x20) === 0x65;
      if ((suspect || i - start >= 15) && !isExactNumber(text.slice(start, i + 1))) return flaw('inexact-number');
    }
  }
  return null;
}

/** Whether a name in the text, which may be written with escapes, is this one. */
function isNamed(text: string, start: number, end: number, escaped: boolean, name: string): boolean {
  const length = end - start;
  if (length === name.length) return text.startsWith(name, start);
  return escaped && length > name.length && length <= name.length * 6 && JSON.parse(`"${text.slice(start, end)}"`) === name;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isInNumber(c: number): boolean {
  return isDigit(c) || c === 0x2e || c === 0x2b || c === 0x2d || (c | 0x20) === 0x65;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** The four hexadecimal digits at a place of the text, as a number. */
function hex(text: string, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const c = text.charCodeAt(i);
    unit = unit * 16 + (isDigit(c) ? c - 0x30 : (c | 0x20) - 0x57);
  }
  return unit;
}
