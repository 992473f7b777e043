import { type OpenAPIObject } from '@nestjs/swagger';
import { type Operation } from './operations';
import { type DeclaredRoute } from './routes';

type Responses = Record<string, Record<string, unknown>>;
type PathItem = Record<string, Operation>;

/** Those that OpenAPI has a place for, and `fetch`, of which most generated clients are made, sends: it knows no TRACE. */
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];

const REST = {
  name: 'path',
  in: 'path',
  required: true,
  description: 'Any path, of any length; it is not read.',
  schema: { type: 'string', maxLength: 8_192 },
};

/** Writes down the operations that no handler is written for, because they answer as another one does. */
export function renderAlike(document: OpenAPIObject, routes: ReadonlyMap<string, DeclaredRoute>, responses: Responses): void {
  for (const [path, written] of Object.entries(document.paths)) {
    const item = written as unknown as PathItem;
    const { get } = item;
    if (!get) continue;
    const below = routes.get(get.operationId as string)?.declarations.some(({ answersAll }) => answersAll)
      ? ((document.paths[`${path}/{path}`] ??= {}) as PathItem)
      : null;
    for (const method of below ? METHODS : ['head']) item[method] ??= alike(get, method, responses);
    for (const method of below ? METHODS : []) (below as PathItem)[method] = withRest(item[method] as Operation);
  }
}

function alike(get: Operation, method: string, responses: Responses): Operation {
  const operation: Operation = {
    ...get,
    operationId: `${get.operationId as string}${method.charAt(0).toUpperCase()}${method.slice(1)}`,
    description: `As GET${method === 'head' ? ', without its body' : ''}. ${get.description ?? ''}`.trim(),
  };
  if (method === 'head') operation.responses = Object.fromEntries(Object.entries(get.responses).map(([status, one]) => [status, bodiless(one, responses)]));
  return operation;
}

/** What a HEAD is answered: the header alone. */
function bodiless(response: Record<string, unknown>, responses: Responses): Record<string, unknown> {
  const { $ref } = response as { $ref?: string };
  if ($ref === undefined) return { description: response.description, headers: response.headers };
  const name = $ref.slice($ref.lastIndexOf('/') + 1);
  responses[`${name}Head`] ??= bodiless(responses[name] as Record<string, unknown>, responses);
  return { $ref: `${$ref}Head` };
}

function withRest(operation: Operation): Operation {
  return { ...operation, operationId: `${operation.operationId as string}Below`, parameters: [...(operation.parameters ?? []), REST] };
}
