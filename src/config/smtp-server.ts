/** The server that `SMTP_URL` names. */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte (smtps). */
  secure: boolean;
  /** `required`: STARTTLS or no mail; `offered`: STARTTLS where the server offers it; `never`: as it is. */
  startTls: 'required' | 'offered' | 'never';
  /** Whether the server's certificate must be one that is trusted. */
  verified: boolean;
  credentials: { user: string; pass: string } | null;
}

/** Who mails come from, as `MAIL_FROM` has it. */
export interface MailFrom {
  name: string;
  address: string;
}

const SMTP = 587;
const SMTPS = 465;
const ADDRESS = /^[^\s@<>(),;:\\"[\]]{1,64}@[A-Za-z0-9.-]{1,190}$/;

/** Null for what names no server: `smtp://user:password@host:587`, or `smtps://`, with `?tls=required`, `never` or `unverified`. */
export function smtpServerOf(text: string): SmtpServer | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const options = [...url.searchParams];
  const tls = options.length === 0 ? 'default' : options.length === 1 && options[0]?.[0] === 'tls' ? options[0][1] : 'unknown';
  const secure = url.protocol === 'smtps:';
  if ((!secure && url.protocol !== 'smtp:') || url.hostname === '' || !['', '/'].includes(url.pathname) || url.hash !== '') return null;
  if (!['default', 'required', 'never', 'unverified'].includes(tls) || (secure && tls === 'never')) return null;
  const credentials = credentialsOf(url);
  if (credentials === undefined) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // A password goes to another machine in the clear only where that was asked for.
  const exposed = credentials !== null && !isLoopback(host);
  const startTls = tls === 'never' ? 'never' : tls === 'required' || exposed ? 'required' : 'offered';
  return { host, port: url.port === '' ? (secure ? SMTPS : SMTP) : Number(url.port), secure, startTls, verified: tls !== 'unverified', credentials };
}

/** Null for what is no address, alone or as `Name <address>`. */
export function mailFromOf(text: string): MailFrom | null {
  const [, name, inBrackets] = /^([^<>"\p{Cc}]{1,100}?) *<([^<>]+)>$/u.exec(text) ?? [];
  const address = inBrackets ?? text;
  return isMailAddress(address) ? { name: name?.trim() ?? '', address } : null;
}

/** Whether mail can go there. Narrower than what may be stored: other programs make accounts too, and a list or a line break is no address. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && ADDRESS.test(text) && /^[\x21-\x7e]+$/.test(text);
}

/** Null: none are given. Undefined: they cannot be read. */
function credentialsOf({ username, password }: URL): SmtpServer['credentials'] | undefined {
  if (username === '') return password === '' ? null : undefined;
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
