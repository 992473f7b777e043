import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

type Job = Schemas['JobDto'];
type Run = Schemas['JobRunDto'];

export function useJobs() {
  return useQuery({ queryKey: ['jobs'], queryFn: async () => (await api.GET('/v1/jobs')).data, refetchInterval: 10_000 });
}

/** How far a run is, or how it ended. */
export function RunState({ run }: { run: Run | undefined }) {
  if (run === undefined) return <span className="muted">{t('never yet')}</span>;
  const { status, progress, affected, error, startedAt } = run;
  return (
    <>
      <span className={`tag ${status === 'succeeded' ? 'good' : status === 'failed' ? 'bad' : ''}`}>{status}</span>{' '}
      {status === 'running' && progress ? (
        <progress max={Math.max(progress.total, 1)} value={progress.done} aria-label="Done" />
      ) : (
        <span className="muted">
          {affected.toLocaleString(LOCALE)} {t('rows,')} <Time at={startedAt} />
        </span>
      )}
      {error !== null && <p className="bad">{error}</p>}
    </>
  );
}

export function Jobs() {
  const jobs = useJobs();
  return (
    <>
      <div className="row between">
        <h1>{t('Jobs')}</h1>
        <Act name="Close days out now" run={() => api.POST('/v1/jobs/quota-reset/run')}>
          <p>{t('Days that are over are closed out at once, as the scheduled run does. Quotas are right without it.')}</p>
        </Act>
      </div>
      <Refusal problem={problemOf(jobs.error)} />
      <Table<Job>
        caption="Jobs"
        rows={jobs.data?.items}
        keyOf={({ name }) => name}
        empty="There are no jobs."
        columns={[
          { name: 'Job', cell: ({ name }) => name },
          {
            name: 'When',
            cell: ({ cron, timeZone, enabled }) => (enabled ? <code title={timeZone}>{cron}</code> : <span className="tag bad">{t('off')}</span>),
          },
          { name: 'Next', cell: ({ nextRunAt }) => <Time at={nextRunAt} /> },
          { name: 'Last run', cell: ({ lastRuns }) => <RunState run={lastRuns[0]} /> },
          {
            name: 'Earlier',
            cell: ({ lastRuns }) =>
              lastRuns.length > 1 && (
                <details>
                  <summary>
                    {lastRuns.length - 1} {t('more')}
                  </summary>
                  {lastRuns.slice(1).map((run) => (
                    <div key={run.id}>
                      <RunState run={run} />
                    </div>
                  ))}
                </details>
              ),
          },
        ]}
      />
    </>
  );
}
