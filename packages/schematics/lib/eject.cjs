const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

/**
 * Copies the templates into the tree, where they are found first. Those that are there stay as they are.
 * @param {import('./house.cjs').Tree} house
 * @returns {Promise<import('./feature.cjs').Plan>}
 */
function planEject(house) {
  const folder = join(__dirname, '../templates/feature');
  /** @type {import('./diff.cjs').Changes} */
  const changes = new Map();
  for (const name of readdirSync(folder)) {
    const path = `templates/feature/${name}`;
    if (house.has(path)) continue;
    changes.set(path, { before: null, after: readFileSync(join(folder, name), 'utf8').replaceAll('../../lib/', '../../packages/schematics/lib/') });
  }
  return Promise.resolve({
    changes,
    message: changes.size === 0 ? 'templates/feature/ has them all: nothing to do.' : 'templates/feature/ is what features are made of from now on.',
  });
}

module.exports = { planEject };
