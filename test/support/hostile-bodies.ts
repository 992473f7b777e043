import fc from 'fast-check';

/** A JSON text of about so many bytes. */
export type BodyOfSize = (bytes: number) => string;

const digits = (count: number) => Array.from({ length: count }, (_, i) => '7193528460'[(i * 7 + count) % 10]).join('');

/** Numbers that are dear to read, to write or to compare; each is one that is taken. */
const NUMBERS = [
  '0', '-0', '1e308', '1e-307', '5e-324', '0.1', '1.7976931348623157e308', '2.2250738585072014e-308', '9007199254740991', '0.30000000000000004',
  String(2n ** 60n), (2 ** -30).toFixed(40), '123456789.12345678', `1.${'0'.repeat(60)}`, `0e${digits(30)}`, String(2n ** 1_000n),
]; // prettier-ignore

const STRINGS = [
  '',
  'a',
  '\\"',
  '\\\\',
  '\\u0041',
  '\\ud83d\\ude00',
  '\\n',
  'é',
  '😀',
  '\ufe0f',
  ' ',
  '@',
  'a@',
  '.',
  ':',
  '-',
  '"__proto__"'.replaceAll('"', '\\"'),
  '/',
  '~',
];

const repeated = (unit: string, bytes: number, separator = '') => {
  const one = unit + separator;
  return Array<string>(Math.max(1, Math.floor(bytes / Buffer.byteLength(one))))
    .fill(unit)
    .join(separator);
};

const NAMES = ['k', '__proto', 'constructo', 'length', '~', 'é'];

/** One kind of value each, of any size. */
const value: fc.Arbitrary<BodyOfSize> = fc.oneof(
  fc.constantFrom(...STRINGS).map(
    (unit): BodyOfSize =>
      (bytes) =>
        `"${repeated(unit === '' ? 'x' : unit, bytes)}"`,
  ),
  fc.constantFrom(...NUMBERS).map(
    (unit): BodyOfSize =>
      (bytes) =>
        `[${repeated(unit, bytes, ',')}]`,
  ),
  fc.constantFrom(...STRINGS).map(
    (unit): BodyOfSize =>
      (bytes) =>
        `[${repeated(`"${unit}"`, bytes, ',')}]`,
  ),
  fc.constantFrom('{}', '[]', 'null', 'true', '{"a":{}}', '[[[]]]', '{"type":"x"}').map(
    (unit): BodyOfSize =>
      (bytes) =>
        `[${repeated(unit, bytes, ',')}]`,
  ),
  fc.constantFrom(...NAMES).map((name): BodyOfSize => (bytes) => {
    const count = Math.max(1, Math.floor(bytes / (Buffer.byteLength(name) + 11)));
    return `{${Array.from({ length: count }, (_, i) => `"${name}${i}":${i % 10}`).join()}}`;
  }),
  fc.constant<BodyOfSize>((bytes) => '['.repeat(bytes >> 1) + ']'.repeat(bytes >> 1)),
  fc.constant<BodyOfSize>((bytes) => `${'['.repeat(30)}${repeated('[]', bytes, ',')}${']'.repeat(30)}`),
  fc.constant<BodyOfSize>((bytes) => digits(bytes)),
  fc.constant<BodyOfSize>((bytes) => `0.${digits(bytes)}`),
  fc.constant<BodyOfSize>((bytes) => `{"${repeated('x', bytes)}":1}`),
  fc.constant<BodyOfSize>((bytes) => `{"constructor":1,"a":[${repeated('0', bytes, ',')}]}`),
);

/** The number that makes an old walk over the tokens start, before anything else. */
const suspect =
  (body: BodyOfSize): BodyOfSize =>
  (bytes) =>
    `[1234567890123456,${body(bytes - 20)}]`;

/** Bodies for a route that takes these fields: a hostile value in one of them, in an unknown one, as the whole body, and cut off. */
export function hostileBodies(fields: readonly string[]): fc.Arbitrary<BodyOfSize> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...fields, 'unknown'), value).map(([name, body]): BodyOfSize => (bytes) => `{"${name}":${body(bytes - name.length - 5)}}`) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...fields), value).map(([name, body]): BodyOfSize => (bytes) => `{"${name}":${suspect(body)(bytes - name.length - 5)}}`) },
    { weight: 1, arbitrary: value },
    { weight: 1, arbitrary: value.map(suspect) },
    { weight: 1, arbitrary: value.map((body): BodyOfSize => (bytes) => body(bytes).slice(0, -1)) },
  ); // prettier-ignore
}

/** Those that were found, so that no run misses them. */
export const FOUND: Record<string, BodyOfSize> = {
  'escaped quotes behind a long number': (bytes) => `[1234567890123456,"${'\\"'.repeat((bytes - 22) >> 1)}"]`,
  'large powers of ten': (bytes) => `[${repeated('1e308', bytes - 2, ',')}]`,
  'unknown members': (bytes) => `{${Array.from({ length: Math.floor(bytes / 11) }, (_, i) => `"m${i}":${i % 10}`).join()}}`,
  'many scopes': (bytes) => `{"name":"x","scopes":[${repeated('"worker"', bytes - 30, ',')}]}`,
  'many types': (bytes) => `{"types":[${Array.from({ length: Math.floor(bytes / 9) }, (_, i) => `"t${10_000 + i}"`).join()}]}`,
  'a long mail address': (bytes) => `{"email":"a@${repeated('b.', bytes - 30)}","password":"x"}`,
};
