// Nest 12 is ESM-only, and Jest can require() ES modules only on Node >= 24.9: on 20 and 22 our TypeScript and the
// ESM packages that it reaches are turned into CommonJS by SWC. "Must use import to load ES Module: …/X" means: add X.
const esmPackages = ['@nestjs/', 'cookie/', 'content-disposition/', 'structured-headers/', 'marked/', 'jose/', 'openid-client/', 'oauth4webapi/'];

const swc = (parser, { sourceMaps, ...transform }) => [
  '@swc/jest',
  {
    jsc: { target: 'es2022', parser, transform, keepClassNames: true },
    module: { type: 'commonjs' },
    sourceMaps,
    swcrc: false,
  },
];

const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  rootDir: __dirname,
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'json', 'node'],
  transform: {
    '^.+\\.ts$': swc({ syntax: 'typescript', decorators: true }, { legacyDecorator: true, decoratorMetadata: true, sourceMaps: 'inline' }),
    '^.+\\.m?js$': swc({ syntax: 'ecmascript' }, { sourceMaps: false }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(.*/)?(${esmPackages.join('|')}))`],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  moduleNameMapper: {
    // Packages on each other: what they are built of, and not what was built of them once.
    '^@quotidian/client$': '<rootDir>/packages/client/src/index.ts',
    // What is imported when it is needed is named as it will be when it is compiled.
    '^(\\.{1,2}/.+)\\.js$': ['$1.js', '$1.ts'],
  },
  ...extra,
});

/** @type {import('jest').Config} */
module.exports = {
  testTimeout: 30_000,
  // The tests wait for the database more than they compute.
  maxWorkers: 3,
  // Jest keeps some of every file's modules, so that a worker grows by tens of megabytes a file, up to V8's limit: one that is larger begins anew.
  workerIdleMemoryLimit: '1GB',
  projects: [
    project('unit', ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/*.spec.ts']),
    project('e2e', ['<rootDir>/test/**/*.e2e-spec.ts'], {
      runtime: '<rootDir>/test/support/runtime.cjs',
      setupFilesAfterEnv: ['<rootDir>/test/support/wire/each-test.ts'],
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    }),
  ],
};
