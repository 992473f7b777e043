import { t } from '../app/language';
/** A value as it is stored. Text only: whatever somebody put there, it is shown and never run. */
export function Json({ value }: { value: unknown }) {
  return (
    <pre className="json" tabIndex={0}>
      {JSON.stringify(value, null, 2) ?? t('nothing')}
    </pre>
  );
}

interface Change {
  pointer: string;
  before?: unknown;
  after?: unknown;
}

/** Changes that are shown at once; what a whole object has besides is a step away. */
const SHOWN = 4;

/** What is different, member by member. */
export function Diff({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return <span className="muted">{t('no difference')}</span>;
  const rest = changes.slice(SHOWN);
  return (
    <>
      <Changes changes={changes.slice(0, SHOWN)} />
      {rest.length > 0 && (
        <details>
          <summary>{t('{count} more', { count: rest.length })}</summary>
          <Changes changes={rest} />
        </details>
      )}
    </>
  );
}

function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <dl className="diff">
      {changes.map(({ pointer, before, after }) => (
        <div key={pointer}>
          <dt>{pointer || 'value'}</dt>
          {before !== undefined && (
            <dd>
              <del>
                <span className="unseen">{t('before:')} </span>
                {JSON.stringify(before)}
              </del>
            </dd>
          )}
          {after !== undefined && (
            <dd>
              <ins>
                <span className="unseen">{t('after:')} </span>
                {JSON.stringify(after)}
              </ins>
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}

/** The members that differ between two objects; of what is no object, the whole. */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const [old, now] = [membersOf(before), membersOf(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]))
    .map((name) => ({ pointer: name, before: old[name], after: now[name] }));
}

function membersOf(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : { value };
}
