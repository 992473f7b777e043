// Loads a test file's modules. Jest gives each file modules of its own, some two thousand of them, which costs more than most files' tests. Here a worker
// keeps what the files share: the packages, the service itself, and the document that answers are held to. Only the tests and their support are loaded anew.
const { join, sep } = require('node:path');

/**
 * What this needs of Jest's runtime, some of which its types do not show.
 * @typedef {object} Loader
 * @property {(from: string, name: string) => unknown} requireModuleOrMock
 * @property {() => Map<string, string>} getSourceMaps
 * @property {{ sourceMaps: Map<string, string> }} transformCache
 * @property {{ resolveCjs(from: string, name: string): string }} _resolution
 */
/** @type {new (config: { rootDir: string }, ...rest: unknown[]) => Loader} */
const Runtime = /** @type {never} */ (require('jest-runtime').default);

/**
 * What loads what is kept. It is never torn down: modules may load others long after the file that first asked for them.
 * @type {Loader | undefined}
 */
let keeper;

class SharingRuntime extends Runtime {
  /** @param {{ rootDir: string }} config @param {...unknown} rest */
  constructor(config, ...rest) {
    super(config, ...rest);
    this.keeper = keeper ??= new Runtime(config, ...rest);
    // Stacks lead through modules of both.
    this.transformCache.sourceMaps = this.keeper.getSourceMaps();
    this.kept = [join(config.rootDir, 'src') + sep, join(config.rootDir, 'test/support/wire/document.ts')];
    const own = this.requireModuleOrMock;
    this.requireModuleOrMock = (from, name) => (this.keeps(from, name) ? this.keeper.requireModuleOrMock(from, name) : own.call(this, from, name));
  }

  /** @param {string} from @param {string} name */
  keeps(from, name) {
    if (name.startsWith('node:') || name === '@jest/globals') return false;
    try {
      const path = this._resolution.resolveCjs(from, name);
      return path.includes(`${sep}node_modules${sep}`) || this.kept.some((kept) => path.startsWith(kept));
    } catch {
      return false;
    }
  }
}

module.exports = { __esModule: true, default: SharingRuntime };
