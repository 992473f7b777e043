// The client's types, of the document: a worker of `generated.mjs`, so that they are made beside the rest.
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';

/** The linter that openapi-typescript itself depends on. Its rules cost more than the types, and `npm run openapi:check` has better ones. */
const { createConfig } = createRequire(createRequire(import.meta.url).resolve('openapi-typescript'))('@redocly/openapi-core');

parentPort?.once('message', (/** @type {string} */ text) => void typesOf(text).then((types) => parentPort?.postMessage(types)));

/** As `npm run client:generate` and its check make them. @param {string} text */
async function typesOf(text) {
  const types = await openapiTS(JSON.parse(text), { emptyObjectsUnknown: true, silent: true, redocly: await createConfig({ rules: {} }) });
  return `${COMMENT_HEADER}${astToString(types)}`;
}
