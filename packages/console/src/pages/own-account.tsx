import { t } from '../app/language';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api/client';
import { logOut } from '../api/session';
import { useMe } from '../app/me';
import { Act } from '../ui/act';
import { download } from '../ui/download';
import { errorAt, Field } from '../ui/field';
import { SecondFactor } from './second-factor';

/** What belongs to the account itself: its password, its second factor, all that is stored of it, its end. */
export function OwnAccount({ userId }: { userId: string }) {
  const me = useMe();
  const isOwn = String(me.data?.id) === userId;
  return (
    <div className="cards">
      <article className="card">
        <h2>{t('Password')}</h2>
        <Password {...{ userId, isOwn }} />
      </article>
      {isOwn && (
        <article className="card">
          <h2>{t('Second factor')}</h2>
          <SecondFactor />
        </article>
      )}
      <article className="card">
        <h2>{t('Export')}</h2>
        <p>{t('All that is stored of this user, without secrets, as one JSON document.')}</p>
        <Act name="Export" confirm="Export now" run={() => exportAll(userId)}>
          <p>{t('The file is made now, and handed to the browser when it is whole.')}</p>
        </Act>
      </article>
      <article className="card">
        <h2>{t('Removal')}</h2>
        <Removal {...{ userId, isOwn }} />
      </article>
    </div>
  );
}

interface Whose {
  userId: string;
  isOwn: boolean;
}

function Password({ userId, isOwn }: Whose) {
  return (
    <>
      <p>{t('A change ends every session of the account, this one as well if it is its own.')}</p>
      <Act
        name="Change the password"
        run={({ currentPassword, newPassword = '' }) =>
          api.PUT('/v1/users/{userId}/password', { params: { path: { userId } }, body: { newPassword, ...(currentPassword ? { currentPassword } : {}) } })
        }
      >
        {(problem) => (
          <>
            {isOwn && (
              <Field
                label="Present password"
                name="currentPassword"
                type="password"
                autoComplete="current-password"
                required
                error={errorAt(problem, '#/currentPassword')}
              />
            )}
            <Field label="New password" name="newPassword" type="password" autoComplete="new-password" required error={errorAt(problem, '#/newPassword')} />
          </>
        )}
      </Act>
    </>
  );
}

async function exportAll(userId: string): Promise<void> {
  const { data } = await api.GET('/v1/users/{userId}/export', { params: { path: { userId } }, parseAs: 'blob' });
  download(`quotidian-user-${userId}.json`, data);
}

function Removal({ userId, isOwn }: Whose) {
  const navigate = useNavigate();
  const path = { userId };
  // At the version that is there now: an account that changed meanwhile is looked at again first.
  async function remove() {
    const { response } = await api.GET('/v1/users/{userId}', { params: { path } });
    await api.DELETE('/v1/users/{userId}', { params: { path }, headers: { 'if-match': response.headers.get('etag') ?? '*' } });
    if (isOwn) await logOut();
    else await navigate({ to: '/users', search: {} });
  }
  return (
    <>
      <p>{t('The account goes with its requests, keys, settings and history. It cannot be had back.')}</p>
      <Act name="Remove the account" isDanger run={remove}>
        <p>{t('Everything of the account is removed at once. Export it before if it may be needed.')}</p>
        <Field label={t('Type {text} to be sure', { text: userId })} name="sure" required pattern={userId} autoComplete="off" />
      </Act>
    </>
  );
}
