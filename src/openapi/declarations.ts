import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiCreatedResponse, ApiExtraModels, ApiOkResponse, ApiProperty, type ApiPropertyOptions, getSchemaPath } from '@nestjs/swagger';
import { StaleVersion, PreconditionRequired } from '../http/http.errors';
import { type ProblemClass } from '../http/problem';
import { type FieldName } from './fields';

/** A parameter in the header of a request. */
export interface HeaderParameter {
  name: string;
  description: string;
  schema: object;
}

/** What a route declares of its answers, in parts that add up. */
export interface Declaration {
  /** The problems that it throws, beside those that are general by construction. */
  fails?: readonly ProblemClass[];
  /** Fields of the header of answers that went well: of those with the status, or of all. A question mark: it may be missing. */
  answers?: { status?: number; fields: readonly (FieldName | `${FieldName}?`)[] };
  parameters?: readonly HeaderParameter[];
  /** Whatever comes as a body is left where it is: nothing is wrong with it. */
  ignoresBody?: boolean;
  /** Every method is answered as its GET is, and every path below too. */
  answersAll?: boolean;
}

const DECLARED = 'quotidian:declared';

/** Adds to what a route declares, or all routes of a controller. */
export function declares(part: Declaration): ClassDecorator & MethodDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const subject = (descriptor?.value ?? target) as object;
    Reflect.defineMetadata(DECLARED, [...declaredBy(subject), part], subject);
  };
}

export function declaredBy(subject: object): Declaration[] {
  return (Reflect.getMetadata(DECLARED, subject) ?? []) as Declaration[];
}

/** The problems that the route throws. Those that validation, guards and bodies bring are known without. */
export const Fails = (...problems: ProblemClass[]) => declares({ fails: problems });

/** 201, and where what was made is from now on. */
export const Creates = (dto: new () => object, { etag = false } = {}) =>
  applyDecorators(ApiCreatedResponse({ type: dto }), declares({ answers: { status: 201, fields: etag ? ['Location', 'ETag'] : ['Location'] } }));

/** 200 with the one or the other. */
export const AnswersEither = (...dtos: (new () => object)[]) =>
  applyDecorators(ApiExtraModels(...dtos), ApiOkResponse({ schema: { anyOf: dtos.map((dto) => ({ $ref: getSchemaPath(dto) })) } }));

/** The answer bears the tag of what it shows. */
export const Versioned = (status?: number) => declares({ answers: { status, fields: ['ETag'] } });

/** The same where a dry run, which shows nothing that is, has none. */
export const MayBeVersioned = (status?: number) => declares({ answers: { status, fields: ['ETag?'] } });

/** The answer may come from a replica, and states then how old it is. */
export const MayBeReplicas = () => declares({ answers: { fields: ['X-Read-As-Of?'] } });

const IF_MATCH = { name: 'If-Match', description: 'The ETag of what you read, or `*`.', schema: { type: 'string', maxLength: 500 } };
const IF_NONE_MATCH = { name: 'If-None-Match', description: '`*`: only if there is none yet.', schema: { type: 'string', maxLength: 500 } };

/** The route changes one version of a thing: which one, its caller must or may state. `creates`: also that there is none yet. */
export const Preconditions = (kind: 'required' | 'optional', { creates = false } = {}) =>
  declares({
    parameters: creates ? [IF_MATCH, IF_NONE_MATCH] : [IF_MATCH],
    fails: kind === 'required' ? [PreconditionRequired, StaleVersion] : [StaleVersion],
  });

/** What a guard adds to the routes that it guards. */
export type GuardFailures = (route: { method: string; metadata: (key: string) => unknown }) => readonly ProblemClass[];

export const GUARD_FAILS = 'quotidian:guard-fails';

/** The problems by which a global guard refuses, for each route that it guards. */
export const GuardFails = (failures: GuardFailures) => SetMetadata(GUARD_FAILS, failures);

export const ANY_JSON = 'x-any-json';

/** A property that holds whatever JSON somebody put there. */
export const AnyJson = (options: ApiPropertyOptions = {}) => ApiProperty(Object.assign({ [ANY_JSON]: true }, options));
