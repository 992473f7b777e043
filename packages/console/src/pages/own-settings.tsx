import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { problemOf, Refusal } from '../ui/refusal';
import { Prose } from '../ui/prose';
import { Table } from '../ui/table';
import { ValueField } from '../ui/value-field';

type Setting = Schemas['UserConfigurationDto'];

/** What is in force for the user, and where it comes from. */
export function OwnSettings({ userId }: { userId: string }) {
  const settings = useQuery({
    queryKey: ['user-settings', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/configurations', { params: { path: { userId }, query: { limit: 100 } } })).data,
  });
  return (
    <>
      <Refusal problem={problemOf(settings.error)} />
      <Table<Setting>
        caption="Settings"
        rows={settings.data?.items.toSorted((a, b) => Number(b.overridable) - Number(a.overridable))}
        keyOf={({ key }) => key}
        empty="There is nothing to set."
        columns={[
          {
            name: 'Setting',
            cell: ({ key, description }) => (
              <>
                <code>{key}</code>
                <br />
                <small className="muted">
                  <Prose text={description} />
                </small>
              </>
            ),
          },
          {
            name: 'Value',
            cell: ({ value, unit }) => (
              <>
                <code>{JSON.stringify(value)}</code> {unit}
              </>
            ),
          },
          { name: 'Bounds', cell: (setting) => <Bounds setting={setting} /> },
          { name: 'Source', cell: ({ source }) => <span className="tag">{t(source)}</span> },
          { name: 'Acts', cell: (setting) => setting.overridable && <SettingActs {...{ userId, setting }} /> },
        ]}
      />
    </>
  );
}

/** At the version that is there now; where the user has no value yet, one that somebody else made meanwhile is not overwritten. */
async function versionOf(path: { userId: string; key: string }, source: string): Promise<{ 'if-match': string } | { 'if-none-match': string }> {
  if (source !== 'user') return { 'if-none-match': '*' };
  const { response } = await api.GET('/v1/users/{userId}/configurations/{key}', { params: { path } });
  return { 'if-match': response.headers.get('etag') ?? '*' };
}

function SettingActs({ userId, setting: { key, value, source, schema, bounds, unit } }: { userId: string; setting: Setting }) {
  const path = { userId, key };
  const [typed, setTyped] = useState<unknown>(value);
  return (
    <div className="row">
      <Act
        name={t('Set {name}', { name: key })}
        short="Set"
        run={async () =>
          api.PUT('/v1/users/{userId}/configurations/{key}', { params: { path }, headers: await versionOf(path, source), body: { value: typed } as never })
        }
      >
        {(problem) => (
          <ValueField label="Value" unit={unit} schema={{ ...schema, ...bounds }} value={typed} onChange={setTyped} problem={problem} pointer="#/value" />
        )}
      </Act>
      {source === 'user' && (
        <Act
          name={t('Back to inherited: {name}', { name: key })}
          short="Back to inherited"
          run={async () => api.DELETE('/v1/users/{userId}/configurations/{key}', { params: { path }, headers: await versionOf(path, source) })}
        >
          <p>{t('The value of everybody counts again.')}</p>
        </Act>
      )}
    </div>
  );
}

/** What a value of one's own must obey, in figures where there are some. */
function Bounds({ setting: { schema, bounds } }: { setting: Setting }) {
  const { minimum, maximum } = { ...schema, ...bounds } as { minimum?: number; maximum?: number };
  if (minimum === undefined && maximum === undefined) return <span className="muted">–</span>;
  return `${minimum?.toLocaleString(LOCALE) ?? '…'} to ${maximum?.toLocaleString(LOCALE) ?? '…'}`;
}
