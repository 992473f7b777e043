// `npm run migration:generate|run|revert|show`: TypeORM's command line on the application's database.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { built, withApplicationDatabase } from './with-database.mjs';

const [command, ...rest] = process.argv.slice(2);
built('database/data-source-options.js');
process.exitCode = await withApplicationDatabase(async (url) => {
  const child = spawn(process.execPath, ['node_modules/typeorm/cli.js', command, ...rest, '-d', 'dist/src/database/data-source.js'], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: url },
  });
  const [code] = await once(child, 'exit');
  return code;
});
