const { createHash } = require('node:crypto');
const { refuse } = require('./refusal.cjs');

/**
 * What was made of a feature: of which line, which files with which content, and which lines in files that others write in too.
 * @typedef {{ feature: string, singular: string, fields: string, owned: boolean, metered: boolean, cost: number, stamp: number,
 *   files: Record<string, string>, added?: string[], lines: { path: string, text: string }[] }} Manifest
 */

const pathOf = (/** @type {string} */ feature) => `src/${feature}/${feature}.generated.json`;
const hashOf = (/** @type {string} */ text) => createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('base64url');

/**
 * @param {import('./house.cjs').Tree} house
 * @param {string} feature
 * @returns {Manifest | null}
 */
function readManifest(house, feature) {
  const text = house.read(pathOf(feature));
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return refuse(`${pathOf(feature)} is no JSON: take it back from version control.`);
  }
}

/** Files of the manifest that are not as they were made. @param {import('./house.cjs').Tree} house @param {Manifest} manifest @returns {string[]} */
function editedFiles(house, { files }) {
  return Object.entries(files)
    .filter(([path, hash]) => hashOf(house.read(path) ?? '') !== hash)
    .map(([path]) => path);
}

module.exports = { editedFiles, hashOf, pathOf, readManifest };
