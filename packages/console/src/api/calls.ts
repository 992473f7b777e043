/** What the page last asked of the service, to be done without it as well. */
export interface Call {
  method: string;
  url: string;
  body: string | null;
}

const KEPT = 12;
let calls: readonly Call[] = [];
const watchers = new Set<() => void>();

export function watchCalls(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export const lastCalls = (): readonly Call[] => calls;

export function noteCall(request: Request): void {
  const { method, url } = request;
  void request
    .clone()
    .text()
    .then((body) => {
      const call = { method, url, body: body === '' ? null : shown(body) };
      calls = [call, ...calls.filter((one) => one.url !== url || one.method !== method)].slice(0, KEPT);
      for (const watcher of watchers) watcher();
    });
}

/** Members of a body that are nobody's business, on whatever level. */
const SECRET = /password|secret|token|^code$/i;

/** What was typed into a field of a password is shown to nobody, its owner neither. */
function shown(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), (name, value: unknown) => (SECRET.test(name) && typeof value === 'string' ? '…' : value));
  } catch {
    return body;
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call for a shell; the token stays out of it. */
export function asCurl({ method, url, body }: Call): string {
  const parts = ['curl', method === 'GET' ? '' : `-X ${method}`, '-H "Authorization: Bearer $TOKEN"'];
  if (body !== null) parts.push(`-H 'content-type: application/json'`, `-d ${quoted(body)}`);
  return [...parts.filter(Boolean), quoted(url)].join(' ');
}
