const { MAX_INTEGER, isRequired, valuesName } = require('./fields.cjs');
const { pascal } = require('./names.cjs');

/** @typedef {import('./fields.cjs').Field} Field */

const quoted = (/** @type {string} */ text) => `'${text}'`;
const literal = (/** @type {string | number | boolean} */ value) => (typeof value === 'string' ? quoted(value) : String(value));

/** A fraction is stored as a text that is cast, which is what TypeORM compares with. @param {Field} field */
const sqlLiteral = ({ type, default: value = '' }) => (type === 'number' ? quoted(String(value)) : literal(value));

/**
 * What templates write of a field, in each place where it stands.
 * @param {Field} field
 * @param {{ Class: string, table: string }} feature
 */
function viewOf(field, feature) {
  const { name, column, type, nullable, max, values, ref } = field;
  const constant = values && valuesName(feature.Class, field);
  const alias = values && `${feature.Class}${pascal(name)}`;
  const orNull = nullable ? ' | null' : '';
  const kinds = {
    text: { ts: 'string', sql: `varchar(${max})`, column: { type: 'varchar', length: max } },
    email: { ts: 'string', sql: 'varchar(320)', column: { type: 'varchar', length: 320 } },
    int: { ts: 'number', sql: 'integer', column: { type: 'integer' } },
    number: { ts: 'number', sql: 'double precision', column: { type: 'double precision' } },
    bool: { ts: 'boolean', sql: 'boolean', column: { type: 'boolean' } },
    date: { ts: 'string', sql: 'date', column: { type: 'date' } },
    timestamptz: { ts: 'Date', sql: 'timestamptz', column: { type: 'timestamptz' } },
    uuid: { ts: 'string', sql: 'uuid', column: { type: 'uuid' } },
    json: { ts: 'Record<string, unknown>', sql: 'jsonb', column: { type: 'jsonb' } },
    enum: { ts: alias, sql: 'varchar(50)', column: { type: 'varchar', length: 50 } },
    ref: { ts: 'number', sql: 'integer', column: { type: 'integer' } },
  };
  const kind = kinds[type];
  const checks = checksOf(field).map((text, i) => ({ name: `${feature.table}_${column}_check${i === 0 ? '' : i + 1}`, text }));
  return {
    ...field,
    constant,
    alias,
    required: isRequired(field),
    ts: kind.ts + orNull,
    tsIn: (type === 'timestamptz' ? 'string' : kind.ts) + orNull,
    sql: `${column} ${kind.sql}${nullable ? '' : ' NOT NULL'}${field.default === undefined ? '' : ` DEFAULT ${sqlLiteral(field)}`}`,
    bareSql: kind.sql,
    columnOptions: columnOptions(field, kind.column),
    checks,
    key: field.unique ? `${feature.table}_${column}_key` : undefined,
    fresh: freshOf(field),
    fkey: ref && `${feature.table}_${column}_fkey`,
    index: ref && `${feature.table}_${column}_idx`,
    rules: rulesOf(field, constant),
    shape: shapeOf(field),
    shapeOut: shapeOutOf(field),
    sample: sampleOf(field, 0),
    other: sampleOf(field, 1),
    bad: badOf(field),
  };
}

/** @param {Field} field */
function checksOf({ column, type, min, max, values }) {
  if (values) return [`${column} IN (${values.map(quoted).join(', ')})`];
  if (type === 'text') return min ? [`char_length(${column}) >= ${min}`] : [];
  if (type !== 'int' && type !== 'number') return [];
  const lower = type === 'int' && min === -MAX_INTEGER ? undefined : min;
  const upper = type === 'int' && max === MAX_INTEGER ? undefined : max;
  if (lower !== undefined && upper !== undefined) return [`${column} >= ${lower} AND ${column} <= ${upper}`];
  return [...(lower === undefined ? [] : [`${column} >= ${lower}`]), ...(upper === undefined ? [] : [`${column} <= ${upper}`])];
}

