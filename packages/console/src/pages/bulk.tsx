import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api, queries } from '../api/client';
import { type Schemas, type User } from '../api/types';
import { useMe } from '../app/me';
import { Dialog } from '../ui/dialog';
import { Choice, Field } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { useTiers } from './plans';
import { allLike } from './user-search';

type Search = Partial<Record<string, string>>;
type Change = Schemas['UpdateUserDto'];

/** So many users are changed at a time: a service under load has other callers too. */
const AT_ONCE = 4;
/** Refusals that are shown. */
const SHOWN = 20;

interface Progress {
  done: number;
  refused: readonly { user: User; problem: string }[];
  isOver: boolean;
}

/** Does the same to everybody whom the filter finds, on whatever page they are: counted first, and confirmed by that number. */
export function Bulk({ search }: { search: Search }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {t('Act on all of these')}
      </button>
      <Dialog title="Act on all that the filter finds" isOpen={isOpen} onClose={() => setOpen(false)}>
        <BulkForm search={search} close={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function BulkForm({ search, close }: { search: Search; close: () => void }) {
  const me = useMe();
  const tiers = useTiers();
  const [act, setAct] = useState('suspend');
  const [reason, setReason] = useState('');
  const [sure, setSure] = useState('');
  const [progress, setProgress] = useState<Progress | null>(null);
  const stopped = useRef(false);
  const found = useQuery({ queryKey: ['bulk', search], queryFn: ({ signal }) => allLike(search, signal), staleTime: Infinity, gcTime: 0 });
  // Oneself is left out: the last operator would be shut out.
  const users = found.data?.users.filter(({ id }) => id !== me.data?.id) ?? [];
  const changes: Record<string, Change> = { suspend: { status: 'suspended' }, restore: { status: 'active' } };
  const change = changes[act] ?? { tier: act.replace(/^plan /, ''), effective: 'now' as const };

  async function run() {
    const left = [...users];
    const state = { done: 0, refused: [] as { user: User; problem: string }[] };
    stopped.current = false;
    setProgress({ ...state, isOver: false });
    const work = async () => {
      for (let user = left.shift(); user !== undefined && !stopped.current; user = left.shift()) {
        try {
          const body = { ...change, ...(reason ? { reason } : {}) };
          await api.PATCH('/v1/users/{userId}', { params: { path: { userId: String(user.id) } }, headers: { 'if-match': '*' }, body });
          state.done++;
        } catch (error) {
          state.refused = [...state.refused, { user, problem: problemOf(error)?.detail ?? '' }];
        }
        setProgress({ ...state, isOver: false });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    setProgress({ ...state, isOver: true });
    await queries.invalidateQueries({ queryKey: ['users'] });
  }

  if (found.isError) return <Refusal problem={problemOf(found.error)} />;
  if (found.data === undefined) return <p className="waiting">{t('Counting…')}</p>;
  if (progress !== null) {
    return (
      <div className="stack">
        <progress max={users.length} value={progress.done + progress.refused.length} aria-label="Done" />
        <p role="status">{t('{done} of {all} done, {refused} refused.', { done: progress.done, all: users.length, refused: progress.refused.length })}</p>
        <ul className="plain">
          {progress.refused.slice(0, SHOWN).map(({ user, problem }) => (
            <li key={user.id}>
              {user.email}: {problem}
            </li>
          ))}
        </ul>
        <button type="button" className="primary" onClick={() => (progress.isOver ? close() : (stopped.current = true))}>
          {progress.isOver ? t('Done') : t('Stop')}
        </button>
      </div>
    );
  }
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <p>
        <strong>{users.length === 1 ? t('1 user is like that.') : t('{count} users are like that.', { count: users.length.toLocaleString(LOCALE) })}</strong>{' '}
        {t('You are not counted.')} {!found.data.isWhole && t('There are more, which a second run finds.')}
      </p>
      <Choice label="What to do" value={act} onChange={({ target }) => setAct(target.value)}>
        <option value="suspend">{t('suspend')}</option>
        <option value="restore">{t('let in again')}</option>
        {tiers.data?.items
          .filter(({ archived }) => !archived)
          .map(({ id, name }) => (
            <option key={id} value={`plan ${name}`}>
              {t('plan')} {name}
              {t(', now')}
            </option>
          ))}
      </Choice>
      <Field label="Reason" value={reason} onChange={({ target }) => setReason(target.value)} hint="It stands in the audit log of each of them." />
      <Field
        label={t('Type {text} to be sure', { text: users.length })}
        value={sure}
        onChange={({ target }) => setSure(target.value)}
        autoComplete="off"
        inputMode="numeric"
      />
      <div className="row end">
        <button type="button" onClick={close}>
          {t('Cancel')}
        </button>
        <button className="danger" disabled={users.length === 0 || sure !== String(users.length)}>
          {users.length === 1 ? t('Change 1 user') : t('Change {count} users', { count: users.length.toLocaleString(LOCALE) })}
        </button>
      </div>
    </form>
  );
}
