import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../config/startup-error';

/** As much of JSON Schema as flags are made of. */
export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
  items?: Schema;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  $ref?: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema: Schema;
}

/** One call that the service answers, as openapi.json describes it. */
export interface Operation {
  method: string;
  path: string;
  summary: string;
  parameters: Parameter[];
  body: Record<string, Schema>;
}

interface Described {
  operationId: string;
  summary?: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

interface Document {
  paths: Record<string, Record<string, Described>>;
  components: Record<string, Record<string, unknown>>;
}

/** The compiled command stands in dist/src/cli/operate, the source in src/cli/operate. */
const PLACES = ['../../../..', '../../..'].map((up) => join(__dirname, up, 'openapi.json'));
const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

let known: Map<string, Operation> | null = null;

/** @throws StartupError where openapi.json is missing, Error for an operation that it does not have */
export function operationOf(id: string): Operation {
  known ??= readOperations();
  const found = known.get(id);
  if (found === undefined) throw new Error(`openapi.json has no operation ${id}.`);
  return found;
}

function readOperations(): Map<string, Operation> {
  const file = PLACES.find((place) => existsSync(place));
  if (file === undefined) throw new StartupError(`openapi.json is not where the command expects it: ${PLACES[0]}. It is part of the package.`);
  const document = JSON.parse(readFileSync(file, 'utf8')) as Document;
  return new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => METHODS.has(method))
        .map(([method, described]) => [described.operationId, readOperation(document, path, method, described)]),
    ),
  );
}

function readOperation(document: Document, path: string, method: string, { summary = '', parameters = [], requestBody }: Described): Operation {
  const whole = requestBody === undefined ? undefined : resolved(document, requestBody).content['application/json']?.schema;
  const body = whole === undefined ? {} : (resolved(document, whole).properties ?? {});
  const own = parameters.map((parameter) => resolved(document, parameter));
  return { method: method.toUpperCase(), path, summary: summary.split('\n', 1)[0] ?? '', parameters: own, body };
}

function resolved<T extends object>(document: Document, part: T): T {
  const ref = (part as { $ref?: string }).$ref;
  if (ref === undefined) return part;
  const [, , group = '', name = ''] = ref.split('/');
  return document.components[group]?.[name] as T;
}
