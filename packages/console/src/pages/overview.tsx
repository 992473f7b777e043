import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { BASE } from '../api/session';
import { problemOf, Refusal } from '../ui/refusal';
import { Time } from '../ui/time';
import { useHealth } from './health';
import { RunState, useJobs } from './jobs';
import { type Look, useLooks } from './metrics';
import { Rates } from './rates';
import { ReplicasCard } from './replicas';

/** With what else the page asks for again and again, less than one call a second. */
const EVERY_MS = 10_000;

/** What an operator looks at first: who is refused and why, who is at the limit, what waits, whether all is well. */
export function Overview() {
  const looks = useLooks().data ?? [];
  const now = looks.at(-1);
  return (
    <>
      <div className="row between">
        <h1>{t('Overview')}</h1>
        <HealthTag />
      </div>
      <section className="tiles">
        <Tile name="Admitted" value={now?.sum('quotidian_admission_admitted_total')} />
        <Tile name="Refused" value={now?.sum('quotidian_admission_refused_total')} />
        <Tile name="Wait for admission" value={now?.sum('quotidian_admission_waiting')} />
        <Tile name="Webhooks that wait" value={now?.sum('quotidian_webhook_waiting')} />
      </section>
      <section className="cards">
        <article className="card wide-card">
          <h2>{t('Admissions a second')}</h2>
          <Rates looks={looks} />
          <small className="muted">{t('This replica; figures above since it began.')}</small>
        </article>
        <Reasons now={now} />
        <Limits />
        <Queue />
        <JobsCard />
        <ReplicasCard />
      </section>
    </>
  );
}

function Tile({ name, value }: { name: string; value: number | undefined }) {
  return (
    <article className="card tile">
      <h2>{t(name)}</h2>
      <p className="big">{value?.toLocaleString(LOCALE) ?? '…'}</p>
    </article>
  );
}

function HealthTag() {
  const { data } = useHealth();
  if (data === undefined) return null;
  const down = Object.entries(data.checks ?? {}).filter(([, check]) => check?.status !== 'up');
  return (
    <Link to="/health" search={{}} className={`tag ${down.length === 0 ? 'good' : 'bad'}`}>
      {down.length === 0 ? t('All is well') : t('Look at {names}', { names: down.map(([name]) => name).join(', ') })}
    </Link>
  );
}

/** What every console meets before somebody logs in. */
const NO_REFUSALS = new Set(['refresh-refused']);

/** Why calls were refused, by the code of the problem that was answered. */
function Reasons({ now }: { now: Look | undefined }) {
  const reasons = (now?.samples ?? [])
    .filter(({ name, labels, value }) => name === 'quotidian_problems_total' && value > 0 && !NO_REFUSALS.has(labels.code ?? ''))
    .sort((a, b) => b.value - a.value);
  const highest = reasons[0]?.value ?? 1;
  return (
    <article className="card">
      <h2>{t('Refusals by reason')}</h2>
      {reasons.length === 0 && <p className="muted">{t('Nothing was refused yet.')}</p>}
      <ul className="plain reasons">
        {reasons.slice(0, 8).map(({ labels: { code = '' }, value }) => (
          <li key={code}>
            <a href={`${BASE}/errors/${code}`} target="_blank" rel="noreferrer">
              {code}
            </a>
            <span className="figure">{value.toLocaleString(LOCALE)}</span>
            <svg className="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect width={(value / highest) * 100} height="4" />
            </svg>
          </li>
        ))}
      </ul>
    </article>
  );
}

interface Reached {
  threshold?: number;
  used?: number;
  limit?: number;
}

/** Who came near the limit or to it, as it happened: found without looking at everybody. */
function Limits() {
  const near = useQuery({
    queryKey: ['near'],
    queryFn: async () => {
      const types = ['quota.exhausted', 'quota.threshold-reached'] as const;
      const pages = await Promise.all(types.map((type) => api.GET('/v1/events', { params: { query: { type, limit: 50 } } })));
      const found = pages.flatMap(({ data }) => data.items).sort((a, b) => b.timestamp.localeCompare(a.timestamp));
      // Of each user the newest, which is the highest of their day.
      return found.filter(({ userId }, i) => found.findIndex((one) => one.userId === userId) === i);
    },
    refetchInterval: 30_000,
  });
  return (
    <article className="card">
      <h2>{t('At a limit lately')}</h2>
      <Refusal problem={problemOf(near.error)} />
      <ul className="plain">
        {near.data?.slice(0, 8).map(({ id, userId, timestamp, data }) => {
          const { threshold = 1, used = 0, limit = 0 } = data as Reached;
          return (
            <li key={id}>
              <span className={`tag ${threshold >= 1 ? 'bad' : ''}`}>{Math.round(threshold * 100)} %</span>{' '}
              <Link to="/users/$userId" params={{ userId: String(userId) }}>
                {t('user')} {userId}
              </Link>{' '}
              <span className="muted">
                {t('{used} of {limit}', { used: used.toLocaleString(LOCALE), limit: limit.toLocaleString(LOCALE) })}, <Time at={timestamp} />
              </span>
            </li>
          );
        })}
      </ul>
      {near.data?.length === 0 && <p className="muted">{t('Nobody has reached a threshold lately.')}</p>}
      <Link to="/users" search={{ used: '0.8' }}>
        {t('Who has used 80 % of today')}
      </Link>
    </article>
  );
}

const WAITING = ['pending', 'processing', 'failed'] as const;
const SHOWN = 100;

function Queue() {
  const queue = useQuery({
    queryKey: ['queue'],
    queryFn: async () => {
      const pages = await Promise.all(WAITING.map((status) => api.GET('/v1/requests', { params: { query: { status, limit: SHOWN } } })));
      return pages.map(({ data }) => (data.nextCursor === null ? String(data.items.length) : t('{minimum} or more', { minimum: data.items.length })));
    },
    refetchInterval: EVERY_MS,
  });
  return (
    <article className="card">
      <h2>{t('Queue')}</h2>
      <Refusal problem={problemOf(queue.error)} />
      <dl className="facts">
        {WAITING.map((status, i) => (
          <div key={status} className="pair">
            <dt>
              <Link to="/requests" search={{ status }}>
                {t(status)}
              </Link>
            </dt>
            <dd className="figure">{queue.data?.[i] ?? '…'}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

function JobsCard() {
  const jobs = useJobs();
  const [items, bad] = [jobs.data?.items ?? [], (jobs.data?.items ?? []).filter(({ lastRuns }) => lastRuns[0] && lastRuns[0].status !== 'succeeded')];
  return (
    <article className="card">
      <h2>{t('Jobs')}</h2>
      <Refusal problem={problemOf(jobs.error)} />
      {items.length > 0 && bad.length === 0 && <p>{t('The last run of each of the {count} jobs ended well.', { count: items.length })}</p>}
      <ul className="plain">
        {bad.map(({ name, lastRuns }) => (
          <li key={name}>
            {name} <RunState run={lastRuns[0]} />
          </li>
        ))}
      </ul>
      <Link to="/jobs" search={{}}>
        {t('All runs')}
      </Link>
    </article>
  );
}
