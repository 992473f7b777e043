const { parseFields } = require('./fields.cjs');
const { insertionsOf, withoutLine } = require('./insertions.cjs');
const { editedFiles, hashOf, pathOf, readManifest } = require('./manifest.cjs');
const { modelOf } = require('./model.cjs');
const { featureNames } = require('./names.cjs');
const { Refusal, refuse } = require('./refusal.cjs');
const { formatted, renderFeature } = require('./render.cjs');

/** @typedef {import('./diff.cjs').Changes} Changes */
/** @typedef {import('./house.cjs').Tree} House */
/** @typedef {{ changes: Changes, message: string }} Plan What is to be written, and one line about it; without changes there is nothing to do. */

/**
 * @param {House} house
 * @param {{ name?: string, fields?: string, singular?: string, owned?: boolean, metered?: boolean, cost?: number | string }} options
 * @returns {Promise<Plan>}
 */
async function planFeature(house, { name, fields: line, singular, owned = true, metered = false, cost: stated }) {
  if (!name) throw new Refusal('A feature has a name: feature invoices "amount:int{min=0} note:text?".');
  const names = featureNames(name, { singular });
  const cost = Number(stated ?? 1);
  if (!Number.isInteger(cost) || cost < 1 || cost > 2_147_483_647) throw new Refusal(`--cost=${String(stated)} is no number of units: a whole number from 1.`);
  if (stated !== undefined && !metered) throw new Refusal('--cost is of a metered feature: add --metered.');
  if (metered && !owned) throw new Refusal('--metered needs --owned: a feature that is nobody’s has nobody to charge.');
  const { plural, table, Class } = names;
  const fields = (line ?? '').trim().split(/\s+/).filter(Boolean).join(' ');
  const known = { tables: house.tables().filter((one) => one.table !== table), table };
  parseFields(fields, known);
  const asked = { feature: plural, singular: names.singular, fields, owned, metered, cost };
  const there = readManifest(house, plural);
  if (there !== null) return again(asked, there);
  assertNew(house, names);
  const stamp = house.nextStamp();
  const files = await renderFeature(house, { ...asked, stamp, files: {}, lines: [] });
  /** @type {Changes} */
  const changes = new Map([...files].map(([path, after]) => [path, { before: null, after }]));
  const feature = modelOf({ names, fields: parseFields(fields, known), owned, metered, cost, stamp });
  const insertions = insertionsOf(feature);
  for (const { path, text, after } of insertions) {
    const before = house.read(path);
    const source = changes.get(path)?.after ?? before ?? refuse(`${path} is not there: this is no tree of the house.`);
    const result = after(source, text) ?? refuse(`${path} has not the place where "${text.trim()}" belongs: it was edited.`);
    changes.set(path, { before, after: await formatted(house, path, result) });
  }
  const lines = insertions.map(({ path, text }) => ({ path, text: text.trim() }));
  const hashes = Object.fromEntries([...files].map(([path, text]) => [path, hashOf(text)]));
  const manifest = await formatted(house, pathOf(plural), JSON.stringify({ ...asked, stamp, files: hashes, lines }));
  changes.set(pathOf(plural), { before: null, after: manifest });
  return { changes, message: `${Class}: ${files.size} files, the table ${table}, five routes below /v1/${plural}.` };
}

/** @returns {Plan} */
function again(asked, there) {
  const differs = Object.entries(asked).find(([key, value]) => there[key] !== value);
  if (differs === undefined || (there.added && asked.fields === [there.fields, ...there.added].join(' ')))
    return { changes: new Map(), message: `${asked.feature} is there: nothing to do.` };
  const [key, value] = differs;
  const how = key === 'fields' ? `add fields by: field ${asked.feature} "…"` : `take it back by: undo ${asked.feature}`;
  return refuse(`${asked.feature} is there already, with ${key} ${JSON.stringify(there[key])} and not ${JSON.stringify(value)}: ${how}.`);
}

