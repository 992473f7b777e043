// `npm run g -- feature invoices "amount:int{min=0} note:text?" --owned --metered --cost=2 [--dry-run]`: the collection with honest exit codes.
const { parseArgs } = require('node:util');
const { diffOf } = require('./lib/diff.cjs');
const { planEject } = require('./lib/eject.cjs');
const { planFeature, planUndo } = require('./lib/feature.cjs');
const { planField } = require('./lib/field.cjs');
const { planCommand, planJob, planSetting } = require('./lib/parts.cjs');
const { finish, isBuilt, prepare } = require('./lib/finish.cjs');
const { House, rootAbove } = require('./lib/house.cjs');
const { Refusal, refuse } = require('./lib/refusal.cjs');
const { write } = require('./lib/write.cjs');

const [REFUSED, FAILED] = [2, 1];
const USAGE = `npm run g -- <what> <name> ["<fields>"] [options]

  feature invoices "amount:int{min=0} note:text? paidAt:timestamptz? customer:ref(users)"
          table, migration, five routes, document, tests, wired
          --no-owned    everybody reads, administrators write (default: each row is its user's)
          --metered     making one is charged, in the transaction of the row; --cost=2 units (1)
          --singular=…  where the plural is none that is known
  field   invoices "dueOn:date?"   fields more, with their migration; edits of yours are merged
  setting invoices.maxOpen "int{min=1,default=5}" --description="…" [--public]   in the feature's settings
  job     invoices.remind "0 3 * * *"             scheduled once for all replicas, with its test
  command invoices:purge --description="…"        of quotidian, with its test
  undo    invoices                 takes back what nobody edited
  eject                            copies the templates to templates/, to be edited

  --dry-run  prints a unified diff and writes nothing
  --no-finish  leaves openapi.json, the client's types, sql/ and pages of errors as they are

Types: text{min,max,default} email int{min,max,default} number{min,max,default} bool{default} date timestamptz uuid json enum(a|b){default} ref(table).
A ? behind a field: it may be missing. A !: no two have the same. Exit codes: 0 done or nothing to do, 1 it failed and nothing is left of it, 2 refused.`;

/** Each makes a plan of what is to be written. @type {Record<string, (house: import("./lib/house.cjs").Tree, options: any) => Promise<import('./lib/feature.cjs').Plan>>} */
const COMMANDS = { feature: planFeature, field: planField, undo: planUndo, setting: planSetting, job: planJob, command: planCommand, eject: planEject };

async function main() {
  const { values, positionals } = readArguments();
  const [what, name, fields, ...rest] = positionals;
  if (values.help || what === undefined) return console.log(USAGE);
  const plan = Object.hasOwn(COMMANDS, what) ? COMMANDS[what] : undefined;
  if (plan === undefined) throw new Refusal(`There is no ${what}: it is one of ${Object.keys(COMMANDS).join(', ')}. Add --help for how each is called.`);
  if (rest.length > 0) throw new Refusal(`"${rest.join(' ')}" is left over: the fields are one argument, in quotes.`);
  const house = new House(rootAbove(process.cwd()));
  const by = values.finish && !values['dry-run'] && what !== 'eject' ? prepare(house.root) : undefined;
  try {
    await carryOut(house, { options: { ...values, name, fields }, plan, by });
  } finally {
    by?.kill('SIGKILL');
  }
}

/**
 * @param {import('./lib/house.cjs').Tree} house
 * @param {{ options: any, plan: (typeof COMMANDS)[string], by?: import('node:child_process').ChildProcess }} call
 */
async function carryOut(house, { options, plan, by }) {
  const { changes, message } = await plan(house, options);
  if (changes.size === 0) return console.log(message);
  if (options['dry-run']) return void process.stdout.write(diffOf(changes));
  const wasBuilt = isBuilt(house.root);
  const back = write(house.root, changes);
  const stop = () => {
    back();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    for (const [path, { before, after }] of changes) console.log(`${before === null ? 'CREATE' : after === null ? 'DELETE' : 'UPDATE'} ${path}`);
    if (by !== undefined) await finish(house.root, { changes, wasBuilt, print: console.log, by });
  } catch (error) {
    back();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nNothing is left of it.`);
  }
  console.log(message);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      allowNegative: true,
      options: {
        owned: { type: 'boolean', default: true },
        metered: { type: 'boolean', default: false },
        finish: { type: 'boolean', default: true },
        cost: { type: 'string' },
        singular: { type: 'string' },
        description: { type: 'string' },
        public: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

main().catch((error) => {
  const refused = error instanceof Refusal;
  console.error(refused ? error.message : error instanceof Error ? error.message : String(error));
  process.exitCode = refused ? REFUSED : FAILED;
});
