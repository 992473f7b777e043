import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, queries } from '../api/client';
import { type Schemas } from '../api/types';
import { usePathPart } from '../app/search';
import { Act } from '../ui/act';
import { errorAt, Field, TextField } from '../ui/field';
import { changesBetween, Diff, Json } from '../ui/json';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
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
  if (found.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">Loading…</p>;
  const { setting, etag } = found.data;
  return (
    <>
      <div className="row between">
        <h1 className="name">{key}</h1>
        {setting.source !== 'default' && (
          <Act name="Back to the default" isDanger run={() => api.DELETE('/v1/configurations/{key}', { params: { path }, headers: { 'if-match': etag } })}>
            <p>The default counts again, for everybody who has no value of their own.</p>
          </Act>
        )}
        <Propose settingKey={key} value={setting.value} />
      </div>
      <p>{setting.description}</p>
      <Editor setting={setting} etag={etag} />
      <h2>Proposed changes</h2>
      <Changes settingKey={key} />
      <h2>History</h2>
      <History settingKey={key} etag={etag} />
      <details>
        <summary>Schema</summary>
        <Json value={setting.schema} />
      </details>
    </>
  );
}

/** A text as JSON; undefined: it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function Editor({ setting, etag }: { setting: Schemas['ConfigurationDto']; etag: string }) {
  const [readAs, setReadAs] = useState(etag);
  const [text, setText] = useState(() => JSON.stringify(setting.value, null, 2) ?? '');
  const [reason, setReason] = useState('');
  const value = parsed(text);
  const write = useMutation({
    mutationFn: async (dryRun: boolean) => {
      const headers = readAs === '"0"' || setting.version === 0 ? { 'if-none-match': '*' } : { 'if-match': readAs };
      const body = { value, ...(reason ? { reason } : {}) } as never;
      const { data, response } = await api.PUT('/v1/configurations/{key}', { params: { path: { key: setting.key }, query: { dryRun } }, headers, body });
      if (!dryRun) setReadAs(response.headers.get('etag') ?? '*');
      return { dryRun, data: data as Schemas['ConfigurationPreviewDto'] };
    },
    onSuccess: ({ dryRun }) => (dryRun ? undefined : queries.invalidateQueries()),
  });
  const problem = problemOf(write.error);
  const isStale = problem?.status === 412;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        write.mutate(false);
      }}
    >
      <TextField
        label={`Value, as JSON${setting.unit ? ` (${setting.unit})` : ''}`}
        rows={Math.min(12, text.split('\n').length + 1)}
        value={text}
        onChange={({ target }) => setText(target.value)}
        error={value === undefined ? 'is no JSON' : errorAt(problem, '#/value')}
      />
      <Field label="Reason" value={reason} onChange={({ target }) => setReason(target.value)} />
      <Diff changes={changesBetween(setting.value, value)} />
      <Refusal problem={problem} />
      {isStale && (
        <div className="refusal">
          <p>Somebody changed it since you read it. Their value, and yours over it:</p>
          <Diff changes={changesBetween(setting.value, value)} />
          <button
            type="button"
            onClick={() => {
              setReadAs(etag);
              write.reset();
            }}
          >
            Go on with mine over theirs
          </button>
        </div>
      )}
      {write.data && (
        <p role="status">
          {write.data.dryRun
            ? `It would be taken. ${write.data.data.overrides} users have a value of their own; ${write.data.data.overridesOutOfBounds} of these would be out of bounds.`
            : `Version ${write.data.data.version} is in force.`}
        </p>
      )}
      <div className="row">
        <button type="button" disabled={value === undefined || write.isPending} onClick={() => write.mutate(true)}>
          Dry run
        </button>
        <button className="primary" disabled={value === undefined || write.isPending}>
          Save
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
        { name: 'Changed', cell: ({ changes, deleted }) => (deleted ? 'back to the default' : <Diff changes={changes} />) },
        { name: 'By', cell: ({ author }) => author ?? 'system' },
        { name: 'Reason', cell: ({ reason }) => reason ?? '' },
        { name: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          name: 'Acts',
          cell: ({ version, deleted, value }) =>
            !deleted && (
              <Act
                name={`Roll back to ${version}`}
                run={({ reason }) =>
                  api.POST('/v1/configurations/{key}/rollback', {
                    params: { path: { key } },
                    headers: { 'if-match': etag },
                    body: { version, ...(reason ? { reason } : {}) },
                  })
                }
              >
                <p>The value becomes again:</p>
                <Json value={value} />
                <Field label="Reason" name="reason" />
              </Act>
            ),
        },
      ]}
    />
  );
}
