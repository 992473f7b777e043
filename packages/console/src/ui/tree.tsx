import { t } from '../app/language';
import { type ReactNode } from 'react';

/** Members of one object or list that are shown: a browser stays quick with any value. */
const SHOWN = 200;
/** Deeper ones are closed at first. */
const OPEN_TO = 2;

/** A stored value as a tree that opens and closes. Text only: whatever somebody put there, it is shown and never run. */
export function Tree({ value, label }: { value: unknown; label: string }) {
  return (
    <div className="json tree" role="group" aria-label={label} tabIndex={0}>
      <Node value={value} depth={0} />
      <button type="button" className="small copy" onClick={() => void navigator.clipboard.writeText(JSON.stringify(value, null, 2))}>
        {t('Copy as JSON')}
      </button>
    </div>
  );
}

function Node({ name, value, depth }: { name?: ReactNode; value: unknown; depth: number }) {
  if (typeof value !== 'object' || value === null) {
    return (
      <div className="leaf">
        {name}
        <Leaf value={value} />
      </div>
    );
  }
  const members = Object.entries<unknown>(value as Record<string, unknown>);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (members.length === 0) {
    return (
      <div className="leaf">
        {name}
        {open}
        {close}
      </div>
    );
  }
  return (
    <details open={depth < OPEN_TO}>
      <summary>
        {name}
        {open}
        <span className="muted"> {members.length} </span>
        {close}
      </summary>
      <div className="members">
        {members.slice(0, SHOWN).map(([key, member]) => (
          <Node key={key} name={<span className="member">{key}: </span>} value={member} depth={depth + 1} />
        ))}
        {members.length > SHOWN && (
          <div className="muted">
            … {members.length - SHOWN} {t('more; copy the whole to see them')}
          </div>
        )}
      </div>
    </details>
  );
}

function Leaf({ value }: { value: unknown }) {
  return <span className={`value-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value) ?? t('nothing')}</span>;
}
