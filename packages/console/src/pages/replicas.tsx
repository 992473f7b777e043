import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

type Replica = Schemas['ReplicaDto'];

const EVERY_MS = 15_000;

function useReplicas() {
  return useQuery({ queryKey: ['replicas'], queryFn: async () => (await api.GET('/v1/replicas')).data.items, refetchInterval: EVERY_MS });
}

/** The processes that serve, by their own reports. */
export function ReplicasCard() {
  const replicas = useReplicas();
  const live = replicas.data?.filter((one) => one.live) ?? [];
  const releases = new Set(live.map(({ version }) => version));
  return (
    <article className="card wide-card">
      <h2>{t('Replicas')}</h2>
      {releases.size > 1 && <p className="tag">{t('Several releases run side by side: {names}', { names: [...releases].join(', ') })}</p>}
      <Refusal problem={problemOf(replicas.error)} />
      <Table<Replica>
        caption="Replicas"
        rows={replicas.data ?? (replicas.isError ? [] : undefined)}
        keyOf={({ id }) => id}
        empty="No process has reported itself yet: each does so within 15 seconds of its start."
        columns={[
          {
            name: 'Replica',
            cell: ({ name, current }) => (
              <>
                {name} {current && <span className="tag">{t('answers this page')}</span>}
              </>
            ),
          },
          { name: 'State', cell: (one) => <span className={`tag ${one.live ? 'good' : 'bad'}`}>{one.live ? t('runs') : t('silent')}</span> },
          { name: 'Release', cell: ({ version }) => version },
          { name: 'Since', cell: ({ startedAt }) => <Time at={startedAt} /> },
          { name: 'Last seen', cell: ({ seenAt }) => <Time at={seenAt} /> },
        ]}
      />
    </article>
  );
}
