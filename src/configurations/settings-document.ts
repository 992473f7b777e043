import { CORE_SCHEMA, dump, load, YAMLException } from 'js-yaml';
import { parseJsonBody } from '../http/json-body';
import { type FieldError, ValidationProblem } from '../http/problem';
import { type SettingDefinition } from '../settings/setting-definitions';

const FIELDS = ['value', 'valueFromEnv', 'schema', 'description', 'unit', 'visibility', 'overridable', 'bounds'];

/** One setting of a file. A secret has no `value` there: `valueFromEnv` names a variable that has it, else the stored one stays. */
export type SettingEntry = { value?: unknown; valueFromEnv?: string } & Partial<Omit<SettingDefinition, 'key' | 'declared'>>;

export type SettingsDocument = Map<string, SettingEntry>;

const HEADER = `# Settings of the service, by \`quotidian config:export\`; \`quotidian config:apply\` takes them back.
# Secrets are here without their values: they stay as they are, or come from the variable that \`valueFromEnv\` names.
`;

export function writeDocument(settings: SettingsDocument): string {
  return HEADER + dumped({ settings: Object.fromEntries(settings) });
}

export function dumped(document: unknown): string {
  return dump(document, { schema: CORE_SCHEMA, lineWidth: 120, noRefs: true });
}

/** Reads a file of settings, YAML or JSON. @throws ValidationProblem naming the first place that is no setting */
export function readDocument(text: string): SettingsDocument {
  const document = parseDocument(text);
  if (!isObject(document) || !isObject(document.settings) || Object.keys(document).length > 1) {
    throw refusal('#', 'must be `settings:` with an entry per key');
  }
  return readSettings(document.settings);
}

/** The settings of a document by key. @throws ValidationProblem naming the first place that is no setting */
export function readSettings(settings: unknown): SettingsDocument {
  if (!isObject(settings)) throw refusal('#/settings', 'must have an entry per key');
  const entries = Object.entries(settings);
  for (const [key, entry] of entries) {
    if (!isObject(entry)) throw refusal(`#/settings/${key}`, 'must be an object with `value`');
    const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
    if (unknown !== undefined) throw refusal(`#/settings/${key}/${unknown}`, 'is not a known field');
    if ('valueFromEnv' in entry && ('value' in entry || typeof entry.valueFromEnv !== 'string')) {
      throw refusal(`#/settings/${key}/valueFromEnv`, 'must be the name of a variable, in place of `value`');
    }
  }
  return new Map(entries as [string, SettingEntry][]);
}

/** YAML that holds no more than JSON can, and nothing that a body over HTTP may not hold. */
export function parseDocument(text: string): unknown {
  try {
    const parsed: unknown = load(text, { schema: CORE_SCHEMA });
    return parseJsonBody(Buffer.from(JSON.stringify(parsed, exactly) ?? 'null'));
  } catch (error) {
    if (error instanceof YAMLException) throw refusal('#', `is not valid YAML: ${error.message.split('\n', 1)[0]}`);
    throw error;
  }
}

function exactly(name: string, part: unknown): unknown {
  if (name === '__proto__') throw refusal('#', 'must not name __proto__');
  const inexact =
    typeof part === 'number' && (!Number.isFinite(part) || (Number.isInteger(part) && Math.abs(part) > Number.MAX_SAFE_INTEGER && Math.abs(part) < 1e21));
  if (inexact) throw refusal(`#/…/${name}`, 'is a number that cannot be held exactly; write it as a string');
  return part;
}

function refusal(pointer: string, detail: string): ValidationProblem {
  return new ValidationProblem([{ pointer, detail, code: 'malformed-settings' } satisfies FieldError]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
