// `npm run generated`: all that is generated of the code and committed with it, in one process: openapi.json, the client's types, sql/, pages of errors
// and reference. Each has a command of its own as well, with a check.
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { built } from './built.mjs';
import { writeErrors } from './errors.mjs';
import { isMain } from './is-main.mjs';
import { writeReference } from './reference.mjs';
import { schemaText, writeSql } from './sql.mjs';

const CLIENT_TYPES = 'packages/client/src/schema.ts';

/**
 * Writes what is not up to date.
 * @returns {Promise<string[]>} what somebody has to mend
 */
export async function generate() {
  const types = new Worker(new URL('./client-schema.mjs', import.meta.url));
  try {
    // The server starts, and the worker reads what it imports, while this thread loads the application.
    const schema = schemaText();
    schema.catch(() => undefined);
    const document = await built('cli/openapi-text.js').openApiText();
    write('openapi.json', document);
    const clientTypes = once(types, 'message');
    clientTypes.catch(() => undefined);
    types.postMessage(document);
    const { problems } = await writeErrors();
    await writeReference();
    await writeSql({ schema });
    const [text] = await clientTypes;
    write(CLIENT_TYPES, text);
    return problems;
  } finally {
    await types.terminate();
  }
}

function write(path, text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}

if (isMain(import.meta.url)) {
  const problems = await generate();
  for (const line of problems) console.log(line);
  process.exit(problems.length === 0 ? 0 : 1);
}
