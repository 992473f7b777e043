import { parseDocument, readSettings, type SettingsDocument } from '../configurations/settings-document';
import { ValidationProblem } from '../http/problem';

const SECTIONS = ['tiers', 'settings', 'webhooks'];

/** Plans by name, and the operator's webhook endpoints by URL, with what is to be so of each. */
export type Entries = Map<string, Record<string, unknown>>;

/** What a service is to be like. A section that is null is left alone. */
export interface ServiceDocument {
  tiers: Entries | null;
  settings: SettingsDocument | null;
  webhooks: Entries | null;
}

/** Reads YAML or JSON. @throws ValidationProblem naming the first place that cannot be read */
export function readServiceDocument(text: string): ServiceDocument {
  const document = parseDocument(text);
  if (!isObject(document) || Object.keys(document).length === 0) throw refusal('#', 'must have sections: tiers, settings, webhooks');
  const stranger = Object.keys(document).find((name) => !SECTIONS.includes(name));
  if (stranger !== undefined) throw refusal(`#/${stranger}`, 'is no section: there are tiers, settings and webhooks');
  return {
    tiers: entriesOf('tiers', document.tiers),
    settings: document.settings === undefined ? null : readSettings(document.settings),
    webhooks: entriesOf('webhooks', document.webhooks),
  };
}

function entriesOf(section: string, entries: unknown): Entries | null {
  if (entries === undefined) return null;
  if (!isObject(entries)) throw refusal(`#/${section}`, `must have an entry for each ${section === 'tiers' ? 'name' : 'URL'}`);
  for (const [name, entry] of Object.entries(entries)) {
    if (!isObject(entry)) throw refusal(`#/${section}/${escaped(name)}`, 'must be an object');
  }
  return new Map(Object.entries(entries) as [string, Record<string, unknown>][]);
}

/** A name as a JSON Pointer has it. */
export function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * The line, from 1, where a text has the place that a pointer names: its names are looked for one behind the other, which finds
 * them in YAML and JSON as people write them. Null where it is not found.
 */
export function lineOf(text: string, pointer: string): number | null {
  const lines = text.split('\n');
  let found: number | null = null;
  for (const part of pointer.split('/').slice(1)) {
    const name = part
      .replaceAll('~1', '/')
      .replaceAll('~0', '~')
      .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    const at = lines.findIndex((line, i) => i >= (found ?? 0) && new RegExp(`(^|[\\s{,])["']?${name}["']?\\s*:`).test(line));
    // Deeper members may stand on the line of what has them.
    if (at === -1) break;
    found = at;
  }
  return found === null ? null : found + 1;
}

function refusal(pointer: string, detail: string): ValidationProblem {
  return new ValidationProblem([{ pointer, detail, code: 'malformed-document' }]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
