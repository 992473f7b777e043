import { type ProblemClass, titleOf } from '../http/problem';
import { problemType } from '../http/problem-type';
import { problemExamples } from './examples';
import { fieldReferences, readField } from './fields';

type Schema = Record<string, unknown>;

const PROBLEM_TYPE = 'application/problem+json';
const REQUIRED = ['type', 'title', 'status', 'detail', 'code', 'instance'];

/** RFC 9457, as every refusal has it. */
export const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; some codes bring members of their own.',
  required: REQUIRED,
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599, format: 'int32' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable: switch on this.' },
    instance: { type: 'string', format: 'uri-reference' },
  },
  additionalProperties: true,
};

/** The responses of refusals, each set of problems written once, and the schema of each problem. */
export class ProblemResponses {
  readonly schemas: Record<string, Schema> = { Problem: PROBLEM };
  readonly responses: Record<string, Schema> = {};

  /** A reference to the response that is one of these problems, all of one status or, with `name`, of any. */
  reference(problems: readonly ProblemClass[], name?: string): Schema {
    const kinds = [...new Set(problems)].sort((a, b) => (schemaName(a) < schemaName(b) ? -1 : 1));
    const key = name ?? `${titleOf((kinds[0] as ProblemClass).status).replace(/\W/g, '')}${kinds.map(({ code }) => pascal(code ?? 'any')).join('Or')}`;
    this.responses[key] ??= this.response(kinds);
    return { $ref: `#/components/responses/${key}` };
  }

  private response(kinds: readonly ProblemClass[]): Schema {
    const schemas = kinds.map((kind) => {
      this.schemas[schemaName(kind)] ??= schemaOf(kind);
      return { $ref: `#/components/schemas/${schemaName(kind)}` };
    });
    const schema = schemas.length === 1 ? schemas[0] : { [kinds.some(({ code }) => code === null) ? 'anyOf' : 'oneOf']: schemas };
    const titles = [...new Set(kinds.map(({ status }) => titleOf(status)))].join(', ');
    return {
      description: `${titles}: ${kinds.map(({ code }) => (code === null ? 'any other refusal' : `\`${code}\``)).join(', ')}.`,
      headers: fieldReferences(commonFields(kinds)),
      content: { [PROBLEM_TYPE]: { schema, ...problemExamples(kinds.map(({ code }) => code)) } },
    };
  }
}

const pascal = (code: string) => code.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());

export function schemaName({ name }: ProblemClass): string {
  return name.endsWith('Problem') ? name : `${name}Problem`;
}

function schemaOf({ status, code, type, title, members }: ProblemClass): Schema {
  const { properties } = PROBLEM;
  const own = Object.entries(members).map(([name, schema]) => ({ name: name.replace(/\?$/, ''), optional: name.endsWith('?'), schema }));
  if (code === null) return { ...PROBLEM, properties: { ...properties, status: { ...properties.status, enum: [status] } } };
  return {
    type: 'object',
    required: [...REQUIRED, ...own.filter(({ optional }) => !optional).map(({ name }) => name)],
    properties: {
      ...properties,
      type: { ...properties.type, example: type ?? problemType(code) },
      title: { ...properties.title, example: title ?? titleOf(status) },
      status: { type: 'integer', format: 'int32', enum: [status], minimum: status, maximum: status },
      code: { ...properties.code, enum: [code] },
      ...Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
    },
  };
}

/** A field is always there if every one of the problems always bears it. */
function commonFields(kinds: readonly ProblemClass[]): string[] {
  const all = kinds.map(({ fields }) => new Map(fields.map((written) => [readField(written).name, readField(written).optional])));
  const names = [...new Set(all.flatMap((fields) => [...fields.keys()]))];
  return names.map((name) => (all.every((fields) => fields.get(name) === false) ? name : `${name}?`));
}
