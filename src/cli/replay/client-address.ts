import { isIP } from 'node:net';

/** A virtual host and its port, as Apache's `vhost_combined` puts them first. */
const VHOST = /^[^:\s]+:\d{1,5}$/;

/**
 * The client of a hit, from what stands before its time: `client ident user`, with a virtual host before them in some logs.
 * An address comes out as it is written canonically, without a port; a name in lower case. Null: there are no such three.
 */
export function clientOf(head: string): string | null {
  const parts = head.split(' ');
  const [first = '', second = ''] = parts;
  // Several addresses, as of X-Forwarded-For: the first one is the client.
  if (first.endsWith(',')) return nameOf(first.slice(0, -1));
  if (parts.length < 3) return null;
  const hasVhost = parts.length > 3 && (addressOf(second) !== null || (VHOST.test(first) && addressOf(first) === null && second !== '-'));
  return nameOf(hasVhost ? second : first);
}

/** As the client is called where it is no address. */
export function nameOf(text: string): string {
  return addressOf(text) ?? (VHOST.test(text) ? text.slice(0, text.lastIndexOf(':')) : text).toLowerCase();
}

/** An IP address, with or without a port or a zone, in its canonical form; null when it is none. */
export function addressOf(text: string): string | null {
  const bare = (/^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d[\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text).split('%', 1)[0] ?? '';
  const version = isIP(bare);
  return version === 6 ? canonical(bare) : version === 4 ? bare : null;
}

function canonical(address: string): string {
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (mapped === null) return text;
  return [mapped[1], mapped[2]].flatMap((half) => [Number.parseInt(half as string, 16) >> 8, Number.parseInt(half as string, 16) & 0xff]).join('.');
}
