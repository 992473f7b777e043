const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** JSON texts of values that nobody can store, with what is stated of each. */
export const BAD_VALUES: readonly (readonly [name: string, json: string, status: number, code: string])[] = [
  ['a NUL', String.raw`{"v":"a\u0000b"}`, 400, 'nul-character'],
  ['half of a surrogate pair', String.raw`{"v":"\ud800"}`, 400, 'lone-surrogate'],
  ['a number that is not exact', '{"v":[9007199254740993]}', 400, 'inexact-number'],
  ['a number beyond all bounds', '{"v":1e400}', 400, 'inexact-number'],
  ['too many levels', `{"v":${deep(40)}}`, 400, 'too-deep'],
  ['__proto__', '{"__proto__":{"v":1}}', 400, 'malformed-json'],
  ['too many bytes', `{"v":"${'x'.repeat(70_000)}"}`, 413, 'too-large'],
];
