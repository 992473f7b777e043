import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api, queries } from '../api/client';
import { type Schemas } from '../api/types';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';

type Row = Schemas['FindingDto'] & { group: string };

const MARKS = { ok: '✓', warning: '!', failure: '✗', unknown: '?' } as const;
const TONES: Partial<Record<string, string>> = { ok: 'good', failure: 'bad' };

/** What `quotidian doctor` finds: the findings that somebody should mend first, each with the one thing that mends it. */
export function Doctor() {
  const diagnosis = useQuery({ queryKey: ['doctor'], queryFn: async () => (await api.GET('/v1/doctor')).data, staleTime: 10_000 });
  const order = ['failure', 'warning', 'unknown', 'ok'];
  const rows = diagnosis.data?.groups
    .flatMap(({ name, findings }) => findings.map((finding): Row => ({ group: name, ...finding })))
    .sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  return (
    <>
      <div className="row between">
        <h2>{t('Doctor')}</h2>
        <button type="button" disabled={diagnosis.isFetching} onClick={() => void queries.invalidateQueries({ queryKey: ['doctor'] })}>
          {t('Look again')}
        </button>
      </div>
      <Refusal problem={problemOf(diagnosis.error)} />
      <Table<Row>
        caption="Doctor"
        rows={diagnosis.isError ? [] : rows}
        keyOf={({ group, check, detail }) => `${group} ${check} ${detail}`}
        empty="It could not be looked at."
        columns={[
          {
            name: 'Status',
            cell: ({ status }) => (
              <span className={`tag ${TONES[status] ?? ''}`}>
                <span aria-hidden="true">{MARKS[status]}</span> {t(status)}
              </span>
            ),
          },
          { name: 'Check', cell: ({ group, check }) => `${group}: ${check}` },
          { name: 'What it found', cell: ({ detail }) => detail },
          { name: 'What mends it', cell: ({ mend }) => mend && <code>{mend}</code> },
        ]}
      />
    </>
  );
}
