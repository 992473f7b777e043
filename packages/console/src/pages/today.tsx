import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Quota, type Schemas } from '../api/types';
import { usePageSearch } from '../app/search';
import { Bar } from '../ui/bar';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

const DAY_MS = 24 * 3_600_000;

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
        <p className="big">{remaining?.toLocaleString() ?? 'unlimited'}</p>
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

type Day = Schemas['UsageItemDto'];

export function Usage({ userId }: { userId: string }) {
  const { days = '30' } = usePageSearch();
  const usage = useQuery({
    queryKey: ['usage', userId, days],
    queryFn: async () => {
      const from = new Date(Date.now() - (Number(days) - 1) * DAY_MS).toISOString().slice(0, 10);
      return (await api.GET('/v1/users/{userId}/usage', { params: { path: { userId }, query: { from } } })).data;
    },
  });
  if (usage.data === undefined) return usage.isError ? <Refusal problem={problemOf(usage.error)} /> : <p className="waiting">Loading…</p>;
  const items = usage.data.items;
  return (
    <>
      <Bars items={items} />
      <details open>
        <summary>Figures</summary>
        <Table<Day>
          caption="Usage by day"
          rows={items.toReversed()}
          keyOf={({ date }) => date}
          empty="Nothing was used yet: the first charge shows here."
          columns={[
            { name: 'Day', cell: ({ date }) => date },
            { name: 'Used', cell: ({ used }) => used.toLocaleString(), isNumber: true },
            { name: 'Refunded', cell: ({ refunded }) => refunded.toLocaleString(), isNumber: true },
            { name: 'Requests', cell: ({ requests }) => requests.toLocaleString(), isNumber: true },
            { name: 'Limit', cell: ({ limit }) => limit?.toLocaleString() ?? 'unlimited', isNumber: true },
          ]}
        />
      </details>
    </>
  );
}

/** The same figures as a picture: each bar is a day. */
function Bars({ items }: { items: readonly Day[] }) {
  const highest = Math.max(1, ...items.map(({ used }) => used));
  const width = 100 / Math.max(items.length, 1);
  return (
    <svg className="bars" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="Units used by day; the table has the figures">
      {items.map(({ date, used }, i) => (
        <rect key={date} x={i * width + width * 0.1} width={width * 0.8} y={30 - (used / highest) * 30} height={(used / highest) * 30}>
          <title>{`${date}: ${used.toLocaleString()}`}</title>
        </rect>
      ))}
    </svg>
  );
}
