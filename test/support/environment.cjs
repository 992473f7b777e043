// The environment of every test file: Node's, and the same one for all the files that a worker runs, so that what the service is made of is loaded once a
// worker (see runtime.cjs) and not once a file. What a file may leave in it are the variables of the process: each finds those that the worker began with.
const { TestEnvironment } = require('jest-environment-node');

class KeptEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.variables = { ...this.global.process.env };
    this.exit = this.global.process.exit;
  }

  /** @override */
  setup() {
    const { env } = this.global.process;
    for (const name of Object.keys(env)) if (!(name in this.variables)) delete env[name];
    Object.assign(env, this.variables);
    // Jest puts its own around it, for each file.
    this.global.process.exit = this.exit;
    return Promise.resolve();
  }

  /** @override */
  teardown() {
    return Promise.resolve();
  }
}

/** @type {KeptEnvironment | undefined} */
let kept;

module.exports = class {
  constructor(config, context) {
    return (kept ??= new KeptEnvironment(config, context));
  }
};
