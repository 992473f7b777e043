import { Injectable } from '@nestjs/common';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { canonicalJson } from '../common/json-diff';
import { TimeZones } from '../database/time-zones';
import { type FieldError } from '../http/problem';
import { isSchedule } from '../jobs/cron-slots';
import { linearPattern } from './linear-patterns';
import { type JsonSchema } from './setting';

const SHOWN_VIOLATIONS = 5;
const COMPILED_SCHEMAS = 500;

/** Bounds narrow a schema that names the type already; they may leave it out. */
export type SchemaRole = 'schema' | 'bounds';

/** JSON Schema 2020-12 by Ajv in strict mode, compiled once each. Knows the formats `iana-time-zone` and `cron` besides the usual. */
@Injectable()
export class JsonSchemas {
  private readonly ajv: Record<SchemaRole, Ajv2020>;
  private readonly byText: LRUCache<string, ValidateFunction>;
  /** Spares the settings in memory the text. */
  private readonly byObject = new WeakMap<JsonSchema, ValidateFunction>();

  constructor(zones: TimeZones) {
    this.ajv = { schema: makeAjv(zones, true), bounds: makeAjv(zones, false) };
    this.byText = new LRUCache({ max: COMPILED_SCHEMAS, dispose: ({ schema }) => Object.values(this.ajv).forEach((ajv) => ajv.removeSchema(schema)) });
  }

  /** Why the schema cannot be used, or null. */
  refusal(schema: JsonSchema, role: SchemaRole): FieldError | null {
    try {
      // A schema that refers to nothing but itself compiles, and then never ends, with this value or any other.
      this.compile(schema, role)(null);
      return null;
    } catch (error) {
      return { pointer: `#/${role}`, detail: `is not a usable JSON Schema: ${(error as Error).message}`, code: 'invalid-schema' };
    }
  }

  /** The first five places where the value breaks the schema. */
  violations(schema: JsonSchema, value: unknown, pointer: string, role: SchemaRole = 'schema'): FieldError[] {
    const validate = this.compile(schema, role);
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
      return run(this.compile(schema, role), value) === true;
    } catch {
      return false;
    }
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
  return ajv;
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
