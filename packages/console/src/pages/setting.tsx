import { t } from '../app/language';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, queries } from '../api/client';
import { type Schemas } from '../api/types';
import { usePathPart } from '../app/search';
import { Act } from '../ui/act';
import { TwoVersions, useEdit } from '../ui/edit';
import { errorAt, Field } from '../ui/field';
import { changesBetween, Diff, Json } from '../ui/json';
import { problemOf, Refusal } from '../ui/refusal';
import { Prose } from '../ui/prose';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { ValueField } from '../ui/value-field';
import { NotThere } from './not-there';
import { Changes, Propose } from './setting-changes';

type Version = Schemas['ConfigurationVersionDto'];

/** One setting: its value, what a change would do, and every version with what it changed. */
export function Setting() {
  const key = usePathPart('key');
  const path = { key };
  const found = useQuery({
    queryKey: ['setting', key],
    queryFn: async () => {
      const { data, response } = await api.GET('/v1/configurations/{key}', { params: { path } });
      return { setting: data, etag: response.headers.get('etag') ?? '*' };
    },
  });
  const problem = problemOf(found.error);
  if (problem?.status === 404) return <NotThere />;
  if (found.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">{t('Loading…')}</p>;
  const { setting, etag } = found.data;
  return (
    <>
      <div className="row between">
        <h1 className="name">{key}</h1>
        {setting.source !== 'default' && (
          <Act name="Back to the default" isDanger run={() => api.DELETE('/v1/configurations/{key}', { params: { path }, headers: { 'if-match': etag } })}>
            <p>{t('The default counts again, for everybody who has no value of their own.')}</p>
          </Act>
        )}
        <Propose setting={setting} />
      </div>
      <p>
        <Prose text={setting.description} />
      </p>
      <dl className="facts">
        <dt>{t('In force')}</dt>
        <dd>
          <code>{setting.visibility === 'secret' ? t('a secret') : JSON.stringify(setting.value)}</code>
        </dd>
        <dt>{t('Source')}</dt>
        <dd>
          <span className="tag">{t(setting.source)}</span>
          {setting.updatedAt !== null && (
            <>
              {' '}
              {t('version')} {setting.version}, <Time at={setting.updatedAt} />
            </>
          )}
        </dd>
        <dt>{t('Users')}</dt>
        <dd>{setting.overridable ? t('may have a value of their own') : t('have no value of their own')}</dd>
      </dl>
      <h2>{t('Change it')}</h2>
      <Editor setting={setting} etag={etag} />
      <h2>{t('Proposed changes')}</h2>
      <Changes settingKey={key} />
      <h2>{t('History')}</h2>
      <History settingKey={key} etag={etag} />
      <details>
        <summary>{t('Schema')}</summary>
        <Json value={setting.schema} />
      </details>
    </>
  );
}

function Editor({ setting, etag }: { setting: Schemas['ConfigurationDto']; etag: string }) {
  const edit = useEdit<unknown>(setting.value, etag);
  const { base, value } = edit;
  const [reason, setReason] = useState('');
  const write = useMutation({
    mutationFn: async (dryRun: boolean) => {
      const headers = base.version === '"0"' ? { 'if-none-match': '*' } : { 'if-match': base.version };
      const body = { value, ...(reason ? { reason } : {}) } as never;
      const { data, response } = await api.PUT('/v1/configurations/{key}', { params: { path: { key: setting.key }, query: { dryRun } }, headers, body });
      if (!dryRun) edit.saved(response.headers.get('etag') ?? '*');
      return { dryRun, data: data as Schemas['ConfigurationPreviewDto'] };
    },
    onSuccess: ({ dryRun }) => (dryRun ? undefined : queries.invalidateQueries()),
    onError: (error) => (problemOf(error)?.status === 412 ? queries.invalidateQueries({ queryKey: ['setting', setting.key] }) : undefined),
  });
  const problem = problemOf(write.error);
  const goOn = (next: unknown) => {
    edit.goOn(next);
    write.reset();
  };
  return (
    <form
      className="stack editor"
      onSubmit={(event) => {
        event.preventDefault();
        write.mutate(false);
      }}
    >
      <ValueField
        key={edit.form}
        label="Value"
        unit={setting.unit}
        schema={setting.schema}
        value={value}
        onChange={edit.setValue}
        problem={problem}
        pointer="#/value"
      />
      <Field label="Reason" value={reason} onChange={({ target }) => setReason(target.value)} error={errorAt(problem, '#/reason')} />
      <Diff changes={changesBetween(base.value, value)} />
      <Refusal problem={problem} />
      {problem?.status === 412 && <TwoVersions edit={edit} theirs={setting.value} goOn={goOn} />}
      {write.data && (
        <p role="status">
          {write.data.dryRun
            ? t('It would be accepted. {own} users have a value of their own; {out} of these would be out of bounds.', {
                own: write.data.data.overrides,
                out: write.data.data.overridesOutOfBounds,
              })
            : t('Version {version} is in force.', { version: write.data.data.version ?? '' })}
        </p>
      )}
      <div className="row">
        <button type="button" disabled={value === undefined || write.isPending} onClick={() => write.mutate(true)}>
          {t('Dry run')}
        </button>
        <button className="primary" disabled={value === undefined || write.isPending}>
          {t('Save')}
        </button>
      </div>
    </form>
  );
}

function History({ settingKey: key, etag }: { settingKey: string; etag: string }) {
  const history = useQuery({
    queryKey: ['history', key],
    queryFn: async () => (await api.GET('/v1/configurations/{key}/history', { params: { path: { key }, query: { limit: 50 } } })).data,
  });
  return (
    <Table<Version>
      caption="History"
      rows={history.data?.items}
      keyOf={({ version }) => version}
      empty="Nobody has changed it: the default is in force."
      columns={[
        { name: 'Version', cell: ({ version }) => version, isNumber: true },
        { name: 'Changed', cell: ({ changes, deleted }) => (deleted ? t('back to the default') : <Diff changes={changes} />) },
        { name: 'By', cell: ({ author }) => author ?? 'system' },
        { name: 'Reason', cell: ({ reason }) => reason ?? '' },
        { name: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          name: 'Acts',
          cell: ({ version, deleted, value }) =>
            !deleted && (
              <Act
                name={t('Roll back to {name}', { name: version })}
                short="Roll back"
                run={({ reason }) =>
                  api.POST('/v1/configurations/{key}/rollback', {
                    params: { path: { key } },
                    headers: { 'if-match': etag },
                    body: { version, ...(reason ? { reason } : {}) },
                  })
                }
              >
                <p>{t('The value becomes again:')}</p>
                <Json value={value} />
                <Field label="Reason" name="reason" />
              </Act>
            ),
        },
      ]}
    />
  );
}
