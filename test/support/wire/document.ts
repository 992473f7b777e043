import { type ValidateFunction } from 'ajv';
import Ajv from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Schema = Record<string, unknown>;

interface ResponseObject {
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: Schema }>;
}

interface Document {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, { $ref?: string }> }>>;
  components: { schemas: Record<string, Schema>; headers: Record<string, { required: boolean; schema: Schema }> };
  'x-fields-of-every-answer': Record<string, { const: string }>;
  'x-fields-for-other-origins': Record<string, object>;
  'x-fields-by-test-clock': Record<string, object>;
}

export interface Operation {
  id: string;
  path: string;
  method: string;
}

/** One documented response: what its header and its body are held to. */
export interface DocumentedResponse {
  /** By the names in lower case. */
  fields: Map<string, { required: boolean; check: ValidateFunction }>;
  /** By media type. */
  bodies: Map<string, () => ValidateFunction>;
}

const ROOT = 'openapi.json';

/** `openapi.json` as something that answers can be held to. What it leaves open for later releases is closed here: no member beside those that it names. */
export class WireDocument {
  readonly constantFields: Record<string, { const: string }>;
  /** May be missing. */
  readonly pageFields: Record<string, object>;
  private readonly document: Document;
  private readonly ajv = new Ajv({ strict: false, validateSchema: false, allErrors: false, logger: false });
  /** By pointer: operations share the responses of most refusals, and compiling takes a while. */
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly responses = new Map<string, DocumentedResponse | null>();
  private readonly routes: { operation: Operation; parts: string[] }[];

  private static committed: WireDocument | undefined;

  /** The committed document: read and compiled once a worker, which keeps this module. */
  static get ofService(): WireDocument {
    return (WireDocument.committed ??= new WireDocument());
  }

  /** @param rendered by a service with features of a test's own: what the file lacks */
  constructor(rendered?: object) {
    this.document = JSON.parse(readFileSync(join(__dirname, '../../../openapi.json'), 'utf8')) as Document;
    if (rendered) addMissing(this.document as never, JSON.parse(JSON.stringify(rendered)) as Schema);
    closeObjects(this.document.components.schemas);
    addFormats(this.ajv);
    this.ajv.addSchema(this.document, ROOT);
    this.constantFields = this.document['x-fields-of-every-answer'];
    this.pageFields = { ...this.document['x-fields-for-other-origins'], ...this.document['x-fields-by-test-clock'] };
    this.routes = Object.entries(this.document.paths)
      .flatMap(([path, item]) =>
        Object.entries(item).map(([method, { operationId: id }]) => ({ operation: { id, path, method: method.toUpperCase() }, parts: path.split('/') })),
      )
      .sort((a, b) => variables(a.parts) - variables(b.parts));
  }

  /** The operation that this call is of; null: none that is documented. The gateway's check takes any path, and methods that OpenAPI has no place for. */
  operationOf(method: string, target: string): Operation | null {
    const path = target.replace(/^[a-z]+:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] || '/';
    if (!/^\/v1\/authorize(\/|$)/.test(path)) return this.find(method, path.split('/'));
    const parts = path === '/v1/authorize' ? ['', 'v1', 'authorize'] : ['', 'v1', 'authorize', 'any'];
    return this.find(method, parts) ?? this.find('GET', parts);
  }

  /** @returns null when the operation has no such answer */
  responseOf({ path, method, id }: Operation, status: number | 'default'): DocumentedResponse | null {
    const key = `${id} ${status}`;
    let known = this.responses.get(key);
    if (known === undefined) {
      const pointer = `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`;
      known = this.document.paths[path]?.[method.toLowerCase()]?.responses[status] === undefined ? null : this.read(pointer);
      this.responses.set(key, known);
    }
    return known;
  }

  /** The schema of what a refusal is at the least, outside all operations. */
  readonly problem = this.lazily('#/components/schemas/Problem');

  private find(method: string, parts: readonly string[]): Operation | null {
    return this.routes.find((route) => route.operation.method === method && matches(route.parts, parts))?.operation ?? null;
  }

  private read(pointer: string): DocumentedResponse {
    const [at, response] = this.resolve<ResponseObject>(pointer);
    const fields = Object.entries(response.headers ?? {}).map(([name, { $ref }]) => {
      const { required, schema } = this.resolve<{ required: boolean; schema: Schema }>($ref)[1];
      return [name.toLowerCase(), { required, check: this.ajv.compile(schema) }] as const;
    });
    const bodies = Object.keys(response.content ?? {}).map((type) => [type, this.lazily(`${at}/content/${escaped(type)}/schema`)] as const);
    return { fields: new Map(fields), bodies: new Map(bodies) };
  }

  private lazily(pointer: string): () => ValidateFunction {
    return () => {
      const compiled = this.compiled.get(pointer) ?? this.ajv.compile({ $ref: `${ROOT}${pointer}` });
      this.compiled.set(pointer, compiled);
      return compiled;
    };
  }

  /** What a pointer leads to, and where that stands. */
  private resolve<T>(pointer: string): [string, T] {
    const parts = pointer.slice(2).split('/').map(unescaped);
    const found = parts.reduce<unknown>((at, part) => (at as Schema)[part], this.document);
    const { $ref } = found as { $ref?: string };
    return $ref === undefined ? [pointer, found as T] : this.resolve<T>($ref);
  }
}

/** Adds members that are not there: paths, and named parts of the components. */
function addMissing(to: Schema, { paths, components }: Schema): void {
  to.paths = { ...(paths as Schema), ...(to.paths as Schema) };
  const own = to.components as Schema;
  for (const [kind, parts] of Object.entries(components as Schema)) own[kind] = { ...(parts as Schema), ...(own[kind] as Schema) };
}

/** Objects with properties of their own have no others, unless they allow it. */
function closeObjects(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Schema;
  if (typeof schema.properties === 'object' && Object.keys(schema.properties as object).length > 0) schema.additionalProperties ??= false;
  for (const [key, child] of Object.entries(schema)) if (key !== 'example' && key !== 'examples' && key !== 'enum') closeObjects(child);
}

function matches(expected: readonly string[], actual: readonly string[]): boolean {
  return expected.length === actual.length && expected.every((part, i) => (part.startsWith('{') ? actual[i] !== '' : part === actual[i]));
}

const variables = (parts: readonly string[]) => parts.filter((part) => part.startsWith('{')).length;
const escaped = (name: string) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
const unescaped = (part: string) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
