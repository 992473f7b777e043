/** An endpoint may ask for a pause of this much. */
const MAX_PAUSE_MS = 24 * 3_600_000;

/** The pause that a `Retry-After` field (RFC 9110, section 10.2.3) asks for, in milliseconds; null: it asks for none. */
export function retryAfterMs(field: string | string[] | undefined, now: Date): number | null {
  if (typeof field !== 'string') return null;
  const text = field.trim();
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return Number.isNaN(ms) || ms <= 0 ? null : Math.min(ms, MAX_PAUSE_MS);
}
