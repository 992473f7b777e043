import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { LOCALE, t } from '../app/language';
import { downloadCsv } from '../ui/csv';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

type Part = Schemas['UsagePartDto'];

interface Sum {
  name: string;
  /** Of the key. */
  id?: number | null;
  lastUsedAt?: string | null;
  used: number;
  refunded: number;
  requests: number;
}

/** One line for each name, the largest first. */
function sumsBy(parts: readonly Part[], nameOf: (part: Part) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const part of parts) {
    const name = nameOf(part);
    const { used, refunded, requests } = sums.get(name) ?? { used: 0, refunded: 0, requests: 0 };
    sums.set(name, { name, used: used + part.used, refunded: refunded + part.refunded, requests: requests + part.requests });
  }
  return [...sums.values()].sort((a, b) => b.used - a.used);
}

/** Its totals are counted by the service, whatever number of types it was used for. */
const sumOfKey = ({ keyId, name, used, refunded, requests, lastUsedAt }: Schemas['KeyUsageDto']): Sum => ({
  name: keyId === null ? t('without a key') : (name ?? t('key {id}', { id: keyId })),
  id: keyId,
  used,
  refunded,
  requests,
  lastUsedAt,
});

/** What the units were used for: by type, and by the key that the requests were made with. */
export function UsageParts({ userId, from }: { userId: string; from: string }) {
  const path = { userId };
  const parts = useQuery({
    queryKey: ['usage-parts', userId, from],
    queryFn: async () => (await api.GET('/v1/users/{userId}/usage/parts', { params: { path, query: { from } } })).data,
  });
  const items = parts.data?.items;
  return (
    <>
      <Refusal problem={problemOf(parts.error)} />
      {parts.data && parts.data.completeFrom !== null && (
        <p className="muted">{t('Only the newest requests were counted: all from {date} on.', { date: parts.data.completeFrom })}</p>
      )}
      <div className="cards halves">
        <Sums name="By type" file={`quotidian-usage-by-type-${userId}.csv`} sums={items && sumsBy(items, ({ type }) => type)} />
        <Sums name="By key" file={`quotidian-usage-by-key-${userId}.csv`} sums={parts.data?.keys.map(sumOfKey)} />
      </div>
    </>
  );
}

function Sums({ name, file, sums }: { name: string; file: string; sums: Sum[] | undefined }) {
  const highest = Math.max(1, ...(sums ?? []).map(({ used }) => used));
  return (
    <section>
      <div className="row between">
        <h2>{t(name)}</h2>
        <button
          type="button"
          className="small"
          aria-label={`${t('Download as CSV')}: ${t(name)}`}
          disabled={sums === undefined}
          onClick={() => downloadCsv(file, ['name', 'used', 'refunded', 'requests'], sums ?? [])}
        >
          {t('CSV')}
        </button>
      </div>
      <Table<Sum>
        caption={name}
        rows={sums}
        keyOf={({ id, name: of }) => `${id} ${of}`}
        empty="No request of this time is stored."
        columns={[
          {
            name: 'Name',
            cell: (sum) => (
              <>
                {sum.name}
                <svg className="share used" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(sum.used / highest) * 100} height="4" />
                </svg>
              </>
            ),
          },
          { name: 'Used', cell: ({ used }) => used.toLocaleString(LOCALE), isNumber: true },
          { name: 'Refunded', cell: ({ refunded }) => refunded.toLocaleString(LOCALE), isNumber: true },
          { name: 'Requests', cell: ({ requests }) => requests.toLocaleString(LOCALE), isNumber: true },
          ...(sums?.some(({ lastUsedAt }) => lastUsedAt !== undefined)
            ? [{ name: 'Last used', cell: ({ lastUsedAt = null }: Sum) => <Time at={lastUsedAt} /> }]
            : []),
        ]}
      />
    </section>
  );
}
