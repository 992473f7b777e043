import { LOCALE, t } from '../app/language';
import { useEffect, useState } from 'react';

const local = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the reader's zone; as it is in UTC when pointed at. */
export function Time({ at }: { at: string | null }) {
  if (at === null) return <span className="muted">–</span>;
  return (
    <time dateTime={at} title={at}>
      {local.format(new Date(at))}
    </time>
  );
}

const MINUTE_MS = 60_000;

/** How long until then, to the minute. */
export function Until({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE_MS / 4);
    return () => clearInterval(timer);
  }, []);
  const minutes = Math.max(0, Math.ceil((Date.parse(at) - now) / MINUTE_MS));
  const hours = Math.floor(minutes / 60);
  return (
    <time dateTime={at} title={at}>
      {hours > 0 ? t('in {hours} h {minutes} min', { hours, minutes: minutes % 60 }) : t('in {minutes} min', { minutes })}
    </time>
  );
}

/** What a field for a local time holds, as an instant; undefined: it holds none. */
export function instantOf(typed: string | undefined): string | undefined {
  const at = Date.parse(typed ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
