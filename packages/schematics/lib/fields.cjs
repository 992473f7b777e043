const { MAX_NAME, assertFieldName, pascal, snake } = require('./names.cjs');
const { Refusal, refuse } = require('./refusal.cjs');

const MAX_INTEGER = 2_147_483_647;
const MAX_FIELDS = 40;
const MAX_TEXT = 10_000;
const DEFAULT_TEXT = 1_000;
const DEFAULT_UNIQUE_TEXT = 200;
/** What an entry of an index has room for, whatever the characters. */
const MAX_UNIQUE_TEXT = 500;
/** Of a field whose values differ, so that tests can make as many rows as they need. */
const MIN_UNIQUE_VALUES = 1_000;
const UNIQUE_TYPES = ['text', 'email', 'int', 'number', 'date', 'timestamptz', 'uuid'];

/** What may stand in the braces of each type. */
const OPTIONS = {
  text: ['min', 'max', 'default'],
  email: [],
  int: ['min', 'max', 'default'],
  number: ['min', 'max', 'default'],
  bool: ['default'],
  date: [],
  timestamptz: [],
  uuid: [],
  json: [],
  enum: ['default'],
  ref: [],
};
const OTHER_NAMES = {
  string: 'text',
  varchar: 'text',
  citext: 'email',
  integer: 'int',
  smallint: 'int',
  bigint: 'int',
  serial: 'int',
  float: 'number',
  double: 'number',
  decimal: 'number',
  numeric: 'number',
  money: 'number',
  boolean: 'bool',
  datetime: 'timestamptz',
  timestamp: 'timestamptz',
  time: 'timestamptz',
  object: 'json',
  jsonb: 'json',
  belongsto: 'ref',
  references: 'ref',
};
const GRAMMAR = /^(?<name>[^:]+):(?<type>[a-zA-Z]+)(?:\((?<args>[^()]*)\)|=(?<word>[\w|-]+))?(?:\{(?<options>[^{}]*)\})?(?<mark>[?!]*)$/;

/**
 * @typedef {{ name: string, column: string, type: string, nullable: boolean, unique: boolean, min?: number, max?: number, default?: string | number | boolean, values?: string[],
 *   ref?: { table: string, Class: string, path: string, owned: boolean } }} Field
 * @typedef {{ table: string, Class: string, path: string, owned: boolean, integerId: boolean }} Table
 */

/**
 * The fields of a line such as `amount:int{min=0} note:text? customer:ref(users)`.
 * @param {string} line
 * @param {{ tables: Table[], table: string }} known the tables to refer to, and the one whose fields these are
 * @returns {Field[]}
 */
function parseFields(line, known) {
  const specs = line.trim().split(/\s+/).filter(Boolean);
  if (specs.length === 0) throw new Refusal('No field is given: a feature has one at the least, such as "amount:int{min=0} note:text?".');
  if (specs.length > MAX_FIELDS) throw new Refusal(`${specs.length} fields are too many for one table: ${MAX_FIELDS} at most.`);
  const fields = specs.map((spec) => parseField(spec, known));
  const seen = new Set();
  for (const { name, column } of fields) {
    if (seen.has(column)) throw new Refusal(`"${name}" is there twice.`);
    seen.add(column);
  }
  return fields;
}

/**
 * @param {string} spec
 * @param {{ tables: Table[], table: string }} known
 * @returns {Field}
 */
function parseField(spec, { tables, table }) {
  const { name, type, args, word, options, mark } =
    GRAMMAR.exec(spec)?.groups ??
    refuse(`"${spec}" is no field: name:type, then {options}, then ? where it may be missing, such as note:text{max=500}?, or ! where no two may be the same.`);
  if (!Object.hasOwn(OPTIONS, type)) {
    const instead = OTHER_NAMES[type.toLowerCase()];
    refuse(`"${spec}": there is no type ${type}${instead ? `: write ${instead}` : ''}. Types: ${Object.keys(OPTIONS).join(', ')}.`);
  }
  const given = args ?? word;
  if (given !== undefined && type !== 'ref' && type !== 'enum') throw new Refusal(`"${spec}": ${type} has nothing in parentheses.`);
  /** @type {Field} */
  const field = { name, column: '', type, nullable: mark.includes('?'), unique: mark.includes('!') };
  if (type === 'ref') Object.assign(field, { name: `${name}Id`, ref: tableOf(spec, given, tables) });
  if (type === 'enum') field.values = valuesOf(spec, given);
  assertFieldName(field.name);
  field.column = snake(field.name);
  const longest = `${table}_${field.column}_check`;
  if (longest.length > MAX_NAME) throw new Refusal(`"${field.name}" is too long: its constraint ${longest} would have more than ${MAX_NAME} characters.`);
  readOptions(field, spec, options);
  if (field.unique) assertUnique(field, spec);
  return field;
}

/**
 * @param {string} spec
 * @param {string | undefined} name
 * @param {Table[]} tables
 */