/** @param {House} house @param {ReturnType<typeof featureNames>} names */
function assertNew(house, { plural, singular, table, Class, Plural }) {
  for (const folder of [`src/${plural}`, `test/${plural}`])
    if (house.has(folder)) throw new Refusal(`${folder}/ is there already, and was not made by this generator: choose another name.`);
  if (house.tables().some((one) => one.table === table)) throw new Refusal(`The table ${table} is there already.`);
  const classes = house.classes();
  const taken = [
    Class,
    `${Class}Dto`,
    `${Class}Page`,
    `Create${Class}Dto`,
    `Update${Class}Dto`,
    `${Plural}Module`,
    `${Plural}Service`,
    `${Plural}Controller`,
    `${Plural}Repository`,
  ].find((one) => classes.has(one));
  if (taken !== undefined) throw new Refusal(`There is a class ${taken} already, so a ${singular} would be confused with it: choose another name.`);
  const paths = Object.keys(JSON.parse(house.read('openapi.json') ?? '{}').paths ?? {});
  const route = paths.find((path) => path === `/v1/${plural}` || path.startsWith(`/v1/${plural}/`));
  if (route !== undefined) throw new Refusal(`The route ${route} is there already.`);
}

/**
 * Takes a feature back, as far as nobody edited it.
 * @param {House} house
 * @param {{ name?: string, force?: boolean }} options
 * @returns {Promise<Plan>}
 */
async function planUndo(house, { name }) {
  if (!name) throw new Refusal('What is to be taken back? undo invoices.');
  const manifest = readManifest(house, name);
  if (manifest === null) {
    if (house.has(`src/${name}`)) throw new Refusal(`src/${name}/ was not made by this generator: there is no src/${name}/${name}.generated.json.`);
    return { changes: new Map(), message: `There is no feature ${name}: nothing to do.` };
  }
  const edited = editedFiles(house, manifest);
  if (edited.length > 0) throw new Refusal(`Edited since: ${edited.join(', ')}. Nothing was taken back: undo the edits, or remove the feature by hand.`);
  const others = house.files(`src/${name}`, /./).filter((path) => !(path in manifest.files) && path !== pathOf(name));
  if (others.length > 0) throw new Refusal(`Added since: ${others.join(', ')}. Nothing was taken back: move them first.`);
  assertUnused(house, name, featureNames(name, manifest));
  /** @type {Changes} */
  const changes = new Map();
  for (const path of [...Object.keys(manifest.files), pathOf(name)]) changes.set(path, { before: house.read(path), after: null });
  for (const { path, text } of manifest.lines) {
    const before = house.read(path) ?? '';
    const source = changes.get(path)?.after ?? before;
    changes.set(path, { before, after: await formatted(house, path, withoutLine(path, source, text)) });
  }
  return {
    changes,
    message: `${name} is taken back. Where its migration has run, its table is still there: DROP TABLE ${featureNames(name, manifest).table}.`,
  };
}

/** Nothing else depends on it. @param {House} house @param {string} name @param {ReturnType<typeof featureNames>} names */
function assertUnused(house, name, { table, Class }) {
  const users = house
    .files('src', /\.ts$/)
    .filter((path) => !path.startsWith(`src/${name}/`) && path !== 'src/app.module.ts')
    .filter((path) => new RegExp(`from '[^']*/${name}/|ForeignKey\\('${Class}'`).test(house.read(path) ?? ''));
  if (users.length > 0) throw new Refusal(`${users.join(', ')} ${users.length === 1 ? 'depends' : 'depend'} on ${name}: take that back first.`);
  const migrations = house
    .files('migrations', /\.ts$/)
    .filter((path) => !path.endsWith(`-create-${name}.ts`) && new RegExp(`REFERENCES ${table}\\b`).test(house.read(path) ?? ''));
  if (migrations.length > 0) throw new Refusal(`${migrations.join(', ')} refers to the table ${table}: take that back first.`);
}

module.exports = { planFeature, planUndo };
