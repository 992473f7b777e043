import { MAX_INTEGER } from '../common/limits';
import { ANY_JSON } from './declarations';

type Schema = Record<string, unknown>;

/** No text in a body is longer than a body may be. */
const MAX_TEXT = 262_144;

/** Gives every text and list an upper bound, and an integer where the code's type is only a number: fractions are marked `double`. */
export function bound(node: unknown): void {
  if (Array.isArray(node)) return node.forEach(bound);
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Schema;
  const types = [schema.type].flat();
  if ((types.includes('number') && schema.format !== 'double') || types.includes('integer')) {
    schema.type = Array.isArray(schema.type) ? types.map((type) => (type === 'number' ? 'integer' : type)) : 'integer';
    schema.format ??= 'int32';
    schema.minimum ??= 0;
    schema.maximum ??= MAX_INTEGER;
  }
  if (types.includes('string') && schema.enum === undefined && schema.const === undefined && schema.in === undefined) schema.maxLength ??= MAX_TEXT;
  if (schema.type === 'array') schema.maxItems ??= 1_000;
  if (schema[ANY_JSON]) {
    delete schema.type;
    delete schema[ANY_JSON];
  }
  for (const [key, child] of Object.entries(schema)) if (key !== 'example' && key !== 'examples' && key !== 'default') bound(child);
}
