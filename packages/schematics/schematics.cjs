// The same plans for `npx nest g`. The Nest CLI hands on three words (a schematic, a name, a path) and no options of a collection: the fields
// come as the path, and what is missing is asked for on a terminal. Its last step is a shell: what it would spoil does not come here, but to `nest.cjs`.
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { diffOf } = require('./lib/diff.cjs');
const { planFeature } = require('./lib/feature.cjs');
const { planField } = require('./lib/field.cjs');
const { planCommand, planJob, planSetting } = require('./lib/parts.cjs');
const { isBuilt } = require('./lib/finish.cjs');
const { House, rootAbove } = require('./lib/house.cjs');

/** @param {(house: import("./lib/house.cjs").Tree, options: any) => Promise<import('./lib/feature.cjs').Plan>} plan */
const schematic = (plan) => (/** @type {any} */ options) => async (/** @type {any} */ tree) => {
  const { SchematicsException } = require('@angular-devkit/schematics');
  const house = new House(rootAbove(process.cwd()));
  const fields = [options.path, ...(options.words ?? []).slice(1)].filter(Boolean).join(' ');
  const { changes, message } = await plan(house, { ...options, fields }).catch((/** @type {Error} */ error) => {
    throw new SchematicsException(error.message);
  });
  if (process.argv.includes('--dry-run')) process.stdout.write(diffOf(changes));
  for (const [path, { before, after }] of changes) {
    if (after === null) tree.delete(path);
    else if (before === null) tree.create(path, after);
    else tree.overwrite(path, after);
  }
  console.log(message);
  if (changes.size === 0 || process.argv.includes('--dry-run')) return;
  // The engine writes after this returns: what is generated of the code is made when it has, with what was there before to go back to.
  const wasBuilt = isBuilt(house.root);
  process.once('exit', (code) => {
    if (code !== 0) return;
    const input = JSON.stringify({ changes: [...changes], wasBuilt });
    const { status } = spawnSync(process.execPath, [join(__dirname, 'finish.cjs')], { input, stdio: ['pipe', 'inherit', 'inherit'] });
    process.exitCode = status ?? 1;
  });
};

/** Of the stock resource: what does not compile, boot or pass the checks of this house. */
const MENDS = {
  controller: [
    [/@Controller\('(?!v1\/)/, "@Controller('v1/"],
    [/^( *)(@(?:Get|Post|Put|Patch|Delete)\()/gm, '$1@AdminOnly()\n$1$2'],
    [/^(import .* from '@nestjs\/common';)$/m, "$1\nimport { ApiTags } from '@nestjs/swagger';\nimport { AdminOnly } from '../common/access.decorators';"],
    [/^@Controller\('v1\/([^']+)'\)/m, "@ApiTags('$1')\n@Controller('v1/$1')"],
  ],
  // Parameters that nothing reads are errors here.
  service: [[/\b(?:create|update)\w+Dto: /g, '_: ']],
};

/** @param {any} options */
exports.resource = (options) => () => {
  const { chain, externalSchematic } = require('@angular-devkit/schematics');
  const { formatted } = require('./lib/render.cjs');
  const house = new House(rootAbove(process.cwd()));
  const mend = async (/** @type {any} */ tree) => {
    const made = tree.actions.filter((/** @type {any} */ { kind, path }) => kind === 'c' && /\.(controller|service)\.ts$/.test(path));
    for (const { path } of made) {
      let text = tree.readText(path);
      for (const [pattern, replacement] of MENDS[/\.(\w+)\.ts$/.exec(path)?.[1] ?? '']) text = text.replace(pattern, replacement);
      tree.overwrite(path, await formatted(house, path.slice(1), text));
    }
    console.log(
      `This is Nest's own resource, made to boot here: it keeps nothing, its routes are for administrators, and the checks ask for a tag in src/openapi/document.ts, a test and npm run openapi.
A whole one, with table, document and tests, from one line: npm run g -- feature ${options.name} "amount:int{min=0} note:text?"`,
    );
  };
  return chain([externalSchematic('@nestjs/schematics', 'resource', options), (/** @type {any} */ tree) => mend(tree)]);
};

exports.feature = schematic(planFeature);
exports.field = schematic(planField);
exports.setting = schematic(planSetting);
exports.job = schematic(planJob);
exports.command = schematic(planCommand);
