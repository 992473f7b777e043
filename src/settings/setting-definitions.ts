import { Injectable } from '@nestjs/common';
import { type FieldError, ValidationProblem } from '../http/problem';
import { ConfigurationDto } from './dto/configuration.dto';
import { type SystemConfiguration, type Visibility } from './entities/system-configuration.entity';
import { JsonSchemas } from './json-schemas';
import { declaredSettings, type JsonSchema } from './setting';
import { type SystemState } from './system-settings.repository';

export const MAX_VALUE_BYTES = 32_768;
const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Everything about a setting but its value: declared in code, or written by an operator. */
export interface SettingDefinition {
  key: string;
  /** True: its schema and bounds are the code's, and deleting it means "back to default". */
  declared: boolean;
  schema: JsonSchema | null;
  description: string;
  unit: string | null;
  visibility: Visibility;
  overridable: boolean;
  bounds: JsonSchema | null;
}

/** The content of a version: all of an operator's setting, the value alone of a declared one. */
export type SettingContent = { value: unknown } & Partial<Omit<SettingDefinition, 'key' | 'declared'>>;

/** A write of a setting: what is left out stays as it is. */
export type SettingWrite = SettingContent & { reason?: string };

/** What a key means, and whether a value may be put there. */
@Injectable()
export class SettingDefinitions {
  constructor(private readonly schemas: JsonSchemas) {}

  /** The definition of a key, or null when neither the code nor an operator knows it. */
  of(key: string, row: SystemConfiguration | null): SettingDefinition | null {
    const setting = declaredSettings().get(key);
    if (setting) {
      const { schema, description, unit, visibility, overridable, bounds = null } = setting;
      return { key, declared: true, schema, description, unit, visibility, overridable, bounds };
    }
    if (row === null) return null;
    const { schema, description, unit, visibility, overridable, bounds } = row;
    const [checked, narrowed] = [schema as JsonSchema | null, bounds as JsonSchema | null];
    return { key, declared: false, schema: checked, description, unit, visibility, overridable, bounds: narrowed };
  }

  /** Whether a stored value is in force: one of a declared setting that breaks the schema, written past our checks, is not. */
  counts(key: string, value: unknown): boolean {
    const setting = declaredSettings().get(key);
    return setting === undefined || this.schemas.allows(setting.schema, value);
  }

  /** @param showsAuthor whether the reader may know which administrator set it */
  toDto(definition: SettingDefinition, { row, version }: SystemState, showsAuthor: boolean): ConfigurationDto {
    const { declared: _, key, ...rest } = definition;
    const counts = row !== null && this.counts(key, row.value);
    const value = counts ? row.value : (declaredSettings().get(key)?.default ?? null);
    const adjusted = row !== null && !counts ? 'inherited' : null;
    const shown = definition.visibility === 'secret' ? null : value;
    const updatedBy = showsAuthor ? (row?.updatedBy ?? null) : null;
    return { key, value: shown, source: counts ? 'system' : 'default', version, ...rest, updatedAt: row?.updatedAt ?? null, updatedBy, adjusted };
  }

  /**
   * What the key would be after the write.
   * @throws ValidationProblem naming the key, the schema, the bounds or the first five places of the value that are wrong
   */
  next(key: string, current: SettingDefinition | null, write: SettingWrite): SettingDefinition {
    const errors: FieldError[] = isKey(key) ? [] : [KEY_MALFORMED];
    const { value, reason: _, ...given } = write;
    const named = Object.entries(given).filter(([, field]) => field !== undefined);
    if (current?.declared) {
      errors.push(...named.map(([name]) => ({ pointer: `#/${name}`, detail: 'is declared in code', code: 'declared-in-code' })));
    }
    const next: SettingDefinition = {
      ...(current ?? { ...NEW, key }),
      ...(current?.declared ? {} : Object.fromEntries(named)),
    };
    for (const role of ['schema', 'bounds'] as const) {
      const schema = next[role];
      const flaw = schema === null ? null : (tooLarge(schema, `#/${role}`) ?? this.schemas.refusal(schema, role));
      if (flaw) errors.push(flaw);
    }
    if (next.visibility === 'secret' && next.overridable) {
      errors.push({ pointer: '#/overridable', detail: 'must be false for a secret, which users do not see', code: 'secret-not-overridable' });
    }
    // A key that is both since before 0.2.0 may still be written, as long as neither is what the write is about.
    const isAsked = current === null || given.visibility !== undefined || given.overridable !== undefined;
    if (next.visibility === 'internal' && next.overridable && isAsked) {
      errors.push({ pointer: '#/overridable', detail: 'must be false for an internal setting, which users do not see', code: 'internal-not-overridable' });
    }
    if (errors.length === 0) errors.push(...this.valueErrors(next.schema, value));
    if (errors.length > 0) throw new ValidationProblem(errors);
    return next;
  }

  /** Why the value cannot be stored under the schema. */
  valueErrors(schema: JsonSchema | null, value: unknown): FieldError[] {
    const large = tooLarge(value, '#/value');
    if (large) return [large];
    return schema === null ? [] : this.schemas.violations(schema, value, '#/value');
  }

  /** Why the value cannot be a user's own. */
  overrideErrors({ schema, bounds }: SettingDefinition, value: unknown): FieldError[] {
    const errors = this.valueErrors(schema, value);
    return errors.length > 0 || bounds === null ? errors : this.schemas.violations(bounds, value, '#/value', 'bounds');
  }

  /** Whether a user's value obeys the setting's schema and bounds. */
  allowsOverride({ schema, bounds }: SettingDefinition, value: unknown): boolean {
    return (schema === null || this.schemas.allows(schema, value)) && (bounds === null || this.schemas.allows(bounds, value, 'bounds'));
  }
}

/** Whether text can be the key of a setting: anything else names nothing, and need not be looked for. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** What an operator's key is by default. */
export const NEW: Omit<SettingDefinition, 'key'> = {
  declared: false,
  schema: null,
  description: '',
  unit: null,
  visibility: 'internal',
  overridable: false,
  bounds: null,
};

const KEY_MALFORMED: FieldError = {
  pointer: '#/key',
  detail: 'must be 1 to 100 letters, digits, dots, dashes and underscores, and start with a letter or digit',
  code: 'malformed-key',
};

function tooLarge(value: unknown, pointer: string): FieldError | null {
  if (Buffer.byteLength(JSON.stringify(value)) <= MAX_VALUE_BYTES) return null;
  return { pointer, detail: `is larger than ${MAX_VALUE_BYTES} bytes`, code: 'too-large' };
}
