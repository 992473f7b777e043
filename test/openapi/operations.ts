import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Http, type Replica } from '../support/service';

/** An operation of `openapi.json`, to be called in every way that it describes. */
export interface DocumentedOperation {
  id: string;
  /** The operation that it answers as: a HEAD as its GET. Its own id otherwise. */
  as: string;
  method: 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete' | 'options';
  path: string;
  statuses: string[];
  /** Of the problems that it refuses by. */
  codes: Set<string>;
  isPublic: boolean;
  hasBody: boolean;
  parameters: { name: string; in: string }[];
}

interface Item {
  operationId: string;
  responses: Record<string, { $ref?: string }>;
  security?: object[];
  requestBody?: object;
  parameters?: { name: string; in: string }[];
}

interface Schema {
  $ref?: string;
  oneOf?: { $ref: string }[];
  anyOf?: { $ref: string }[];
}

const { paths, components } = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Item>>;
  components: {
    responses: Record<string, { content: Record<string, { schema: Schema }> }>;
    schemas: Record<string, { properties: { code?: { enum?: string[] } } }>;
  };
};

const nameIn = (reference: string) => reference.slice(reference.lastIndexOf('/') + 1);

/** The codes of the problems that the response may be. */
function codesOf({ $ref }: { $ref?: string }): string[] {
  if ($ref === undefined) return [];
  const { schema } = components.responses[nameIn($ref)].content['application/problem+json'];
  const kinds = schema.oneOf ?? schema.anyOf ?? [schema as { $ref: string }];
  return kinds.flatMap((one) => components.schemas[nameIn(one.$ref)].properties.code?.enum ?? []);
}

export const OPERATIONS: DocumentedOperation[] = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, { operationId, responses, security = [], requestBody, parameters = [] }]) => ({
    id: operationId,
    as: (method === 'head' ? item.get : { operationId }).operationId,
    method: method as DocumentedOperation['method'],
    path,
    statuses: Object.keys(responses),
    // No body bears those of a HEAD: they are those of its GET.
    codes: new Set(Object.values(method === 'head' ? item.get.responses : responses).flatMap(codesOf)),
    isPublic: security.length === 0,
    hasBody: requestBody !== undefined,
    parameters,
  })),
);

export const answering = (status: number) => OPERATIONS.filter(({ statuses }) => statuses.includes(String(status)));
export const refusingBy = (code: string) => OPERATIONS.filter(({ codes }) => codes.has(code));

/** The path with these in the places of its parameters. */
export function at(path: string, values: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? (name === 'userId' ? 'me' : name === 'key' ? 'http.writesPerMinute' : '1'));
}

/** Those that answered otherwise, as text. */
export async function otherThan(
  status: number,
  operations: DocumentedOperation[],
  call: (one: DocumentedOperation) => Promise<{ status: number; body: unknown }>,
) {
  const others: string[] = [];
  for (const one of operations) {
    const answer = await call(one);
    if (answer.status !== status) others.push(`${one.method} ${one.path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return others;
}

/** Calls the operation with nothing that it asks for but its path. */
export function bare(
  replica: Replica,
  credential: { key: string } | undefined,
  { method, path }: DocumentedOperation,
  values?: Record<string, string>,
): ReturnType<Http['get']> {
  return replica.as(credential)[method](at(path, values));
}
