import { type Visibility } from './entities/system-configuration.entity';

export type JsonSchema = Record<string, unknown>;

/** A setting of the product, declared in code. `configurations/` keeps it, checks it and shows where its value came from. */
export interface Setting<T> {
  key: string;
  /** JSON Schema 2020-12 of the value, with our formats `iana-time-zone`, `cron` and `network`. */
  schema: JsonSchema;
  default: T;
  /** What it does, in a sentence. */
  description: string;
  /** What its number counts; null where there is none to count. */
  unit: string | null;
  visibility: Exclude<Visibility, 'secret'>;
  /** Whether users may have a value of their own, and within which bounds (a second schema). */
  overridable: boolean;
  bounds?: JsonSchema;
}

const declared = new Map<string, Setting<unknown>>();

/** Declares a setting; one file per module does so: `quotas/quota.settings.ts`. */
export function defineSetting<T>(setting: Omit<Setting<T>, 'unit' | 'visibility' | 'overridable'> & Partial<Setting<T>>): Setting<T> {
  const complete: Setting<T> = { unit: null, visibility: 'internal', overridable: false, ...setting };
  if (declared.has(complete.key)) throw new Error(`The setting ${complete.key} is declared twice.`);
  declared.set(complete.key, complete);
  return complete;
}

/** Every setting that a loaded module declares. */
export function declaredSettings(): ReadonlyMap<string, Setting<unknown>> {
  return declared;
}
