import { Injectable } from '@nestjs/common';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { canonicalJson } from '../common/json-diff';
import { isNetwork } from '../common/networks';
import { TimeZones } from '../database/time-zones';
import { type FieldError } from '../http/problem';
import { isSchedule } from '../jobs/cron-slots';
import { linearPattern } from './linear-patterns';
import { stepsPerMember } from './schema-work';
import { type JsonSchema } from './setting';

const SHOWN_VIOLATIONS = 5;
const COMPILED_SCHEMAS = 500;
/** A tenth of a second. A schema of a hundred parts may check a value of five thousand members. */
const STEPS_MAX = 500_000;
/** To compile one part takes a tenth of a millisecond. */
const PARTS_MAX = 1_000;

/** Bounds narrow a schema that names the type already; they may leave it out. */
export type SchemaRole = 'schema' | 'bounds';

/** JSON Schema 2020-12 by Ajv in strict mode, compiled once each. Knows the formats `iana-time-zone`, `cron` and `network` besides the usual. */
@Injectable()
export class JsonSchemas {
  private readonly ajv: Record<SchemaRole, Ajv2020>;
  private readonly byText: LRUCache<string, ValidateFunction>;
  /** Spares the settings in memory the text. */
  private readonly byObject = new WeakMap<JsonSchema, ValidateFunction>();
  private readonly stepsByDepth = new WeakMap<JsonSchema, number[]>();

  constructor(zones: TimeZones) {
    this.ajv = { schema: makeAjv(zones, true), bounds: makeAjv(zones, false) };
    this.byText = new LRUCache({ max: COMPILED_SCHEMAS, dispose: ({ schema }) => Object.values(this.ajv).forEach((ajv) => ajv.removeSchema(schema)) });
  }

  /** Why the schema cannot be used, or null. */
  refusal(schema: JsonSchema, role: SchemaRole): FieldError | null {
    try {
      assertCompilable(schema);
      const validate = this.compile(schema, role);
      if (this.isTooMuch(schema, null)) throw new Error(`it would take more than ${STEPS_MAX} steps to check any value`);
      // A schema that refers to nothing but itself compiles, and then never ends, with this value or any other.
      validate(null);
      return null;
    } catch (error) {
      return { pointer: `#/${role}`, detail: `is not a usable JSON Schema: ${(error as Error).message}`, code: 'invalid-schema' };
    }
  }

  /** The first five places where the value breaks the schema. */
  violations(schema: JsonSchema, value: unknown, pointer: string, role: SchemaRole = 'schema'): FieldError[] {
    const validate = this.compile(schema, role);
    if (this.isTooMuch(schema, value)) return [{ pointer, detail: `would take the schema more than ${STEPS_MAX} steps to check`, code: 'too-many-steps' }];
    const verdict = run(validate, value);
    if (verdict === 'endless') return [{ pointer, detail: 'leads the schema back to itself without end', code: 'endless-schema' }];
    if (verdict) return [];
    return (validate.errors ?? []).slice(0, SHOWN_VIOLATIONS).map((error) => ({
      pointer: pointer + error.instancePath + memberOf(error),
      detail: error.message ?? 'is not valid',
      code: error.keyword.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
    }));
  }

  /** Also false under a schema that is none, written past our checks. */
  allows(schema: JsonSchema, value: unknown, role: SchemaRole = 'schema'): boolean {
    try {
      const validate = this.compile(schema, role);
      return !this.isTooMuch(schema, value) && run(validate, value) === true;
    } catch {
      return false;
    }
  }

  private isTooMuch(schema: JsonSchema, value: unknown): boolean {
    const { members, depth } = sizeOf(value);
    let steps = this.stepsByDepth.get(schema);
    if (steps === undefined) this.stepsByDepth.set(schema, (steps = []));
    return (steps[depth] ??= stepsPerMember(schema, depth)) * members > STEPS_MAX;
  }

  private compile(schema: JsonSchema, role: SchemaRole): ValidateFunction {
    let validate = this.byObject.get(schema);
    if (validate !== undefined) return validate;
    const text = JSON.stringify(schema);
    validate = this.byText.get(role + text);
    if (validate === undefined) {
      const copy = JSON.parse(text) as JsonSchema;
      assertSelfContained(copy);
      try {
        validate = this.ajv[role].compile(copy);
      } catch (error) {
        // Ajv keeps a schema that did not compile.
        this.ajv[role].removeSchema(copy);
        throw error;
      }
      this.byText.set(role + text, validate);
    }
    this.byObject.set(schema, validate);
    return validate;
  }
}

/** Some schemas refer back to themselves at the same place for some values only. */
function run(validate: ValidateFunction, value: unknown): boolean | 'endless' {
  try {
    return validate(value);
  } catch (error) {
    if (error instanceof RangeError) return 'endless';
    throw error;
  }
}

function makeAjv(zones: TimeZones, strictTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes,
    strictRequired: false,
    allErrors: true,
    allowUnionTypes: true,
    validateFormats: true,
    code: { regExp: linearPattern },
  });
  (addFormats.default as unknown as (ajv: Ajv2020) => void)(ajv);
  // Its regular expression takes seconds for 32 kB of colons.
  ajv.addFormat('url', (text) => /^(https?|ftp):\/\//i.test(text) && URL.canParse(text));
  // Ajv's own compares every item with every other.
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (unique: boolean, items: unknown[]) => !unique || new Set(items.map(canonicalJson)).size === items.length,
    error: { message: 'must NOT have duplicate items' },
  });
  ajv.addFormat('iana-time-zone', (name) => zones.has(name));
  ajv.addFormat('cron', (expression) => isSchedule(expression));
  ajv.addFormat('network', (text) => isNetwork(text));
  return ajv;
}

/** @throws Error when the text has so many parts that compiling it would hold up everybody */
function assertCompilable(schema: JsonSchema): void {
  const parts = [...objectsIn(schema)].length;
  if (parts > PARTS_MAX) throw new Error(`it has ${parts} parts, of which at most ${PARTS_MAX} are supported`);
}

function* objectsIn(part: unknown): Generator<object> {
  if (typeof part !== 'object' || part === null) return;
  if (!Array.isArray(part)) yield part;
  for (const value of Object.values(part)) yield* objectsIn(value);
}

/** How many values are in it, itself included, and on how many levels below it. */
function sizeOf(value: unknown): { members: number; depth: number } {
  let members = 0;
  let depth = -1;
  for (let level: unknown[] = [value]; level.length > 0; depth++) {
    members += level.length;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : []));
  }
  return { members, depth };
}

/** `$async` would make every check look passed (a promise), and `$id` would clash between the versions of one schema. */
function assertSelfContained(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [name, value] of Object.entries(part)) {
    if ((name === '$id' && typeof value === 'string') || (name === '$async' && typeof value === 'boolean')) throw new Error(`${name} is not supported`);
    assertSelfContained(value);
  }
}

/** The member that an error is about, which Ajv reports at its parent. */
function memberOf({ params }: ErrorObject): string {
  const { additionalProperty, unevaluatedProperty, propertyName, missingProperty } = params as Record<string, unknown>;
  const name = additionalProperty ?? unevaluatedProperty ?? propertyName ?? missingProperty;
  return typeof name === 'string' ? `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` : '';
}
