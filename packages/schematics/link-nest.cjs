// After `npm ci`: `npx nest` is `nest.cjs`, which is beside this. Where links cannot be made it stays the Nest CLI's own, and definitions go to `npm run g`.
const { lstatSync, rmSync, symlinkSync } = require('node:fs');
const { join, relative } = require('node:path');

const bin = join(__dirname, '../../node_modules/.bin');
try {
  if (lstatSync(join(bin, 'nest')).isSymbolicLink()) {
    rmSync(join(bin, 'nest'));
    symlinkSync(relative(bin, join(__dirname, 'nest.cjs')), join(bin, 'nest'));
  }
} catch {
  // No development dependencies, or a system whose programs are no links.
}
