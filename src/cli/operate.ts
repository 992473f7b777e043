import { type Command, Option } from 'commander';
import { type OperatorCommand, OPERATOR_COMMANDS } from './operate/command-table';
import { optionsOf, valueOf } from './operate/flags';
import { type Operation, operationOf } from './operate/operations';
import { type Given } from './operate/run-command';
import { serviceUrl } from './service-url';

const SHOWN_ARGUMENTS: Record<string, string> = {
  userId: 'user',
  tierId: 'tier',
  keyId: 'key',
  endpointId: 'endpoint',
  deliveryId: 'delivery',
  accountId: 'account',
};

/** Every command is an operation of the service: its path makes the arguments, its query and body the flags. */
export function register(program: Command): void {
  for (const [name, { description, commands }] of Object.entries(OPERATOR_COMMANDS)) {
    const group = program.command(name).description(description);
    for (const [verb, command] of Object.entries(commands)) add(group, verb, command);
  }
}

function add(group: Command, verb: string, command: OperatorCommand): void {
  const operation = operationOf(command.operation);
  const own = group.command(verb).description(operation.summary);
  const places = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, place = '']) => place);
  const names = [...places, ...(command.argument === undefined ? [] : [command.argument])];
  for (const place of names) own.argument(`<${SHOWN_ARGUMENTS[place] ?? place}>`, '', parserOf(place, operation));
  for (const option of flagsOf(command, operation)) own.addOption(option);
  own
    .option('--json', 'print the answer as JSON, on one line')
    .option('--service <url>', 'the service to call; default QUOTIDIAN_URL, and without it the database of the environment', serviceUrl)
    .option('--key-file <file>', 'file with the API key for it; default: the key in QUOTIDIAN_API_KEY');
  if (operation.parameters.some((parameter) => parameter.name === 'cursor')) own.option('--all', 'every page; with --json, a line for each item');
  if (command.hurts !== undefined) own.option('--yes', 'do it without asking');
  own.action(async () => {
    const [args, flags] = [own.processedArgs as unknown[], own.opts<Given['flags'] & Record<string, unknown>>()];
    const { user, ...others } = flags;
    const values = { ...others, userId: user, ...Object.fromEntries(names.map((place, at) => [place, args[at]])) };
    const { runCommand } = await import('./operate/run-command.js');
    await runCommand(command, operation, { title: [group.name(), verb, ...own.args.slice(0, places.length)].join(' '), values, flags });
  });
}

function flagsOf({ argument, secret, sends = {}, without = [], headers }: OperatorCommand, { parameters, body }: Operation): Option[] {
  const fromQuery = parameters.filter((parameter) => parameter.in === 'query').flatMap(({ name, schema, description }) => optionsOf(name, schema, description));
  const members = Object.entries(body).filter(([name]) => ![argument, secret, ...without, ...Object.keys(sends)].includes(name));
  const known = new Set(fromQuery.map(({ long }) => long));
  const fromBody = members.flatMap(([name, schema]) => optionsOf(name, schema)).filter(({ long }) => !known.has(long));
  const isVersioned = parameters.some(({ name }) => name === 'If-Match') && headers?.['if-none-match'] === undefined;
  return [...fromQuery, ...fromBody, ...(isVersioned ? [new Option('--if-match <etag>', 'only while it has this entity tag')] : [])];
}

function parserOf(place: string, { body }: Operation): (text: string) => unknown {
  const schema = body[place];
  return schema === undefined ? String : valueOf(place, schema);
}
