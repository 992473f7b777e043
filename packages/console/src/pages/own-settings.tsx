import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { TextField, errorAt } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';

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
        rows={settings.data?.items}
        keyOf={({ key }) => key}
        empty="There is nothing to set."
        columns={[
          {
            name: 'Setting',
            cell: ({ key, description }) => (
              <>
                <code>{key}</code>
                <br />
                <small className="muted">{description}</small>
              </>
            ),
          },
          { name: 'Value', cell: ({ value }) => <code>{JSON.stringify(value)}</code> },
          { name: 'From', cell: ({ source }) => <span className="tag">{source}</span> },
          { name: 'Acts', cell: (setting) => setting.overridable && <SettingActs {...{ userId, setting }} /> },
        ]}
      />
    </>
  );
}

function SettingActs({ userId, setting: { key, value, source, bounds } }: { userId: string; setting: Setting }) {
  const path = { userId, key };
  return (
    <div className="row">
      <Act
        name={`Set ${key}`}
        run={({ value: text = '' }) =>
          api.PUT('/v1/users/{userId}/configurations/{key}', { params: { path }, body: { value: JSON.parse(text) as unknown } as never })
        }
      >
        {(problem) => (
          <TextField
            label="Value, as JSON"
            name="value"
            defaultValue={JSON.stringify(value, null, 2)}
            hint={bounds ? `Within ${JSON.stringify(bounds)}` : undefined}
            error={errorAt(problem, '#/value')}
          />
        )}
      </Act>
      {source === 'user' && (
        <Act name={`Inherit ${key}`} run={() => api.DELETE('/v1/users/{userId}/configurations/{key}', { params: { path } })}>
          <p>The value of everybody counts again.</p>
        </Act>
      )}
    </div>
  );
}