function tableOf(spec, name, tables) {
  if (!name) throw new Refusal(`"${spec}": a relation names its table: ref(users).`);
  const found = tables.find(({ table }) => table === snake(name));
  if (!found)
    throw new Refusal(
      `"${spec}": there is no table ${name}. Tables: ${tables
        .filter(({ integerId }) => integerId)
        .map(({ table }) => table)
        .join(', ')}.`,
    );
  if (!found.integerId) throw new Refusal(`"${spec}": the key of ${name} is no integer id, and other relations are not made here.`);
  const { table, Class, path, owned } = found;
  return { table, Class, path, owned };
}

/**
 * @param {string} spec
 * @param {string | undefined} text
 */
function valuesOf(spec, text) {
  const values = (text ?? '').split('|');
  if (!values.every((value) => /^[a-z][a-z0-9_-]{0,49}$/.test(value)))
    throw new Refusal(`"${spec}": the values of an enum are names of small letters, digits and dashes: enum(draft|sent|paid).`);
  if (values.length < 2 || values.length > 50 || new Set(values).size !== values.length) throw new Refusal(`"${spec}": an enum has 2 to 50 values, each once.`);
  return values;
}

/**
 * @param {Field} field
 * @param {string} spec
 * @param {string | undefined} text
 */
function readOptions(field, spec, text) {
  const { type } = field;
  for (const option of (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)) {
    const [key = '', value] = option.split(/=(.*)/s);
    if (!OPTIONS[type].includes(key))
      throw new Refusal(`"${spec}": ${type} has no option ${key}${OPTIONS[type].length > 0 ? `, only ${OPTIONS[type].join(', ')}` : ''}.`);
    if (value === undefined || value === '') throw new Refusal(`"${spec}": ${key} has no value: {${key}=…}.`);
    if (key === 'default') field.default = valueOf(field, spec, value);
    else field[key] = boundOf(type, spec, key, value);
  }
  if (type === 'text') field.max ??= Math.max(field.unique ? DEFAULT_UNIQUE_TEXT : DEFAULT_TEXT, field.min ?? 0);
  if (type === 'int') Object.assign(field, { min: field.min ?? -MAX_INTEGER, max: field.max ?? MAX_INTEGER });
  const { min = -Infinity, max = Infinity } = field;
  if (min > max) throw new Refusal(`"${spec}": min is above max.`);
  if (type === 'text' && max > MAX_TEXT) throw new Refusal(`"${spec}": a text has ${MAX_TEXT} characters at most.`);
  if (field.default === undefined) return;
  const size = typeof field.default === 'string' ? field.default.length : Number(field.default);
  if (type !== 'bool' && type !== 'enum' && (size < min || size > max))
    throw new Refusal(`"${spec}": the default ${String(field.default)} is out of its bounds.`);
}

/** @param {Field} field @param {string} spec */
function assertUnique({ type, min, max = Infinity, default: standard }, spec) {
  if (!UNIQUE_TYPES.includes(type)) throw new Refusal(`"${spec}": ! (unique) is for ${UNIQUE_TYPES.join(', ')}, and not for ${type}.`);
  if (standard !== undefined) throw new Refusal(`"${spec}": a unique field has no default, which the second row would have as well.`);
  if (type === 'text' && max > MAX_UNIQUE_TEXT)
    throw new Refusal(`"${spec}": a unique text has ${MAX_UNIQUE_TEXT} characters at most, which is what an index has room for.`);
  if (type === 'text' && max < 3) throw new Refusal(`"${spec}": a unique text has room for 3 characters.`);
  if ((type === 'int' || type === 'number') && max - (min ?? 0) < MIN_UNIQUE_VALUES)
    throw new Refusal(`"${spec}": a unique number has ${MIN_UNIQUE_VALUES} values and more.`);
}

function boundOf(type, spec, key, value) {
  const number = Number(value);
  if (!/^-?\d+(\.\d+)?$/.test(value) || (type !== 'number' && !Number.isInteger(number)))
    throw new Refusal(`"${spec}": ${key} must be a ${type === 'number' ? '' : 'whole '}number, and "${value}" is none.`);
  if (type === 'text' && number < 0) throw new Refusal(`"${spec}": a text has no ${key} below 0.`);
  if (type === 'int' && Math.abs(number) > MAX_INTEGER) throw new Refusal(`"${spec}": ${key} is beyond an integer of 32 bits.`);
  return number;
}

function valueOf(/** @type {Field} */ { type, values = [] }, spec, value) {
  if (type === 'bool') return value === 'true' || value === 'false' ? value === 'true' : refuse(`"${spec}": the default of a bool is true or false.`);
  if (type === 'enum') return values.includes(value) ? value : refuse(`"${spec}": "${value}" is none of ${values.join(', ')}.`);
  if (type === 'text') return /^[\w .:/@+-]+$/.test(value) ? value : refuse(`"${spec}": the default of a text is letters, digits and . : / @ + - _.`);
  return boundOf(type, spec, 'default', value);
}

/** Whether a call that makes a row must state the field. @param {Field} field */
const isRequired = ({ nullable, default: standard }) => !nullable && standard === undefined;

/** The name of a constant with the values of an enum. */
const valuesName = (Class, { name }) => snake(`${Class}${pascal(name)}s`).toUpperCase();

module.exports = { MAX_INTEGER, isRequired, parseFields, valuesName };
