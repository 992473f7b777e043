import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Quota } from '../api/types';
import { Bar } from '../ui/bar';
import { problemOf, Refusal } from '../ui/refusal';
import { Ring } from '../ui/ring';
import { Time } from '../ui/time';

/** When it will be used up, if the rest of the day goes on as it has begun; null: it will not. */
function forecastOf({ limit, used, periodStart, resetsAt, remaining }: Quota): Date | null {
  const [start, end, now] = [Date.parse(periodStart), Date.parse(resetsAt), Date.now()];
  if (limit === null || remaining === null || remaining <= 0 || used <= 0 || now <= start) return null;
  const at = now + (remaining / used) * (now - start);
  return at < end ? new Date(at) : null;
}

export function Today({ userId }: { userId: string }) {
  const quota = useQuery({
    queryKey: ['quota', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/quota', { params: { path: { userId } } })).data,
    refetchInterval: 5_000,
  });
  if (quota.data === undefined) return quota.isError ? <Refusal problem={problemOf(quota.error)} /> : <p className="waiting">Loading…</p>;
  const { used, limit, remaining, resetsAt, timeZone, tier, override, next } = quota.data;
  const forecast = forecastOf(quota.data);
  return (
    <section className="cards">
      <article className="card">
        <h2>Left today</h2>
        <div className="row between">
          <p className="big">{remaining?.toLocaleString() ?? 'No limit'}</p>
          {limit !== null && <Ring used={used} limit={limit} />}
        </div>
        <Bar used={used} limit={limit} label="Used of today" />
      </article>
      <article className="card">
        <h2>Begins anew</h2>
        <p>
          <Time at={resetsAt} /> <span className="muted">({timeZone})</span>
        </p>
        <p>
          {forecast ? (
            <>
              At this rate it is used up <Time at={forecast.toISOString()} />.
            </>
          ) : remaining === 0 ? (
            'It is used up.'
          ) : limit === null ? (
            'What is used is counted all the same.'
          ) : (
            'At this rate it lasts for the day.'
          )}
        </p>
      </article>
      <article className="card">
        <h2>What limits it</h2>
        <p>
          {override ? (
            <>
              An override until <Time at={override.expiresAt} />: {override.reason}
            </>
          ) : (
            <>{limit === null ? 'Nothing: the account is unlimited.' : `The plan ${tier}: ${limit.toLocaleString()} units a day.`}</>
          )}
        </p>
        {next && (
          <p>
            From <Time at={next.effectiveAt} />: plan {next.tier}, {next.dailyQuota?.toLocaleString() ?? 'unlimited'} a day.
          </p>
        )}
      </article>
    </section>
  );
}
