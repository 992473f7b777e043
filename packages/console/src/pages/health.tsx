import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { BASE } from '../api/session';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { Doctor } from './doctor';
import { type Sample, useLooks } from './metrics';

interface Health {
  status?: string;
  checks?: Partial<Record<string, { status: string; detail?: string }>>;
}

/** The service's own checks; one that is not ready answers them as well. */
export function useHealth() {
  return useQuery({
    queryKey: ['health'],
    queryFn: async () => (await (await fetch(`${BASE}/health/ready?verbose`)).json()) as Health,
    refetchInterval: 10_000,
  });
}

const INSTANT = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/;
const FIGURES = /^quotidian_(?!http|job|problems)/;

/** What this replica reports of itself, and what a look at configuration, database and work finds. */
export function HealthPage() {
  const health = useHealth();
  const figures = (useLooks().data?.at(-1)?.samples ?? []).filter(({ name }) => FIGURES.test(name));
  const checks = Object.entries(health.data?.checks ?? {}).map(([name, check]) => ({ name, status: '', ...check }));
  return (
    <>
      <h1>{t('Health')}</h1>
      <Refusal problem={problemOf(health.error)} />
      <Table
        caption="Checks"
        rows={health.data === undefined && !health.isError ? undefined : checks}
        keyOf={({ name }) => name}
        empty="The service answered no checks."
        columns={[
          { name: 'Check', cell: ({ name }) => name },
          { name: 'Status', cell: ({ status }) => <span className={`tag ${status === 'up' ? 'good' : 'bad'}`}>{status}</span> },
          { name: 'What it found', cell: ({ detail }) => <Detail text={detail ?? ''} /> },
        ]}
      />
      <Doctor />
      <h2>{t('Figures')}</h2>
      <Table<Sample>
        caption="Figures"
        rows={figures}
        keyOf={({ name, labels }) => name + JSON.stringify(labels)}
        empty="The service shows no figures."
        columns={[
          { name: 'Figure', cell: ({ name }) => <code>{name}</code> },
          { name: 'Of', cell: ({ labels }) => Object.values(labels).join(', ') },
          { name: 'Value', cell: ({ value }) => value.toLocaleString(LOCALE), isNumber: true },
        ]}
      />
    </>
  );
}

/** One finding a line, its instant in the reader's zone. */
function Detail({ text }: { text: string }) {
  return text.split('; ').map((line) => <div key={line}>{line.split(INSTANT).map((part, i) => (INSTANT.test(part) ? <Time key={i} at={part} /> : part))}</div>);
}
