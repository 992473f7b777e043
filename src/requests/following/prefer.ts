const MAX_WAIT_SECONDS = 60;

/** The `wait` of a `Prefer` field (RFC 7240, section 4.3) in seconds, as far as it is honoured; null when there is none. */
export function preferredWait(field: string | string[] | undefined): number | null {
  if (field === undefined) return null;
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec([field].flat().join())?.[1];
  return wait === undefined ? null : Math.min(Number(wait), MAX_WAIT_SECONDS);
}
