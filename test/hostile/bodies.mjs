const SIZE = 255 * 1_024;
const filled = (unit, size = SIZE) => unit.repeat(Math.floor(size / unit.length));

/** Texts that are expensive for whoever checks them carelessly; none is larger than a body may be. */
export const EXPENSIVE_TEXTS = {
  'escapes in a string that does not end': `[1234567890123456,"${filled('\\"', SIZE - 40)}`,
  'numbers at the edge of a double': `[${filled('1e308,', SIZE - 40)}1]`,
  'numbers of many digits': `[${'9'.repeat(SIZE - 40)}]`,
  'fractions of many digits': `[${filled('0.1234567890123456789,', SIZE - 40)}1]`,
  'a deep nest': filled('['),
  'a deep nest of objects': filled('{"a":'),
  'escaped halves of pairs': `["${filled('\\ud800', SIZE - 40)}"]`,
  'many names': `{${Array.from({ length: 14_000 }, (_, i) => `"member${i}":${i}`).join()}}`,
  'one name over and over': `{${filled('"a":1,', SIZE - 40)}"a":1}`,
  'white space': `{${filled(' ', SIZE - 40)}}`,
  commas: `[${filled(',', SIZE - 40)}]`,
};

/** Values for a member, whatever its schema states. */
export const EXPENSIVE_VALUES = {
  'a long string': 'a'.repeat(SIZE - 2_000),
  'a long string of pairs': filled('\u{1f600}', (SIZE - 2_000) / 4),
  'many strings': Array.from({ length: 20_000 }, (_, i) => `item-${i}`),
  'one string many times': Array.from({ length: 25_000 }, () => 'quota:read'),
  'many objects': Array.from({ length: 9_000 }, (_, i) => ({ type: 't', n: i })),
  'many empty objects': Array.from({ length: 80_000 }, () => ({})),
  'many empty arrays': Array.from({ length: 80_000 }, () => []),
  'an address without end': `${'a.'.repeat(100_000)}@${'b-'.repeat(20_000)}`,
  'an address of many @': '@'.repeat(SIZE - 2_000),
  'a name of many dots': 'a.'.repeat(120_000),
  'many digits': '1'.repeat(SIZE - 2_000),
  'an instant that never ends': `2026-01-01T00:00:00.${'0'.repeat(SIZE - 3_000)}Z`,
  'a schema of many patterns': { pattern: `(${'a?'.repeat(20_000)})${'a'.repeat(20_000)}`, uniqueItems: true },
};

const resolve = (document, schema) =>
  schema?.$ref
    ? resolve(
        document,
        schema.$ref
          .slice(2)
          .split('/')
          .reduce((node, name) => node[name], document),
      )
    : schema;

/** A value that a schema takes, as small as may be. */
export function plainValue(document, reference) {
  const schema = resolve(document, reference) ?? {};
  if (schema.example !== undefined) return schema.example;
  if (schema.enum) return schema.enum[0];
  const [variant] = schema.oneOf ?? schema.anyOf ?? schema.allOf ?? [];
  if (variant) return plainValue(document, variant);
  switch ([schema.type].flat()[0]) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, plainValue(document, schema.properties?.[name])]));
    case 'array':
      return [plainValue(document, schema.items)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return 'a'.repeat(Math.max(1, schema.minLength ?? 1));
  }
}

/** Every operation of the document that takes a body, with the names of its members. */
export function operationsWithBody(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const schema = resolve(document, operation.requestBody?.content?.['application/json']?.schema);
      if (!schema) return [];
      return [{ method: method.toUpperCase(), path, schema, members: Object.keys(schema.properties ?? {}) }];
    }),
  );
}

/** Expensive bodies for one operation: texts as they are, and a plain body with one member gone wild. */
export function* expensiveBodies(document, { schema, members }) {
  for (const [name, text] of Object.entries(EXPENSIVE_TEXTS)) yield [name, text];
  const plain = plainValue(document, schema);
  for (const member of members.length > 0 ? members : ['anything']) {
    for (const [name, value] of Object.entries(EXPENSIVE_VALUES)) {
      const text = JSON.stringify({ ...plain, [member]: value });
      if (Buffer.byteLength(text) <= 256 * 1_024) yield [`${member}: ${name}`, text];
    }
  }
}
