import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { errorAt, Field } from '../ui/field';
import { Diff } from '../ui/json';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { ValueField } from '../ui/value-field';

type Change = Schemas['ProposedChangeDto'];

/** Changes that wait for a second pair of eyes or for their time, and those that did. */
export function Changes({ settingKey }: { settingKey: string | undefined }) {
  const changes = useQuery({
    queryKey: ['changes', settingKey],
    queryFn: async () =>
      settingKey === undefined
        ? (await api.GET('/v1/configuration-changes', { params: { query: { limit: 20 } } })).data
        : (await api.GET('/v1/configurations/{key}/changes', { params: { path: { key: settingKey }, query: { limit: 20 } } })).data,
  });
  return (
    <Table<Change>
      caption="Proposed changes"
      rows={changes.data?.items}
      keyOf={({ id }) => id}
      empty="Nothing is proposed. A setting’s page proposes a change that somebody else approves."
      columns={[
        {
          name: 'Setting',
          cell: ({ key }) => (
            <Link to="/settings/$key" params={{ key }}>
              <code>{key}</code>
            </Link>
          ),
        },
        { name: 'Would change', cell: ({ changes: parts, deletes }) => (deletes ? t('back to the default') : <Diff changes={parts} />) },
        { name: 'Status', cell: ({ status }) => <span className="tag">{status}</span> },
        { name: 'By', cell: ({ author }) => author, isNumber: true },
        { name: 'From', cell: ({ effectiveAt }) => (effectiveAt === null ? 'approval' : <Time at={effectiveAt} />) },
        { name: 'Reason', cell: ({ reason }) => reason ?? '' },
        { name: 'Acts', cell: (change) => (change.status === 'proposed' || change.status === 'approved') && <ChangeActs change={change} /> },
      ]}
    />
  );
}

function ChangeActs({ change: { key, id, status, changes } }: { change: Change }) {
  const path = { key, changeId: String(id) };
  return (
    <div className="row">
      {status === 'proposed' && (
        <Act
          name={t('Approve {name}', { name: id })}
          short="Approve"
          run={() => api.POST('/v1/configurations/{key}/changes/{changeId}/approve', { params: { path } } as never)}
        >
          <p>{t('Whoever proposed it cannot approve it. It comes into force at once, or at its time:')}</p>
          <Diff changes={changes} />
        </Act>
      )}
      <Act
        name={t('Withdraw {name}', { name: id })}
        short="Withdraw"
        isDanger
        run={() => api.POST('/v1/configurations/{key}/changes/{changeId}/withdraw', { params: { path } } as never)}
      >
        <p>{t('It does not come into force.')}</p>
      </Act>
    </div>
  );
}

/** A change for another administrator to approve, at once or from a time on. */
export function Propose({ setting }: { setting: Schemas['ConfigurationDto'] }) {
  const [value, setValue] = useState<unknown>(setting.value);
  return (
    <Act
      name="Propose a change"
      run={({ reason, from = '' }) => {
        const at = from === '' ? {} : { effectiveAt: new Date(from).toISOString() };
        const body = { value, requiresApproval: true, ...at, ...(reason ? { reason } : {}) };
        return api.POST('/v1/configurations/{key}/changes', { params: { path: { key: setting.key } }, body: body as never });
      }}
    >
      {(problem) => (
        <>
          <p>{t('Another administrator must approve it.')}</p>
          <ValueField label="Value" unit={setting.unit} schema={setting.schema} value={value} onChange={setValue} problem={problem} pointer="#/value" />
          <Field label="From" name="from" type="datetime-local" hint="Empty: as soon as it is approved." error={errorAt(problem, '#/effectiveAt')} />
          <Field label="Reason" name="reason" error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}
