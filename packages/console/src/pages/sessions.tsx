import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { Identities } from './identities';

export function Sessions({ userId }: { userId: string }) {
  const sessions = useQuery({
    queryKey: ['sessions', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/sessions', { params: { path: { userId }, query: { limit: 100 } } })).data,
  });
  return (
    <>
      <Act
        name="End all other sessions"
        isDanger
        run={() => api.DELETE('/v1/users/{userId}/sessions', { params: { path: { userId }, query: { keepCurrent: true } } })}
      >
        <p>{t('They stop within a second, everywhere but here.')}</p>
      </Act>
      <Refusal problem={problemOf(sessions.error)} />
      <Table<Schemas['SessionDto']>
        caption="Sessions"
        rows={sessions.data?.items}
        keyOf={({ id }) => id}
        empty="Nobody is logged in."
        columns={[
          {
            name: 'Program',
            cell: ({ userAgent, current }) => (
              <>
                {userAgent ?? t('not known')} {current && <span className="tag good">{t('this one')}</span>}
              </>
            ),
          },
          { name: 'Address', cell: ({ address }) => address ?? 'not known' },
          { name: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
          {
            name: 'Acts',
            cell: ({ id, current }) =>
              !current && (
                <Act name="End" isDanger run={() => api.DELETE('/v1/users/{userId}/sessions/{sessionId}', { params: { path: { userId, sessionId: id } } })}>
                  <p>{t('It stops within a second.')}</p>
                </Act>
              ),
          },
        ]}
      />
      <Identities userId={userId} />
    </>
  );
}
