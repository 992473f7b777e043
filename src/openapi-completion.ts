import { type OpenAPIObject } from '@nestjs/swagger';
import { ACCESS_EXTENSION, type Access } from './common/access.decorators';

type Schema = Record<string, unknown>;
type Operation = Record<string, unknown> & { responses: Record<string, Schema>; parameters?: { name: string; in: string }[]; requestBody?: unknown };

/** No text in a body is longer than a body may be. */
const LONGEST_TEXT = 262_144;
const LARGEST_INTEGER = 2_147_483_647;

/** Properties that hold whatever JSON somebody put there; the code's `unknown` would be published as an object. */
const ANY_JSON = ['result', 'error', 'value'];

const ERRORS: Record<string, string> = {
  400: 'The request is not valid; `errors` names each field.',
  401: 'The credentials are missing or not valid.',
  403: 'The credentials do not allow this.',
  404: 'There is no such thing, or it is not yours to see.',
  409: 'It is in conflict with what there is.',
  412: 'Somebody changed it since you read it.',
  422: 'The Idempotency-Key was used for another body.',
  428: 'Say which version you are changing.',
  429: 'The quota is exhausted, too many attempts were made, or too many streams or long polls are open; `Retry-After` says when to come again.',
  500: 'A fault of ours.',
  503: 'It cannot be taken now; `Retry-After` says when to try again.',
};

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: '1 to 255 visible ASCII characters. The same key and body again: the first answer again, and nothing happens twice.',
  schema: { type: 'string', maxLength: 257 },
};

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what you read. On settings this or `If-None-Match: *`, to create, is required.',
  schema: { type: 'string', maxLength: 500 },
};

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; some codes bring members of their own.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599, format: 'int32' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable: switch on this.' },
    instance: { type: 'string', format: 'uri-reference' },
    errors: {
      type: 'array',
      maxItems: 100,
      items: {
        type: 'object',
        required: ['pointer', 'detail', 'code'],
        properties: {
          pointer: { type: 'string', description: 'JSON Pointer into the body as a URI fragment; `#/query/…` for the query.' },
          detail: { type: 'string' },
          code: { type: 'string' },
        },
      },
    },
  },
};

/** What is true of every operation and is said once, here: who may call, which problems come, and the bounds of plain types. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  const components = (document.components ??= {});
  for (const server of document.servers ?? []) Object.assign(server, { 'x-internal': false });
  (components.schemas ??= {}).Problem = PROBLEM;
  components.responses = Object.fromEntries(Object.entries(ERRORS).map(([status, description]) => [`Problem${status}`, problemResponse(description)])) as never;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (typeof operation === 'object' && 'responses' in operation) completeOperation(path, method, operation as never);
    }
  }
  bound(document);
  return document;
}

function problemResponse(description: string): Schema {
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}

function completeOperation(path: string, method: string, operation: Operation): void {
  const access = (operation[ACCESS_EXTENSION] ?? {}) as Access;
  delete operation[ACCESS_EXTENSION];
  operation.security = access.public ? [] : [{ bearer: [] }];
  operation.description = [operation.description, whoMay(access)].filter(Boolean).join(' ');
  const body = operation.requestBody !== undefined;
  // Every POST that creates takes a key; @Headers() parameters are left out of the document by the framework.
  if (method === 'post' && (operation.responses['201'] || path.endsWith('/batch'))) addHeader(operation, IDEMPOTENCY_KEY);
  const writesSetting = path.includes('/configurations/{') && (['put', 'delete'].includes(method) || (method === 'post' && path.endsWith('/changes')));
  if (writesSetting) addHeader(operation, IF_MATCH);
  if (method === 'patch') addHeader(operation, IF_MATCH);
  const parameters = (operation.parameters ?? []).map(({ name }) => name.toLowerCase());
  const statuses = ['500', '503', '429'];
  if (body || parameters.length > 0) statuses.push('400');
  if (!access.public) statuses.push('401', '403');
  if (/\/auth\/(login|refresh)$/.test(path)) statuses.push('401');
  if (path.includes('{')) statuses.push('404');
  if (body || method === 'post') statuses.push('409');
  if (parameters.includes('idempotency-key')) statuses.push('422');
  if (parameters.includes('if-match')) statuses.push('412', '428');
  for (const status of statuses) operation.responses[status] ??= { $ref: `#/components/responses/Problem${status}` };
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response.description === '') response.description = method === 'delete' || status === '204' ? 'Done.' : 'Done; the answer is below.';
  }
}

function addHeader(operation: Operation, header: { name: string; in: string }): void {
  operation.parameters = [...(operation.parameters ?? []).filter(({ name }) => name.toLowerCase() !== header.name.toLowerCase()), header];
}

function whoMay({ public: open, adminOnly, accountOwner, scopes }: Access): string {
  if (open) return 'For anyone.';
  if (adminOnly) return 'For administrators.';
  if (accountOwner) return "For a login session, or an administrator's key.";
  return scopes?.length ? `Needs the scope ${scopes.map((scope) => `\`${scope}\``).join(', ')}.` : 'For anyone signed in.';
}

/** Gives every text and list an upper bound, and says integer where the code's type can only say number: fractions are marked `double`. */
function bound(node: unknown): void {
  if (Array.isArray(node)) return node.forEach(bound);
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Schema;
  const types = [schema.type].flat();
  if (types.includes('number') && schema.format !== 'double') {
    schema.type = Array.isArray(schema.type) ? types.map((type) => (type === 'number' ? 'integer' : type)) : 'integer';
    schema.format = 'int32';
    schema.minimum ??= 0;
    schema.maximum ??= LARGEST_INTEGER;
  }
  if (types.includes('string') && schema.enum === undefined && schema.const === undefined && schema.in === undefined) schema.maxLength ??= LONGEST_TEXT;
  if (schema.type === 'array') schema.maxItems ??= 1_000;
  for (const name of ANY_JSON) {
    const property = (schema.properties as Record<string, Schema> | undefined)?.[name];
    if (property && !property.additionalProperties && !property.$ref) delete property.type;
  }
  for (const [key, child] of Object.entries(schema)) if (key !== 'example' && key !== 'default') bound(child);
}
