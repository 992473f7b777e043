/** An answer that may stand in the document as the example of its kind. */
export interface Example {
  /** `<operation> <status>`, or the code of a problem. */
  of: string;
  value: unknown;
}

const MAX_BYTES = 20_000;
/** Of each kind and file: a test may ask a thousand times. */
const MAX_LOOKED_AT = 30;
const MAX_ITEMS = 2;
const MAX_LINES = 12;
const MAX_LEAVES = 40;
/** A schema in an example is one to linters, and lacks what they ask of those of the document. */
const SCHEMA = /"type":\[?"(integer|number|string|boolean|array|object)"/;
/** Where a test, and nobody else, has the pages of errors. */
const ELSEWHERE = /"type":"https?:..(?!iana)/;

const found = new Map<string, { score: number; text: string }>();
const lookedAt = new Map<string, number>();

/** Remembers the answer if it shows more than those of its kind before it did. */
export function keepExample(of: string, value: unknown, bytes: number): void {
  const looked = lookedAt.get(of) ?? 0;
  if (looked >= MAX_LOOKED_AT || bytes > MAX_BYTES) return;
  lookedAt.set(of, looked + 1);
  const text = JSON.stringify(stable(shortened(value), ''));
  const score = scoreOf(text);
  const best = found.get(of);
  if (best === undefined || score > best.score || (score === best.score && text < best.text)) found.set(of, { score, text });
}

export function examplesFound(): string[] {
  return [...found].map(([of, { score, text }]) => `{"of":${JSON.stringify(of)},"score":${score},"value":${text}}`);
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.split('\n').slice(0, MAX_LINES).join('\n');
  if (typeof value !== 'object' || value === null || !('items' in value) || !Array.isArray(value.items)) return value;
  const plain = value.items.filter((item) => !SCHEMA.test(JSON.stringify(item)));
  return { ...value, items: (plain.length > 0 ? plain : value.items).slice(0, MAX_ITEMS) };
}

/** The more it shows the better, up to what a reader reads; what was sent to do harm shows nobody anything. */
function scoreOf(text: string): number {
  const leaves = (text.match(/:(?!null|\[\]|\{\}|\{|\[)/g) ?? []).length;
  const isOdd = /[^\x20-\x7e]|\\u|\\\\|[^\s"]{70}/.test(text);
  const isRefused = SCHEMA.test(text) || ELSEWHERE.test(text);
  return Math.min(leaves, MAX_LEAVES) - (isRefused ? 2_000 : 0) - (isOdd ? 1_000 : 0) - (text.length > 2_500 ? 500 : 0);
}

const UUID = '01a21b99-4f0b-7190-a018-cc5d760cf65b';
const SECRET = /token$|secret|password|recovery|cursor/i;
const LATER = /expires|resets|ends|until|next|effective|deadline/i;

/** The same with what differs from one run to the next, and what nobody may know, replaced by something of the same form. */
function stable(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((one) => stable(one, name));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, stable(one, key)]));
  if (typeof value === 'number') return /(^i|I)d$/.test(name) && Number.isInteger(value) ? 42 : value;
  return typeof value === 'string' ? stableText(value, name) : value;
}

function stableText(text: string, name: string): string {
  if (text.startsWith('eyJ')) return 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';
  if (/^(qtd|whsec)_/.test(text) || SECRET.test(name) || isRandom(text)) return masked(text);
  const [day, time] = LATER.test(name) ? ['2026-11-28', '00:00:00'] : ['2026-11-27', '09:30:00'];
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, UUID)
    .replace(/(secret=)[A-Z2-7]+/i, '$1XXXXXXXXXXXXXXXX')
    .replace(/(urn:quotidian:request:)[\w.-]+/, `$1${UUID}`)
    .replace(/\d{4}-\d\d-\d\d/g, day)
    .replace(/T\d\d:\d\d:\d\d(\.\d+)?/g, (_, fraction: string | undefined) => `T${time}${fraction?.replace(/\d/g, '0') ?? ''}`)
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, 'ada@example.com')
    .replace(/\b\d{1,3}(\.\d{1,3}){3}\b/g, '203.0.113.7')
    .replace(/(203\.0\.113\.7|localhost):\d+/g, '$1:3000');
}

/** As long as something that was drawn, and as mixed. */
function isRandom(text: string): boolean {
  return /^[\w+/=.-]{20,}$/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && !/^\d{4}-/.test(text);
}

function masked(text: string): string {
  const prefix = /^[a-z]+_/.exec(text)?.[0] ?? '';
  return prefix + text.slice(prefix.length).replace(/[\w+/-]/g, 'x');
}
