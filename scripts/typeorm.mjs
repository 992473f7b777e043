// `npm run migration:generate|run|revert|show`: TypeORM's command line on the application's database. What it generates is written anew as migrations
// of this house are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dress } from './generated-migration.mjs';
import { built } from './built.mjs';
import { withApplicationDatabase } from './with-database.mjs';

const [command, ...rest] = process.argv.slice(2);
const folder = dirname(rest[0] ?? '.');
const before = command === 'migration:generate' ? new Set(readdirSync(folder)) : new Set();
built('database/data-source-options.js');
process.exitCode = await withApplicationDatabase(async (url) => {
  const child = spawn(process.execPath, ['node_modules/typeorm/cli.js', command, ...rest, '-d', 'dist/src/database/data-source.js'], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: url },
  });
  const [code] = await once(child, 'exit');
  return code;
});
if (process.exitCode === 0 && command === 'migration:generate') {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.ts') && !before.has(file)))
    for (const path of await dress(join(folder, name))) console.log(`As the house writes it: ${path}`);
  console.log('Read it, then npm run migration:check: what would hold a lock for long, as a changed type does, is named there.');
}
