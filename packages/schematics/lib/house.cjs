const { readdirSync, readFileSync, existsSync } = require('node:fs');
const { dirname, join, relative, sep } = require('node:path');

/** @typedef {import('./fields.cjs').Table} Table */

/** @typedef {House} Tree */

/** What is read of the tree: files by their paths from its root, with slashes. */
class House {
  /** @param {string} root */
  constructor(root) {
    this.root = root;
  }

  /** @param {string} path @returns {string | null} */
  read(path) {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : null;
  }

  /** @param {string} path */
  has(path) {
    return existsSync(join(this.root, path));
  }

  /** @param {string} folder @param {RegExp} pattern @returns {string[]} */
  files(folder, pattern) {
    if (!this.has(folder)) return [];
    return readdirSync(join(this.root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && pattern.test(entry.name))
      .map((entry) => relative(this.root, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .sort();
  }

  /** Every table that an entity describes. @returns {Table[]} */
  tables() {
    return this.files('src', /\.entity\.ts$/).flatMap((path) => {
      const text = this.read(path) ?? '';
      const table = /@Entity\('(\w+)'\)/.exec(text)?.[1];
      const Class = /@Entity\([\s\S]*?export class (\w+)/.exec(text)?.[1];
      if (table === undefined || Class === undefined) return [];
      const integerId = /@PrimaryGeneratedColumn\([\s\S]*?type: 'integer'[\s\S]*?\)\s+id: number;/.test(text);
      return [{ table, Class, integerId, owned: /\n {2}userId: number;/.test(text), path: `..${path.slice('src'.length, -'.ts'.length)}` }];
    });
  }

  /** Names of classes that are there. @returns {Set<string>} */
  classes() {
    return new Set(
      this.files('src', /\.ts$/).flatMap((path) => [...(this.read(path) ?? '').matchAll(/^export (?:abstract )?class (\w+)/gm)].map(([, name = '']) => name)),
    );
  }

  /** A time for a migration that runs after all that there are. */
  nextStamp() {
    const stamps = this.files('migrations', /^\d+-.*\.ts$/).map((path) => Number(/\/(\d+)-/.exec(path)?.[1]));
    return Math.max(Date.now(), ...stamps.map((stamp) => stamp + 1_000));
  }
}

/** The folder that holds `nest-cli.json`, from here upwards. @param {string} from @returns {string} */
function rootAbove(from) {
  if (existsSync(join(from, 'nest-cli.json'))) return from;
  const above = dirname(from);
  if (above === from) throw new Error('There is no nest-cli.json here or above.');
  return rootAbove(above);
}

module.exports = { House, rootAbove };
