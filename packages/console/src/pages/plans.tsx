import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Tier } from '../api/types';
import { Act } from '../ui/act';
import { Field, errorAt } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';

export function useTiers() {
  return useQuery({ queryKey: ['tiers'], queryFn: async () => (await api.GET('/v1/tiers', { params: { query: { limit: 100 } } })).data });
}

const limitsOf = ({ dailyQuota = '', burstPerMinute = '' }: Partial<Record<string, string>>) => ({
  dailyQuota: dailyQuota === '' ? null : Number(dailyQuota),
  unlimited: dailyQuota === '',
  burstPerMinute: burstPerMinute === '' ? null : Number(burstPerMinute),
});

const figure = (value: number | null) => (value === null ? 'unlimited' : value.toLocaleString(LOCALE));

/** What a plan has beside a quota a day and a burst, by name. */
const formsOf = ({ overage, rollover, shadow, dayStartsAt, maxInFlight, maxInFlightByType, limits }: Tier) => [
  ...(limits ? [t('more limits')] : []),
  ...(overage ? [t('goes beyond')] : []),
  ...(rollover ? [t('keeps unused units')] : []),
  ...(maxInFlight === null && maxInFlightByType === null ? [] : [t('bounds what is in flight')]),
  ...(shadow ? [t('tried out')] : []),
  ...(dayStartsAt === null ? [] : [t('day from {time}', { time: dayStartsAt })]),
];

export function Plans() {
  const tiers = useTiers();
  return (
    <>
      <div className="row between">
        <h1>{t('Plans')}</h1>
        <NewPlan />
      </div>
      <Refusal problem={problemOf(tiers.error)} />
      <Table<Tier>
        caption="Plans"
        rows={tiers.data?.items}
        keyOf={({ id }) => id}
        empty="There is no plan yet: make the first one."
        columns={[
          {
            name: 'Name',
            cell: ({ id, name, archived }) => (
              <>
                <Link to="/plans/$tierId" params={{ tierId: String(id) }}>
                  {name}
                </Link>{' '}
                {archived && <span className="tag">{t('archived')}</span>}
              </>
            ),
          },
          { name: 'Units a day', cell: ({ dailyQuota, unlimited }) => figure(unlimited ? null : dailyQuota), isNumber: true },
          { name: 'Burst a minute', cell: ({ burstPerMinute }) => figure(burstPerMinute), isNumber: true },
          {
            name: 'Further forms',
            cell: (tier) => formsOf(tier).join(', ') || <span className="muted">–</span>,
          },
          { name: 'Acts', cell: (tier) => <PlanActs tier={tier} /> },
        ]}
      />
    </>
  );
}

export function NewPlan() {
  return (
    <Act name="New plan" confirm="Make the plan" run={({ name = '', ...limits }) => api.POST('/v1/tiers', { body: { name, ...limitsOf(limits) } })}>
      {(problem) => (
        <>
          <Field label="Name" name="name" required error={errorAt(problem, '#/name')} />
          <Field label="Units a day" name="dailyQuota" type="number" min={0} hint="Empty: unlimited." error={errorAt(problem, '#/dailyQuota')} />
          <Field label="Burst a minute" name="burstPerMinute" type="number" min={1} hint="Empty: none." error={errorAt(problem, '#/burstPerMinute')} />
        </>
      )}
    </Act>
  );
}

/** Reads the version first: somebody else's change since then is refused, not overwritten. */
async function update(tierId: number, body: object): Promise<unknown> {
  const path = { tierId: String(tierId) };
  const { response } = await api.GET('/v1/tiers/{tierId}', { params: { path } });
  return api.PATCH('/v1/tiers/{tierId}', { params: { path }, headers: { 'if-match': response.headers.get('etag') ?? '*' }, body });
}

function PlanActs({ tier: { id, name, archived } }: { tier: Tier }) {
  return (
    <div className="row">
      <Act
        name={archived ? t('Restore {name}', { name }) : t('Archive {name}', { name })}
        short={archived ? 'Restore' : 'Archive'}
        run={() => update(id, { archived: !archived })}
      >
        <p>{archived ? t('The plan can be given to users again.') : t('Nobody new gets this plan. Who has it keeps it.')}</p>
      </Act>
    </div>
  );
}
