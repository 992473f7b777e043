// Peers are no dependencies: whoever measures beside them installs them for it (docs/benchmarks.md).
declare module 'graphile-worker';
declare module 'pg-boss';
