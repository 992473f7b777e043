import { dump, load, loadAll } from 'js-yaml';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Value = unknown;
type Scope = { dot: Value; root: Value; variables: Record<string, Value>; templates: Map<string, Node[]> };
type Node = string | { action: string } | { block: string; argument: string; body: Node[]; otherwise: Node[] };

/**
 * Renders a chart as `helm template` does: the part of Go's template language and of Helm's functions that our chart uses, and an error for everything
 * else. Helm itself is in no registry that CI reaches.
 *
 * @throws an error that names what is not known here, and what `required` asks for
 */
export function renderChart(folder: string, values: object): { kind: string; [field: string]: unknown }[] {
  const chart = load(readFileSync(join(folder, 'Chart.yaml'), 'utf8')) as Record<string, string>;
  const root = {
    Values: merge(load(readFileSync(join(folder, 'values.yaml'), 'utf8')), values),
    Chart: { Name: chart.name, Version: chart.version, AppVersion: chart.appVersion },
    Release: { Name: 'meter', Namespace: 'apis', Service: 'Helm' },
  };
  const templates = new Map<string, Node[]>();
  const files = readdirSync(join(folder, 'templates')).sort();
  const parsed = files.map((name) => ({ name, nodes: parse(readFileSync(join(folder, 'templates', name), 'utf8'), templates) }));
  const texts = parsed.map(({ name, nodes }) => ({ name, text: write(nodes, { dot: root, root, variables: {}, templates }) }));
  return texts.filter(({ name }) => name.endsWith('.yaml')).flatMap(({ text }) => (loadAll(text) as ({ kind: string } | null)[]).filter((one) => one !== null));
}

/** As Helm lays given values over those of the chart: maps are merged, all else is replaced. */
export function merge(under: unknown, over: unknown): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(under) || !isMap(over)) return over === undefined ? under : over;
  return Object.fromEntries([...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [key, merge(under[key], over[key])]));
}

function parse(text: string, templates: Map<string, Node[]>): Node[] {
  const pieces = text
    .replaceAll(/\s*\{\{- /g, '{{ ')
    .replaceAll(/ -\}\}\s*/g, ' }}')
    .split(/(\{\{.*?\}\})/s);
  const open: { block: string; argument: string; body: Node[]; otherwise: Node[]; into: Node[] }[] = [];
  const top: Node[] = [];
  const into = () => open.at(-1)?.into ?? top;
  for (const piece of pieces) {
    const [, keyword = '', argument = ''] = /^\{\{\s*(\S+)\s*(.*?)\s*\}\}$/s.exec(piece) ?? [];
    if (!piece.startsWith('{{')) into().push(piece);
    else if (['if', 'with', 'range', 'define'].includes(keyword)) {
      const body: Node[] = [];
      open.push({ block: keyword, argument, body, otherwise: [], into: body });
    } else if (keyword === 'else') {
      const block = open.at(-1);
      if (block) block.into = block.otherwise;
    } else if (keyword === 'end') {
      const block = open.pop();
      if (block?.block === 'define') templates.set(block.argument.slice(1, -1), block.body);
      else if (block) into().push(block);
    } else into().push({ action: `${keyword} ${argument}`.trim() });
  }
  if (open.length > 0) throw new Error(`a block is not ended: ${open.at(-1)?.block} ${open.at(-1)?.argument}`);
  return top;
}

function write(nodes: Node[], scope: Scope): string {
  return nodes.map((node) => (typeof node === 'string' ? node : 'action' in node ? shown(evaluate(node.action, scope)) : writeBlock(node, scope))).join('');
}

function writeBlock({ block, argument, body, otherwise }: Exclude<Node, string | { action: string }>, scope: Scope): string {
  const [, names, source = argument] = /^((?:\$\w+(?:, )?)+) := (.*)$/.exec(argument) ?? [];
  const value = evaluate(source, scope);
  if (isEmpty(value)) return write(otherwise, scope);
  if (block === 'if') return write(body, scope);
  if (block === 'with') return write(body, { ...scope, dot: value });
  const [key, item] = names?.includes(',') ? names.split(', ') : [undefined, names];
  // Go goes through a map by its keys in order.
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries
    .map(([at, one]) => write(body, { ...scope, dot: one, variables: { ...scope.variables, ...(key ? { [key]: at } : {}), ...(item ? { [item]: one } : {}) } }))
    .join('');
}

/** A pipeline: what one command makes is the last argument of the next. */
function evaluate(pipeline: string, scope: Scope): Value {
  let value: Value[] = [];
  for (const command of split(pipeline, '|')) value = [call(split(command, ' '), value, scope)];
  return value[0];
}

function call([head = '', ...rest]: string[], piped: Value[], scope: Scope): Value {
  const run = FUNCTIONS[head];
  if (run) return run([...rest.map((one) => term(one, scope)), ...piped], scope);
  if (rest.length + piped.length > 0) throw new Error(`the function ${head} is not known here`);
  return term(head, scope);
}

function term(text: string, scope: Scope): Value {
  if (text.startsWith('(')) return evaluate(text.slice(1, -1), scope);
  if (text.startsWith('"')) return JSON.parse(text);
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text === '.') return scope.dot;
  const path = text.split('.');
  const from = path[0] === '' ? scope.dot : path[0] === '$' ? scope.root : scope.variables[path[0]];
  if (path[0] !== '' && path[0] !== '$' && !(path[0] in scope.variables)) throw new Error(`${text} is not known here`);
  return path.slice(1).reduce<Value>((value, name) => {
    if (typeof value !== 'object' || value === null || !(name in value)) throw new Error(`there is no ${text}`);
    return (value as Record<string, Value>)[name];
  }, from);
}

const FUNCTIONS: Record<string, (args: Value[], scope: Scope) => Value> = {
  add: (args) => args.reduce<number>((sum, one) => sum + Number(one), 0),
  contains: ([part, text]) => String(text).includes(String(part)),
  default: ([otherwise, value]) => (isEmpty(value) ? otherwise : value),
  include: ([name, dot], scope) => write(scope.templates.get(String(name)) ?? fail(`there is no template ${String(name)}`), { ...scope, dot, variables: {} }),
  list: (args) => args,
  nindent: ([width, text]) => `\n${String(text).replaceAll(/^(?=.)/gm, ' '.repeat(Number(width)))}`,
  not: ([value]) => isEmpty(value),
  printf: ([format, ...args]) => String(format).replaceAll('%s', () => shown(args.shift())),
  quote: ([value]) => JSON.stringify(shown(value)),
  required: ([message, value]) => (isEmpty(value) ? fail(String(message)) : value),
  toYaml: ([value]) => dump(value).trimEnd(),
  trimSuffix: ([suffix, text]) => (String(text).endsWith(String(suffix)) ? String(text).slice(0, -String(suffix).length) : text),
  trunc: ([length, text]) => String(text).slice(0, Number(length)),
};

function fail(message: string): never {
  throw new Error(message);
}

function shown(value: Value): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') throw new Error(`a map or list where text belongs: ${JSON.stringify(value)}`);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isEmpty(value: Value): boolean {
  return (
    value === undefined || value === null || value === '' || value === 0 || value === false || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/** At a separator that stands in no quotation and no parenthesis. */
function split(text: string, separator: string): string[] {
  const found = [''];
  let [depth, quoted] = [0, false];
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    if (!quoted) depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
    if (letter === separator && !quoted && depth === 0) found.push('');
    else found[found.length - 1] += letter;
  }
  return found.map((one) => one.trim()).filter((one) => one !== '');
}
