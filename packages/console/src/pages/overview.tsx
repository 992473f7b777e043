import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { BASE } from '../api/session';
import { problemOf, Refusal } from '../ui/refusal';
import { type Sample, samplesIn } from './metrics';
import { RunState, useJobs } from './jobs';

const EVERY_MS = 5_000;

async function metrics(): Promise<Sample[]> {
  const answer = await fetch(`${BASE}/metrics`);
  return samplesIn(await answer.text());
}

/** What an operator looks at first: who is refused and why, who is at the limit, what waits, whether all is well. */
export function Overview() {
  return (
    <>
      <h1>Overview</h1>
      <section className="cards">
        <Admissions />
        <Health />
        <Limits />
        <Queue />
        <JobsCard />
      </section>
    </>
  );
}

function Admissions() {
  const read = useQuery({ queryKey: ['metrics'], queryFn: metrics, refetchInterval: EVERY_MS });
  const samples = read.data ?? [];
  const sum = (name: string) => samples.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0);
  const reasons = samples.filter(({ name, value }) => name === 'quotidian_admission_refused_total' && value > 0);
  return (
    <article className="card">
      <h2>Admissions</h2>
      <p className="big">{sum('quotidian_admission_admitted_total').toLocaleString()}</p>
      <p>
        {sum('quotidian_admission_refused_total').toLocaleString()} refused, {sum('quotidian_admission_waiting').toLocaleString()} waiting
        <small className="muted"> (this replica, since it began)</small>
      </p>
      <ul className="plain">
        {reasons.map(({ labels, value }) => (
          <li key={JSON.stringify(labels)}>
            {Object.values(labels).join(' ')}: {value.toLocaleString()}
          </li>
        ))}
      </ul>
    </article>
  );
}

function Health() {
  const health = useQuery({
    queryKey: ['health'],
    queryFn: async () =>
      (await (await fetch(`${BASE}/health/ready?verbose`)).json()) as { status?: string; checks?: Record<string, { status: string; detail?: string }> },
    refetchInterval: EVERY_MS,
  });
  return (
    <article className="card">
      <h2>Health</h2>
      <ul className="plain">
        {Object.entries(health.data?.checks ?? {}).map(([name, { status, detail }]) => (
          <li key={name}>
            <span className={`tag ${status === 'up' ? 'good' : 'bad'}`}>{status}</span> {name} {detail && <small className="muted">{detail}</small>}
          </li>
        ))}
      </ul>
    </article>
  );
}

function Limits() {
  const near = useQuery({
    queryKey: ['near'],
    queryFn: async () => (await api.GET('/v1/users', { params: { query: { quotaUsedAtLeast: 0.8, limit: 10 } } })).data,
    refetchInterval: 30_000,
  });
  return (
    <article className="card">
      <h2>Near the limit</h2>
      <Refusal problem={problemOf(near.error)} />
      <ul className="plain">
        {near.data?.items.map(({ id, email, tier }) => (
          <li key={id}>
            <Link to="/users/$userId" params={{ userId: String(id) }}>
              {email}
            </Link>{' '}
            <span className="muted">{tier}</span>
          </li>
        ))}
      </ul>
      {near.data?.items.length === 0 && <p className="muted">Nobody has used 80 % of today.</p>}
      <Link to="/users" search={{ used: '0.8' }}>
        All of them
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
      return pages.map(({ data }) => `${data.items.length}${data.nextCursor === null ? '' : ' or more'}`);
    },
    refetchInterval: EVERY_MS,
  });
  return (
    <article className="card">
      <h2>Queue</h2>
      <Refusal problem={problemOf(queue.error)} />
      <ul className="plain">
        {WAITING.map((status, i) => (
          <li key={status}>
            <Link to="/requests" search={{ status }}>
              {status}
            </Link>
            : {queue.data?.[i] ?? '…'}
          </li>
        ))}
      </ul>
    </article>
  );
}

function JobsCard() {
  const jobs = useJobs();
  return (
    <article className="card">
      <h2>Jobs</h2>
      <ul className="plain">
        {jobs.data?.items.map(({ name, lastRuns }) => (
          <li key={name}>
            {name} <RunState run={lastRuns[0]} />
          </li>
        ))}
      </ul>
      <Link to="/jobs">All runs</Link>
    </article>
  );
}
