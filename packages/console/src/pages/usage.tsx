import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { useFilter, usePageSearch } from '../app/search';
import { downloadCsv } from '../ui/csv';
import { Choice } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { UsageParts } from './usage-parts';

type Day = Schemas['UsageItemDto'];

const DAY_MS = 24 * 3_600_000;
const PERIODS = ['30', '90'];
const COLUMNS = ['date', 'used', 'refunded', 'requests', 'limit'] as const;

/** What was used, day by day: as a picture, as a table, and as a file. */
export function Usage({ userId }: { userId: string }) {
  const search = usePageSearch();
  const filter = useFilter();
  const days = PERIODS.find((one) => one === search.days) ?? '30';
  const from = new Date(Date.now() - (Number(days) - 1) * DAY_MS).toISOString().slice(0, 10);
  const usage = useQuery({
    queryKey: ['usage', userId, days],
    queryFn: async () => (await api.GET('/v1/users/{userId}/usage', { params: { path: { userId }, query: { from } } })).data,
  });
  const items = usage.data?.items;
  return (
    <>
      <div className="row between filters">
        <Choice label="Days" value={days} onChange={({ target }) => filter({ days: target.value })}>
          {PERIODS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
        <button type="button" disabled={items === undefined} onClick={() => downloadCsv(`quotidian-usage-${userId}.csv`, [...COLUMNS], items ?? [])}>
          {t('Download as CSV')}
        </button>
      </div>
      <Refusal problem={problemOf(usage.error)} />
      {items && <Bars items={items} />}
      <UsageParts userId={userId} from={from} />
      <details open>
        <summary>{t('Figures of each day')}</summary>
        <Table<Day>
          caption="Usage by day"
          rows={items?.toReversed() ?? (usage.isError ? [] : undefined)}
          keyOf={({ date }) => date}
          empty="Nothing was used yet: the first charge shows here."
          columns={[
            { name: 'Day', cell: ({ date }) => date },
            { name: 'Used', cell: ({ used }) => used.toLocaleString(LOCALE), isNumber: true },
            { name: 'Refunded', cell: ({ refunded }) => refunded.toLocaleString(LOCALE), isNumber: true },
            { name: 'Requests', cell: ({ requests }) => requests.toLocaleString(LOCALE), isNumber: true },
            { name: 'Limit', cell: ({ limit }) => limit?.toLocaleString(LOCALE) ?? t('unlimited'), isNumber: true },
          ]}
        />
      </details>
    </>
  );
}

/** The same figures as a picture: each bar is a day, and the line is the limit that the newest has. */
function Bars({ items }: { items: readonly Day[] }) {
  const highest = Math.max(1, ...items.map(({ used }) => used));
  const limit = items.at(-1)?.limit ?? null;
  const top = limit === null || limit > highest * 4 ? highest : Math.max(highest, limit);
  const width = 100 / Math.max(items.length, 1);
  const heightOf = (units: number) => (units / top) * 30;
  return (
    <figure className="card">
      <svg className="bars" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label={t('Units used by day; the table has the figures')}>
        {items.map(({ date, used }, i) => (
          <rect key={date} x={i * width + width * 0.1} width={width * 0.8} y={30 - heightOf(used)} height={heightOf(used)}>
            <title>{`${date}: ${used.toLocaleString(LOCALE)}`}</title>
          </rect>
        ))}
        {limit !== null && limit <= top && <line x1="0" x2="100" y1={30 - heightOf(limit)} y2={30 - heightOf(limit)} />}
      </svg>
      <figcaption className="row between muted">
        <span>{items[0]?.date}</span>
        <span>
          {t('{units} on the busiest day', { units: highest.toLocaleString(LOCALE) })}
          {limit !== null && `, ${t('{units} is the limit', { units: limit.toLocaleString(LOCALE) })}`}
        </span>
        <span>{items.at(-1)?.date}</span>
      </figcaption>
    </figure>
  );
}
