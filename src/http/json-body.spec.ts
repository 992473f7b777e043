import { parseJsonBody } from './json-body';
import { ValidationProblem } from './problem';

const parse = (text: string | Buffer) => parseJsonBody(Buffer.from(text));
const errorOf = (text: string): { pointer: string; code: string } => {
  try {
    parse(text);
  } catch (error) {
    return (error as ValidationProblem).errors[0] as { pointer: string; code: string };
  }
  throw new Error(`accepted ${text}`);
};

describe('parseJsonBody', () => {
  it('reads ordinary JSON, brackets in strings, 16-digit integers and long fractions included', () => {
    const value = { a: ['[[[[', '}', 1, null], 'k"ey': 0.12345678901234567, n: 9007199254740991, e: 1e21, s: '😀\\u0000' };
    expect(parse(JSON.stringify(value))).toEqual(value);
    expect(parse('')).toBeUndefined();
  });

  it('accepts 32 levels and refuses 33, wherever they are', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parse(nested(32))).not.toThrow();
    expect(errorOf(nested(33)).code).toBe('too-deep');
    expect(errorOf(`{"payload":${nested(3_000)}}`)).toMatchObject({ code: 'too-deep', pointer: expect.stringMatching(/^#\/payload\/0/) });
    expect(() => parse(nested(100_000))).toThrow(ValidationProblem);
  });

  it.each([
    ['{"payload":{"a":["x","b\\u0000c"]}}', '#/payload/a/1', 'nul-character'],
    ['{"pay\\u0000load":1}', '#/pay\\u0000load', 'nul-character'],
    ['{"a":"\\ud800"}', '#/a', 'lone-surrogate'],
    ['{"a":{"b":1e400}}', '#/a/b', 'inexact-number'],
    ['{"a/b":[1,2,9007199254740993]}', '#/a~1b/2', 'inexact-number'],
    ['{"a":-12345678901234567890}', '#/a', 'inexact-number'],
    ['{"a":1e-400}', '#/a', 'inexact-number'],
    ['{"a":[1234567890.123456789]}', '#/a/0', 'inexact-number'],
  ])('names the place that cannot be stored as it was sent: %s', (text, pointer, code) => {
    expect(errorOf(text)).toMatchObject({ pointer, code });
  });

  it('accepts a fraction as doubles are written: shortest, in 17 digits, exactly, or with zeros at the end', () => {
    for (const text of ['0.30000000000000004', '0.10000000000000001', '0.1000000000000000055511151231257827021181583404541015625', '1.5000000000000000000']) {
      expect(parse(`[${text}]`)).toEqual([Number(text)]);
    }
  });

  it('accepts paired surrogates and escaped backslashes before u0000', () => {
    expect(parse('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' });
    expect(parse('{"a":"\\\\u0000"}')).toEqual({ a: '\\u0000' });
  });

  it('refuses what is not UTF-8 or not JSON', () => {
    expect(() => parse(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow('not valid UTF-8');
    expect(() => parse('{"a":')).toThrow('not valid JSON');
  });
});
