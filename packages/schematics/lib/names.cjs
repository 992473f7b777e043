const { Refusal } = require('./refusal.cjs');

/** Reserved by PostgreSQL where a column or table stands (manual, appendix C): they would need quotes everywhere. */
const SQL_RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently constraint create cross
  current_catalog current_date current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except false
  fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right select session_user similar some
  symmetric table tablesample then to trailing true union unique user using variadic verbose when where window with`.split(/\s+/),
);
const SCRIPT_RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in
  instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield
  constructor prototype __proto__ toString valueOf hasOwnProperty`.split(/\s+/),
);
/** Columns and members that each generated feature has by itself, or that its answers use otherwise. */
const OWN_FIELDS = new Set(['id', 'userId', 'createdAt', 'updatedAt', 'reason', 'items', 'nextCursor']);
/** `test/words.spec.ts` refuses these in names. */
const HOUSE_WORDS = /^(words?|say|says|said|saying|tells?|told|telling|hears?|heard|guests?|turns?|sights?|takes?|took|most|least|rulings?|fates?)$/;
/** `test/architecture.spec.ts` refuses these as folders. */
const HOUSE_FOLDERS = new Set(['utils', 'helpers', 'shared', 'core', 'lib', 'manager', 'base', 'misc']);
const IRREGULAR = {
  people: 'person',
  children: 'child',
  men: 'man',
  women: 'woman',
  mice: 'mouse',
  feet: 'foot',
  teeth: 'tooth',
  indices: 'index',
  vertices: 'vertex',
  shelves: 'shelf',
  halves: 'half',
  wolves: 'wolf',
  leaves: 'leaf',
  lives: 'life',
  knives: 'knife',
  wives: 'wife',
  thieves: 'thief',
  loaves: 'loaf',
  matrices: 'matrix',
  criteria: 'criterion',
  analyses: 'analysis',
  buses: 'bus',
};

/** PostgreSQL cuts longer names. */
const MAX_NAME = 63;

const partsOf = (/** @type {string} */ name) =>
  name
    .replace(/([a-z0-9])(?=[A-Z])/g, '$1 ')
    .toLowerCase()
    .split(/[\s_-]+/);
const capital = (/** @type {string} */ text) => text.charAt(0).toUpperCase() + text.slice(1);
const pascal = (/** @type {string} */ name) => partsOf(name).map(capital).join('');
const camel = (/** @type {string} */ name) => pascal(name).replace(/^./, (first) => first.toLowerCase());
const snake = (/** @type {string} */ name) => partsOf(name).join('_');
const kebab = (/** @type {string} */ name) => partsOf(name).join('-');

/**
 * The singular of a plural noun in English; null: it is none, as far as these rules know.
 * @param {string} noun
 */
function singularOf(noun) {
  const parts = noun.split('-');
  const last = parts.pop() ?? '';
  const one = lastSingular(last);
  return one === null ? null : [...parts, one].join('-');
}

/** @param {string} noun */
function lastSingular(noun) {
  if (Object.hasOwn(IRREGULAR, noun)) return IRREGULAR[noun];
  if (/(us|is|ss|news|series|species)$/.test(noun) || !noun.endsWith('s') || noun.length < 3) return null;
  if (/(mov|cook|zomb|self|calor|brown|rook|pix|gen|^t|^p|^l|^d)ies$/.test(noun)) return noun.slice(0, -1);
  if (/ies$/.test(noun)) return `${noun.slice(0, -3)}y`;
  if (/zzes$/.test(noun)) return noun.slice(0, -3);
  if (/(ss|sh|ch|x)es$/.test(noun)) return noun.slice(0, -2);
  if (/(her|ech|potat|tomat|vet|torped|mosquit|volcan|carg|embarg)oes$/.test(noun)) return noun.slice(0, -2);
  if (/(stat|vir|bon|camp|cens|foc|min|pl|octop|apparat|syllab|radi|surpl|prospect|^b|^g)uses$|(ali|bi|atl|canv)ases$/.test(noun)) return noun.slice(0, -2);
  return noun.slice(0, -1);
}

/**
 * The name of a feature, in all its forms.
 * @param {string} name as it was asked for
 * @param {{ singular?: string }} options
 */
function featureNames(name, { singular } = {}) {
  if (!/^[a-zA-Z][a-zA-Z0-9]*([-_][a-zA-Z0-9]+)*$/.test(name))
    throw new Refusal(`"${name}" is no name: letters, digits and dashes, beginning with a letter, such as purchase-orders.`);
  const plural = kebab(name);
  const one = singular === undefined ? singularOf(plural) : kebab(singular);
  if (one === null)
    throw new Refusal(
      `"${plural}" is no plural that is known here: a feature has the plural of what it keeps, such as invoices. If it is one, add --singular=….`,
    );
  if (one === plural) throw new Refusal(`"${plural}" is its own singular: the two must differ, because one is the table and the other a row of it.`);
  for (const part of [...partsOf(plural), ...partsOf(one)]) {
    if (HOUSE_WORDS.test(part)) throw new Refusal(`"${part}" is not used in names here: docs/glossary.md, "Instead of", has what is.`);
  }
  const names = {
    plural,
    singular: one,
    table: snake(plural),
    Class: pascal(one),
    Plural: pascal(plural),
    one: camel(one),
    many: camel(plural),
    title: partsOf(one).join(' '),
    titles: partsOf(plural).join(' '),
  };
  if (HOUSE_FOLDERS.has(plural)) throw new Refusal(`"${plural}" is no name of a folder here: it does not state what is in it.`);
  if (SQL_RESERVED.has(names.table)) throw new Refusal(`"${names.table}" is reserved by PostgreSQL and cannot be a table.`);
  if (names.Class in globalThis) throw new Refusal(`A row would be of class ${names.Class}, which JavaScript has already: choose another name.`);
  if (names.table.length > 40) throw new Refusal(`"${names.table}" is too long: 40 characters at most, because constraints are named after it.`);
  return names;
}

/** @param {string} name */
function assertFieldName(name) {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) throw new Refusal(`"${name}" is no name of a field: camelCase, letters and digits, beginning with a small letter.`);
  if (OWN_FIELDS.has(name)) throw new Refusal(`"${name}" is there already, or used by answers: choose another name.`);
  if (SCRIPT_RESERVED.has(name)) throw new Refusal(`"${name}" is reserved by JavaScript.`);
  if (SQL_RESERVED.has(snake(name))) throw new Refusal(`"${name}" is reserved by PostgreSQL and cannot be a column.`);
  const ours = partsOf(name).find((part) => HOUSE_WORDS.test(part));
  if (ours !== undefined) throw new Refusal(`"${name}": "${ours}" is not used in names here: docs/glossary.md, "Instead of", has what is.`);
}

module.exports = { MAX_NAME, assertFieldName, camel, capital, featureNames, kebab, partsOf, pascal, singularOf, snake };
