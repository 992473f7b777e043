import { t } from '../app/language';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, queries } from '../api/client';
import { type Schemas, type Tier } from '../api/types';
import { usePathPart } from '../app/search';
import { TwoVersions, useEdit } from '../ui/edit';
import { errorAt, Field } from '../ui/field';
import { changesBetween, Diff } from '../ui/json';
import { problemOf, Refusal } from '../ui/refusal';
import { ValueField } from '../ui/value-field';
import { NotThere } from './not-there';

/** What of a plan can be changed, by name and what a value obeys; the service has the final decision. A plan without units a day is unlimited. */
const FORMS = [
  { name: 'name', label: 'Name', schema: { type: 'string', maxLength: 50 } },
  { name: 'dailyQuota', label: 'Units a day; none: unlimited', schema: { type: ['integer', 'null'], minimum: 0 } },
  { name: 'burstPerMinute', label: 'Burst a minute', schema: { type: ['integer', 'null'], minimum: 1 } },
  { name: 'dayStartsAt', label: 'The day begins at, HH:MM; none: as for everybody', schema: { type: ['string', 'null'], maxLength: 5 } },
  {
    name: 'overage',
    label: 'Beyond the quota',
    schema: { type: ['object', 'null'], properties: { max: { type: ['integer', 'null'], minimum: 0 } } },
  },
  {
    name: 'rollover',
    label: 'Unused units that are kept',
    schema: {
      type: ['object', 'null'],
      properties: {
        days: { type: 'integer', minimum: 1, maximum: 31 },
        max: { type: ['integer', 'null'], minimum: 1 },
        share: { type: ['number', 'null'], minimum: 0, maximum: 1 },
      },
    },
  },
  { name: 'limits', label: 'Limits of other periods, as a list; null: none', schema: { type: ['array', 'null'], items: { type: 'object' } } },
  { name: 'maxInFlight', label: 'Units in flight', schema: { type: ['integer', 'null'], minimum: 1 } },
  { name: 'maxInFlightByType', label: 'Units in flight by type', schema: { type: ['object', 'null'] } },
  { name: 'shadow', label: 'Tried out: nothing is refused', schema: { type: 'boolean' } },
] as const;

type Form = Record<string, unknown>;

const formOf = (tier: Tier): Form => Object.fromEntries(FORMS.map(({ name }) => [name, tier[name]]));

/** Members that are none are left out: of a form, that is what none means. */
function sent(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));
}

const bodyOf = (form: Form) => ({
  ...Object.fromEntries(Object.entries(form).map(([name, value]) => [name, sent(value)])),
  unlimited: form.dailyQuota === null,
});

/** One plan with every form of quota that it has, and an edit that shows both versions when somebody else was first. */
export function Plan() {
  const tierId = usePathPart('tierId');
  const path = { tierId };
  const found = useQuery({
    queryKey: ['tier', tierId],
    queryFn: async () => {
      const { data, response } = await api.GET('/v1/tiers/{tierId}', { params: { path } });
      return { tier: data, etag: response.headers.get('etag') ?? '*' };
    },
  });
  const problem = problemOf(found.error);
  if (problem?.status === 404) return <NotThere />;
  if (found.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">{t('Loading…')}</p>;
  const { tier, etag } = found.data;
  return (
    <>
      <h1 className="name">
        {tier.name} {tier.archived && <span className="tag">{t('archived')}</span>}
      </h1>
      <p>{t('Everybody on this plan has the new limits at once; what was used today stays used.')}</p>
      <Editor tier={tier} etag={etag} />
    </>
  );
}

function Editor({ tier, etag }: { tier: Tier; etag: string }) {
  const theirs = formOf(tier);
  const edit = useEdit<Form>(theirs, etag);
  const { base, value } = edit;
  const [reason, setReason] = useState('');
  const write = useMutation({
    mutationFn: async () => {
      const body = { ...bodyOf(value), ...(reason ? { reason } : {}) } as Schemas['UpdateTierDto'];
      const { response } = await api.PATCH('/v1/tiers/{tierId}', {
        params: { path: { tierId: String(tier.id) } },
        headers: { 'if-match': base.version },
        body,
      });
      edit.saved(response.headers.get('etag') ?? '*');
    },
    onSuccess: () => queries.invalidateQueries(),
    onError: (error) => (problemOf(error)?.status === 412 ? queries.invalidateQueries({ queryKey: ['tier', String(tier.id)] }) : undefined),
  });
  const problem = problemOf(write.error);
  const goOn = (next: Form) => {
    edit.goOn(next);
    write.reset();
  };
  return (
    <form
      className="stack editor"
      onSubmit={(event) => {
        event.preventDefault();
        write.mutate();
      }}
    >
      {FORMS.map(({ name, label, schema }) => (
        <ValueField
          key={`${name} ${edit.form}`}
          label={label}
          schema={schema}
          value={value[name]}
          onChange={(next) => edit.setValue({ ...value, [name]: next })}
          problem={problem}
          pointer={`#/${name}`}
        />
      ))}
      <Field label="Reason" value={reason} onChange={({ target }) => setReason(target.value)} error={errorAt(problem, '#/reason')} />
      <Diff changes={changesBetween(base.value, value)} />
      <Refusal problem={problem} />
      {problem?.status === 412 && <TwoVersions edit={edit} theirs={theirs} goOn={goOn} />}
      {write.isSuccess && <p role="status">{t('Saved: everybody on this plan has it.')}</p>}
      <div className="row">
        <button className="primary" disabled={write.isPending}>
          {t('Save')}
        </button>
      </div>
    </form>
  );
}
