const { merged } = require('./diff.cjs');
const { parseFields } = require('./fields.cjs');
const { editedFiles, hashOf, pathOf, readManifest } = require('./manifest.cjs');
const { viewOf } = require('./model.cjs');
const { featureNames, kebab } = require('./names.cjs');
const { Refusal, refuse } = require('./refusal.cjs');
const { fieldsOf, formatted, renderFeature, templateOf } = require('./render.cjs');

/** @typedef {import('./diff.cjs').Changes} Changes */
/** @typedef {import('./house.cjs').Tree} House */

/**
 * Adds fields to a generated feature. What was edited since is merged, as version control would; where both touched the same
 * place nothing is written.
 * @param {House} house
 * @param {{ name?: string, fields?: string }} options
 * @returns {Promise<import('./feature.cjs').Plan>}
 */
async function planField(house, { name, fields: line = '' }) {
  if (!name) throw new Refusal('Which feature gets a field? field invoices "dueOn:date?".');
  const manifest = readManifest(house, name);
  if (manifest === null) throw new Refusal(`There is no feature ${name} that this generator made: src/${name}/${name}.generated.json is missing.`);
  const names = featureNames(name, manifest);
  const before = fieldsOf(house, manifest).all;
  const asked = line.trim().split(/\s+/).filter(Boolean).join(' ');
  const added = parseFields(asked, { tables: house.tables().filter((one) => one.table !== names.table), table: names.table });
  const known = (manifest.added ?? []).concat(manifest.fields).join(' ').split(' ');
  if (asked.split(' ').every((one) => known.includes(one)))
    return { changes: new Map(), message: `${name} has ${added.map((field) => field.name).join(', ')}: nothing to do.` };
  for (const field of added) {
    if (before.some(({ column }) => column === field.column)) throw new Refusal(`${name} has a field ${field.name} already.`);
    if (!field.nullable && field.default === undefined)
      throw new Refusal(`"${field.name}": a field that is added later is missing in rows that are there. Write ? behind its type, or give it a default.`);
  }
  const after = { ...manifest, added: [...(manifest.added ?? []), asked] };
  const was = await renderFeature(house, manifest);
  const is = await renderFeature(house, after);
  /** @type {Changes} */
  const changes = new Map();
  const hashes = { ...manifest.files };
  const edited = new Set(editedFiles(house, manifest));
  for (const [path, text] of is) {
    const current = house.read(path);
    if (current === null) throw new Refusal(`${path} is not there any more: the field cannot be added by itself.`);
    if (was.get(path) === text) continue;
    const next = edited.has(path) ? mergedOrRefused(path, manifest, current, was.get(path) ?? '', text) : text;
    changes.set(path, { before: current, after: next });
    hashes[path] = edited.has(path) ? /** @type {string} */ (manifest.files[path]) : hashOf(text);
  }
  for (const [path, text] of migrationsOf(house, names, added, manifest.owned)) {
    const made = await formatted(house, path, text);
    changes.set(path, { before: null, after: made });
    hashes[path] = hashOf(made);
  }
  const text = await formatted(house, pathOf(name), JSON.stringify({ ...after, files: hashes }));
  changes.set(pathOf(name), { before: house.read(pathOf(name)), after: text });
  return { changes, message: `${name} has ${added.map((field) => field.name).join(', ')}.` };
}

/** @returns {string} */
function mergedOrRefused(path, manifest, current, was, is) {
  if (hashOf(was) !== manifest.files[path])
    throw new Refusal(`${path} was edited, and its template too since it was made: nothing was written. Add the field there by hand, or take the edits back.`);
  return (
    merged(current, was, is) ?? refuse(`${path} was edited where the field belongs: nothing was written. Add the field there by hand, or take the edits back.`)
  );
}

/** @param {House} house @param {ReturnType<typeof featureNames>} names @param {import('./fields.cjs').Field[]} fields @param {boolean} owned @returns {[string, string][]} */
function migrationsOf(house, names, fields, owned) {
  const stamp = house.nextStamp();
  const views = fields.map((field) => viewOf(field, names));
  const title = `${fields
    .map(({ column }) => kebab(column))
    .join('-')
    .slice(0, 60)}-to-${names.plural}`;
  const checked = views.some(({ checks, ref, unique }) => checks.length > 0 || ref || unique);
  const { add, validate } = templateOf(house, 'field-migration');
  return [
    [`migrations/${stamp}-add-${title}.ts`, add({ ...names, fields: views, stamp, className: `Add${names.Plural}Fields${stamp}` })],
    ...(checked
      ? [
          /** @type {[string, string]} */ ([
            `migrations/${stamp + 1}-validate-${title}.ts`,
            validate({ ...names, owned, fields: views, stamp: stamp + 1, className: `Validate${names.Plural}Fields${stamp + 1}` }),
          ]),
        ]
      : []),
  ];
}

module.exports = { planField };
