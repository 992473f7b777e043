// What the built service and its document know of each problem.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { built } from './built.mjs';

/**
 * A kind of problem. `members` and `fields` have a question mark behind what may be missing; `sample` is an answer, where one can be made of nothing.
 * @typedef {{ code: string, status: number, type: string, title: string, members: string[], fields: string[], sample: object }} Kind
 */

/** Every class of a problem that has a code of its own, by the code. @returns {Kind[]} */
export function problemKinds() {
  const { Problem, titleOf } = built('http/problem.js');
  const { problemType } = built('http/problem-type.js');
  const require = createRequire(import.meta.url);
  const root = join(process.cwd(), 'dist/src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /(\.errors|^http\/problem)\.js$/.test(file));
  /** @type {Set<any>} */
  const classes = new Set(files.flatMap((file) => Object.values(require(join(root, file)))).filter((value) => value?.prototype instanceof Problem));
  /** @type {Map<string, Kind>} */
  const kinds = new Map();
  for (const ProblemClass of classes) {
    const { code, status, type, title, members, fields } = ProblemClass;
    if (!code) continue;
    const sample = /\bconstructor\((\w+ = '[^']*')?\) \{/.test(String(ProblemClass)) ? new ProblemClass().getResponse() : {};
    const kind = { code, status, type: type ?? problemType(code), title: title ?? titleOf(status), members: Object.keys(members), fields, sample };
    const other = kinds.get(code) ?? kind;
    if (other.status !== status || other.type !== kind.type) throw new Error(`${code} has two statuses or types.`);
    kinds.set(code, other);
  }
  return [...kinds.values()].sort((a, b) => a.code.localeCompare(b.code));
}

/** Which operations answer with which code, by `openapi.json`: those that answer as another does are not listed once more. @returns {Map<string, string[]>} */
export function documentedRoutes() {
  const { paths, components } = JSON.parse(readFileSync('openapi.json', 'utf8'));
  const resolve = ({ $ref, ...part }) => ($ref ? components[$ref.split('/')[2]][$ref.split('/')[3]] : part);
  /** @type {Map<string, string[]>} */
  const routes = new Map();
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, { responses, description = '' }] of Object.entries(item)) {
      if (!responses || path.endsWith('/{path}') || description.startsWith('As GET')) continue;
      for (const code of new Set(Object.values(responses).flatMap((response) => codesOf(resolve(response), resolve)))) {
        routes.set(code, [...(routes.get(code) ?? []), `\`${method.toUpperCase()} ${path}\``]);
      }
    }
  }
  return routes;
}

/** @returns {string[]} */
function codesOf({ content }, resolve) {
  const schema = content?.['application/problem+json']?.schema;
  return schema ? (schema.oneOf ?? schema.anyOf ?? [schema]).flatMap((kind) => resolve(kind).properties?.code?.enum ?? []) : [];
}
