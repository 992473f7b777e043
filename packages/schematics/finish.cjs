// What comes after a schematic was written: the changes on standard input, as `schematics.cjs` sends them.
const { readFileSync } = require('node:fs');
const { finish } = require('./lib/finish.cjs');
const { rootAbove } = require('./lib/house.cjs');
const { write } = require('./lib/write.cjs');

const { changes: entries, wasBuilt } = JSON.parse(readFileSync(0, 'utf8'));
const changes = new Map(entries);
const root = rootAbove(process.cwd());

finish(root, { changes, wasBuilt, print: console.log }).catch((error) => {
  write(root, new Map([...changes].map(([path, { before, after }]) => [path, { before: after, after: before }])));
  console.error(`${error instanceof Error ? error.message : String(error)}\nNothing is left of it.`);
  process.exitCode = 1;
});
