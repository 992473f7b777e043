import { ACCESS, type Access } from '../common/access.decorators';
import { includesRole, OPERATOR_ROLES } from '../common/principal';
import {
  BodyTooLarge,
  ExpectationFailed,
  HeadersTooLarge,
  InternalError,
  InvalidCursor,
  MalformedJson,
  MalformedRequest,
  RequestTimeout,
  UnstorableValue,
  UnsupportedMediaType,
  UriTooLong,
} from '../http/http.errors';
import { JSON_TYPE, MERGE_PATCH_TYPE } from '../http/media-types';
import { NotFoundProblem, type ProblemClass, StoredValueUnusable, UnavailableProblem, ValidationProblem } from '../http/problem';
import { fieldReferences } from './fields';
import { type ProblemResponses } from './problems';
import { type DeclaredRoute } from './routes';

export interface Operation extends Record<string, unknown> {
  responses: Record<string, Record<string, unknown>>;
  parameters?: { name: string; in: string }[];
  description?: string;
}

/** A body may come with these; what is wrong with one is found before the route is. */
const WITH_BODY = ['post', 'put', 'patch', 'delete'];

const IF_NONE_MATCH = { name: 'If-None-Match', description: 'Tags of what you have: 304 when it is one of them.', schema: { type: 'string', maxLength: 500 } };

/** What speaks before there is a request to look at: of every operation, and of none in particular. */
const TRANSPORT = [RequestTimeout, ExpectationFailed, HeadersTooLarge];

/** Renders what the route declares, and what is so for every route by construction. */
export function renderOperation(method: string, operation: Operation, route: DeclaredRoute, problems: ProblemResponses): void {
  const access = (route.metadata(ACCESS) ?? {}) as Access;
  if (!access.public) operation['x-operator-role'] = access.operator ?? 'admin';
  operation.security = access.public ? [] : [{ bearer: [] }];
  operation.description = [operation.description, whoMay(access)].filter(Boolean).join(' ');
  for (const { parameters = [] } of route.declarations) {
    for (const parameter of parameters) (operation.parameters ??= []).push({ ...parameter, in: 'header', required: false } as never);
  }
  renderFields(operation, route);
  if (method === 'get') renderNotModified(operation);
  if (method === 'patch') renderMergePatch(operation);
  const failures = [...generalFailures(method, operation, route), ...route.failures(method)];
  const statuses = [...new Set(failures.map(({ status }) => status))];
  for (const status of statuses) operation.responses[status] = problems.reference(failures.filter((problem) => problem.status === status));
  operation.responses.default = problems.reference(TRANSPORT, 'Transport');
}

/** Fields of answers that went well, and outcomes for those that have none. */
function renderFields(operation: Operation, { declarations }: DeclaredRoute): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    const declared = declarations.flatMap(({ answers }) => (answers && (answers.status ?? Number(status)) === Number(status) ? answers.fields : []));
    response.headers = fieldReferences(declared);
    if (response.description === '') response.description = status === '204' ? 'Done.' : 'Done; the answer is below.';
  }
}

/** What has a tag need not be sent to whom has it. */
function renderNotModified(operation: Operation): void {
  const headers = operation.responses['200']?.headers as Record<string, object> | undefined;
  if (!headers || !('ETag' in headers)) return;
  (operation.parameters ??= []).push({ ...IF_NONE_MATCH, in: 'header', required: false } as never);
  operation.responses['304'] = { description: 'You have it: `If-None-Match` names its tag.', headers: fieldReferences(['ETag']) };
}

/** A PATCH is a merge patch, whichever of the two it is called. */
function renderMergePatch(operation: Operation): void {
  const { content } = operation.requestBody as { content: Record<string, object> };
  content[MERGE_PATCH_TYPE] = content[JSON_TYPE] as object;
}

function generalFailures(method: string, { parameters = [] }: Operation, { declarations }: DeclaredRoute): ProblemClass[] {
  const hasBody = WITH_BODY.includes(method) && !declarations.some(({ ignoresBody }) => ignoresBody);
  const inPath = parameters.some((parameter) => parameter.in === 'path');
  const inQuery = parameters.some((parameter) => parameter.in === 'query');
  return [
    MalformedRequest,
    InternalError,
    UnavailableProblem,
    StoredValueUnusable,
    ...(hasBody ? [ValidationProblem, MalformedJson, BodyTooLarge, UnsupportedMediaType] : []),
    // A name with U+0000 is none, whatever the route.
    ...(inPath ? [NotFoundProblem, UriTooLong] : []),
    ...(inQuery ? [ValidationProblem] : []),
    ...(hasBody || inPath || inQuery ? [UnstorableValue] : []),
    ...(parameters.some(({ name }) => name === 'cursor') ? [InvalidCursor] : []),
  ];
}

function whoMay(access: Access): string {
  const { operator = 'admin', adminOnly } = access;
  if (operator === 'admin') return callers(access);
  const roles = OPERATOR_ROLES.filter((role) => includesRole(role, operator)).map((role) => `\`${role}\``);
  return adminOnly ? `For operators: ${roles.join(', ')}.` : `${callers(access)} What is others': for ${roles.join(', ')}.`;
}

function callers({ public: open, adminOnly, accountOwner, scopes }: Access): string {
  if (open) return 'For anyone.';
  if (adminOnly) return 'For administrators.';
  if (accountOwner) return "For a login session, or an administrator's key.";
  return scopes?.length ? `Needs the scope ${scopes.map((scope) => `\`${scope}\``).join(', ')}.` : 'For anyone signed in.';
}
