// The environment of every test file: Node's, in which a module that this worker compiled before is not compiled anew. Jest gives each file modules of
// its own, some two thousand of them, and V8 forgets what it knew of their text from one file to the next.
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

/** @type {Map<string, { text: string, cachedData: Buffer | undefined }>} */
const compiled = new Map();
const compileFunction = vm.compileFunction;

/** @type {typeof compileFunction} */
vm.compileFunction = (text, parameters, options = {}) => {
  const { filename } = options;
  if (filename === undefined) return compileFunction(text, parameters, options);
  const known = compiled.get(filename);
  if (known?.text === text && known.cachedData) return compileFunction(text, parameters, { ...options, cachedData: known.cachedData });
  const made = compileFunction(text, parameters, { ...options, produceCachedData: true });
  compiled.set(filename, { text, cachedData: made.cachedData });
  return made;
};

module.exports = TestEnvironment;
