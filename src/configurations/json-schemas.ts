import { Injectable } from '@nestjs/common';
import { validateCronExpression } from 'cron';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { type FieldError } from '../common/problem';
import { TimeZones } from '../database/time-zones';
import { type JsonSchema } from './setting';

const SHOWN_VIOLATIONS = 5;
const COMPILED_SCHEMAS = 500;

/** JSON Schema 2020-12 by Ajv in strict mode, compiled once each. Knows the formats `iana-time-zone` and `cron` besides the usual. */
@Injectable()
export class JsonSchemas {
  private readonly ajv: Ajv2020;
  private readonly compiled: LRUCache<string, ValidateFunction>;

  constructor(zones: TimeZones) {
    this.ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, validateFormats: true });
    addFormats.default(this.ajv);
    this.ajv.addFormat('iana-time-zone', (name) => zones.has(name));
    this.ajv.addFormat('cron', (expression) => validateCronExpression(expression).valid);
    this.compiled = new LRUCache({ max: COMPILED_SCHEMAS, dispose: (validate) => this.ajv.removeSchema(validate.schema) });
  }

  /** Why the schema cannot be used, or null. */
  refusal(schema: JsonSchema, pointer: string): FieldError | null {
    try {
      this.compile(schema);
      return null;
    } catch (error) {
      return { pointer, detail: `is not a usable JSON Schema: ${(error as Error).message}`, code: 'invalid-schema' };
    }
  }

  /** The first five places where the value breaks the schema. */
  violations(schema: JsonSchema, value: unknown, pointer: string): FieldError[] {
    const validate = this.compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, SHOWN_VIOLATIONS).map((error) => ({
      pointer: pointer + error.instancePath,
      detail: detailOf(error),
      code: error.keyword.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
    }));
  }

  allows(schema: JsonSchema, value: unknown): boolean {
    return this.compile(schema)(value);
  }

  private compile(schema: JsonSchema): ValidateFunction {
    const text = JSON.stringify(schema);
    let validate = this.compiled.get(text);
    if (validate === undefined) {
      // $async would make every check look passed (a promise), and $id would clash between versions of one schema.
      if ('$async' in schema || '$id' in schema) throw new Error('$async and $id are not supported');
      validate = this.ajv.compile(JSON.parse(text) as JsonSchema);
      this.compiled.set(text, validate);
    }
    return validate;
  }
}

function detailOf({ keyword, message, params }: ErrorObject): string {
  const which = keyword === 'additionalProperties' ? ` (${String((params as { additionalProperty: string }).additionalProperty)})` : '';
  return `${message ?? 'is not valid'}${which}`;
}
