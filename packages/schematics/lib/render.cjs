const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { isRequired, parseFields } = require('./fields.cjs');
const { modelOf, viewOf } = require('./model.cjs');
const { featureNames } = require('./names.cjs');

/** @typedef {import('./manifest.cjs').Manifest} Manifest */
/** @typedef {import('./house.cjs').Tree} House */

/** A template: the house's own where it was ejected. @param {House} house @param {string} name @returns {any} */
function templateOf(house, name) {
  const ejected = join(house.root, 'templates/feature', `${name}.cjs`);
  return require(existsSync(ejected) ? ejected : join(__dirname, '../templates/feature', `${name}.cjs`));
}

/** Text as `npm run format` leaves it. @param {House} house @param {string} path @param {string} text @returns {Promise<string>} */
async function formatted(house, path, text) {
  const prettier = require('prettier');
  const filepath = join(house.root, path);
  return prettier.format(text, { ...(await prettier.resolveConfig(filepath)), filepath });
}

/**
 * The fields of a manifest: those that its first migration made, and all.
 * @param {House} house
 * @param {Manifest} manifest
 */
function fieldsOf(house, { feature, singular, fields, added = [] }) {
  const { table } = featureNames(feature, { singular });
  const known = { tables: house.tables().filter((one) => one.table !== table), table };
  const first = parseFields(fields, known);
  return { first, all: added.length > 0 ? parseFields([fields, ...added].join(' '), known) : first };
}

/**
 * Every file of a feature by its path, but for migrations that fields added later.
 * @param {House} house
 * @param {Manifest} manifest
 * @returns {Promise<Map<string, string>>}
 */
async function renderFeature(house, manifest) {
  const names = featureNames(manifest.feature, manifest);
  const { first, all } = fieldsOf(house, manifest);
  const feature = modelOf({ ...manifest, names, fields: all });
  const { plural, singular } = names;
  const dto = templateOf(house, 'dto');
  const texts = {
    [`src/${plural}/${plural}.module.ts`]: templateOf(house, 'module')(feature),
    [`src/${plural}/${plural}.controller.ts`]: templateOf(house, 'controller')(feature),
    [`src/${plural}/${plural}.service.ts`]: templateOf(house, 'service')(feature),
    [`src/${plural}/${plural}.repository.ts`]: templateOf(house, 'repository')(feature),
    [`src/${plural}/${plural}.settings.ts`]: templateOf(house, 'settings')(feature),
    [`src/${plural}/dto/create-${singular}.dto.ts`]: dto.create(feature),
    [`src/${plural}/dto/update-${singular}.dto.ts`]: dto.update(feature),
    [`src/${plural}/dto/${singular}.dto.ts`]: dto.answer(feature),
    [`src/${plural}/entities/${singular}.entity.ts`]: templateOf(house, 'entity')(feature),
    [`migrations/${manifest.stamp}-create-${plural}.ts`]: templateOf(house, 'migration')(modelOf({ ...manifest, names, fields: first })),
    [`test/${plural}/${plural}.e2e-spec.ts`]: templateOf(house, 'spec')(feature),
    [`test/${plural}/${plural}.ts`]: templateOf(house, 'factory')(feature),
  };
  const made = await Promise.all(Object.entries(texts).map(async ([path, text]) => /** @type {const} */ ([path, await formatted(house, path, text)])));
  return new Map(made);
}

module.exports = { fieldsOf, formatted, isRequired, renderFeature, templateOf, viewOf };
