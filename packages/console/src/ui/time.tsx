const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the reader's zone; as it is in UTC when pointed at. */
export function Time({ at }: { at: string | null }) {
  if (at === null) return <span className="muted">–</span>;
  return (
    <time dateTime={at} title={at}>
      {local.format(new Date(at))}
    </time>
  );
}