/** @param {Field} field */
function columnOptions({ name, column, nullable, default: standard }, { type, length }) {
  const parts = [
    ...(name === column ? [] : [`name: ${quoted(column)}`]),
    `type: ${quoted(type)}`,
    ...(length === undefined ? [] : [`length: ${length}`]),
    ...(nullable ? ['nullable: true'] : []),
    ...(standard === undefined ? [] : [`default: ${literal(standard)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

/**
 * The decorators that check a value, with where each comes from.
 * @param {Field} field
 * @param {string | undefined} constant
 * @returns {[text: string, module: 'validator' | 'instant' | 'entity'][]}
 */
function rulesOf({ type, min, max }, constant) {
  /** @type {Record<string, [string, 'validator' | 'instant' | 'entity'][]>} */
  const rules = {
    text: [
      ['IsString()', 'validator'],
      ...(min ? [/** @type {[string, 'validator']} */ ([`MinLength(${min})`, 'validator'])] : []),
      [`MaxLength(${max})`, 'validator'],
    ],
    email: [
      ['IsEmail()', 'validator'],
      ['MaxLength(320)', 'validator'],
    ],
    int: [
      ['IsInt()', 'validator'],
      [`Min(${min})`, 'validator'],
      [`Max(${max})`, 'validator'],
    ],
    number: [
      ['IsNumber()', 'validator'],
      ...(min === undefined ? [] : [/** @type {[string, 'validator']} */ ([`Min(${min})`, 'validator'])]),
      ...(max === undefined ? [] : [/** @type {[string, 'validator']} */ ([`Max(${max})`, 'validator'])]),
    ],
    bool: [['IsBoolean()', 'validator']],
    date: [['IsDay()', 'instant']],
    timestamptz: [['IsInstant()', 'instant']],
    uuid: [['IsUUID()', 'validator']],
    json: [['IsObject()', 'validator']],
    enum: [[`IsIn(${constant})`, 'validator']],
    ref: [
      ['IsInt()', 'validator'],
      ['Min(1)', 'validator'],
      [`Max(${MAX_INTEGER})`, 'validator'],
    ],
  };
  return rules[type] ?? [];
}

/** What the document cannot know of a field that is sent. @param {Field} field */
function shapeOf({ type, default: standard }) {
  const parts = [
    ...(type === 'number' ? [`type: 'number'`, `format: 'double'`] : []),
    ...(type === 'json' ? [`type: 'object'`, 'additionalProperties: true'] : []),
    ...(type === 'date' ? [`format: 'date'`] : []),
    ...(type === 'uuid' ? [`format: 'uuid'`] : []),
    ...(type === 'email' ? [`format: 'email'`] : []),
    ...(type === 'timestamptz' ? [`format: 'date-time'`] : []),
    ...(standard === undefined ? [] : [`default: ${literal(standard)}`]),
  ];
  return parts;
}

/** The same of one that is answered. @param {Field} field */
function shapeOutOf({ type, min, max, values, nullable }) {
  const parts = [
    ...(type === 'number' ? [`type: 'number'`, `format: 'double'`] : []),
    ...(type === 'int' ? [`minimum: ${min}`, `maximum: ${max}`] : []),
    ...(type === 'json' ? [`type: 'object'`, 'additionalProperties: true'] : []),
    ...(type === 'date' ? [`format: 'date'`] : []),
    ...(type === 'uuid' ? [`format: 'uuid'`] : []),
  ];
  return nullable && parts.length > 0 && !values ? [...parts, 'nullable: true'] : parts;
}

/** @param {Field} field @param {0 | 1} n which of two that differ */
function sampleOf({ type, min, max, values = [] }, n) {
  const low = min ?? 0;
  const number = () => {
    const first = low <= 1 && (max ?? Infinity) >= 1 ? 1 : low;
    return n === 0 || first + 1 <= (max ?? Infinity) ? first + n : Math.max(low, first - 1);
  };
  const text = () => (n === 0 ? 'first' : 'other').padEnd(min ?? 0, 'x').slice(0, max);
  const samples = {
    text,
    email: () => (n === 0 ? 'first@example.com' : 'other@example.com'),
    int: number,
    number,
    bool: () => n === 0,
    date: () => (n === 0 ? '2030-01-31' : '2030-02-28'),
    timestamptz: () => (n === 0 ? '2030-01-31T12:00:00.000Z' : '2030-02-28T12:00:00.000Z'),
    uuid: () => (n === 0 ? '5f0c4a52-6f5c-4d0b-9a8e-3f6a1b2c4d5e' : '6f0c4a52-6f5c-4d0b-9a8e-3f6a1b2c4d5e'),
    json: () => ({ n }),
    enum: () => values[n],
    ref: () => null,
  };
  return samples[type]();
}

/** Code for a value that no other row has: `n` counts up. @param {Field} field */
function freshOf({ type, min, max }) {
  const low = String(Math.min(Math.max(min ?? 1, 1), (max ?? Infinity) - 1_000));
  const code = {
    text: `n.toString(36).padStart(${Math.max(min ?? 1, 1)}, '0')`,
    email: '`${n}@example.com`',
    int: `${low} + n`,
    number: `${low} + n`,
    date: 'new Date(Date.UTC(2031, 0, n)).toISOString().slice(0, 10)',
    timestamptz: 'new Date(Date.UTC(2031, 0, 1, 0, n)).toISOString()',
    uuid: '`5f0c4a52-6f5c-4d0b-9a8e-${String(n).padStart(12, "0")}`',
  };
  return code[type];
}

/** Values that no call may have for the field, as they stand in code. @param {Field} field */
function badOf({ type, min, max }) {
  const bad = {
    text: () => ['7', ...(min ? ["''"] : []), `'x'.repeat(${(max ?? 0) + 1})`],
    email: () => ["'nobody'", '7'],
    int: () => [
      "'7'",
      '1.5',
      min === undefined || min === -MAX_INTEGER ? '-2_147_483_649' : String(min - 1),
      max === undefined || max === MAX_INTEGER ? '2_147_483_648' : String(max + 1),
    ],
    number: () => ["'7'", ...(min === undefined ? [] : [String(min - 1)]), ...(max === undefined ? [] : [String(max + 1)])],
    bool: () => ["'true'", '1'],
    date: () => ["'2030-02-30'", "'31.1.2030'", '7'],
    timestamptz: () => ["'2030-02-30T12:00:00Z'", "'2030-01-31T12:00:00'", '7'],
    uuid: () => ["'none'", '7'],
    json: () => ["'{}'", '[1]'],
    enum: () => ["'none-of-them'", '7'],
    ref: () => ['0', "'1'"],
  };
  return bad[type]();
}

/**
 * Everything that templates need to know of a feature.
 * @param {{ names: ReturnType<typeof import('./names.cjs').featureNames>, fields: Field[], owned: boolean, metered: boolean, cost: number, stamp: number }} feature
 */
function modelOf({ names, fields, ...rest }) {
  return {
    ...names,
    ...rest,
    aTitle: `${/^[aeiou]/.test(names.title) ? 'an' : 'a'} ${names.title}`,
    route: `v1/${names.plural}`,
    fields: fields.map((field) => viewOf(field, names)),
  };
}

/** Import lines of what is used, one for each module. @param {Record<string, Iterable<string>>} modules */
function importsOf(modules) {
  return Object.entries(modules)
    .map(([from, names]) => /** @type {const} */ ([from, [...new Set(names)].sort((a, b) => a.replace('type ', '').localeCompare(b.replace('type ', '')))]))
    .filter(([, names]) => names.length > 0)
    .map(([from, names]) => `import { ${names.join(', ')} } from '${from}';`)
    .join('\n');
}

module.exports = { importsOf, literal, modelOf, viewOf };
