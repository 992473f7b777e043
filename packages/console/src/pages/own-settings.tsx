import { LOCALE, t } from '../app/language';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, queries } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { Dialog } from '../ui/dialog';
import { TwoVersions, useEdit } from '../ui/edit';
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

interface Versioned {
  setting: Setting;
  condition: Condition;
}
type Condition = { 'if-match': string } | { 'if-none-match': string };

/** With the condition by which it is written: at the version that was read; where the user has no value yet, only while nobody makes one. */
async function read(userId: string, key: string): Promise<Versioned> {
  const { data: setting, response } = await api.GET('/v1/users/{userId}/configurations/{key}', { params: { path: { userId, key } } });
  return { setting, condition: setting.source === 'user' ? { 'if-match': response.headers.get('etag') ?? '*' } : { 'if-none-match': '*' } };
}

function SettingActs({ userId, setting }: { userId: string; setting: Setting }) {
  const [isOpen, setOpen] = useState(false);
  const { key, source } = setting;
  return (
    <div className="row">
      <button type="button" aria-label={t('Set {name}', { name: key })} onClick={() => setOpen(true)}>
        {t('Set')}
      </button>
      <Dialog title={t('Set {name}', { name: key })} isOpen={isOpen} onClose={() => setOpen(false)}>
        <Edited userId={userId} settingKey={key} close={() => setOpen(false)} />
      </Dialog>
      {source === 'user' && (
        <Act
          name={t('Back to inherited: {name}', { name: key })}
          short="Back to inherited"
          run={async () =>
            api.DELETE('/v1/users/{userId}/configurations/{key}', { params: { path: { userId, key } }, headers: (await read(userId, key)).condition })
          }
        >
          <p>{t('The value of everybody counts again.')}</p>
        </Act>
      )}
    </div>
  );
}

/** Read when it is opened: what is saved is a change of what is shown then. */
function Edited({ userId, settingKey, close }: { userId: string; settingKey: string; close: () => void }) {
  const found = useQuery({ queryKey: ['user-setting', userId, settingKey], queryFn: () => read(userId, settingKey), gcTime: 0 });
  if (found.data === undefined) return found.isError ? <Refusal problem={problemOf(found.error)} /> : <p className="waiting">{t('Loading…')}</p>;
  return <Editor userId={userId} {...found.data} close={close} />;
}

function Editor({ userId, setting, condition, close }: Versioned & { userId: string; close: () => void }) {
  const { key, schema, bounds, unit } = setting;
  const edit = useEdit<unknown, Condition>(setting.value, condition);
  const write = useMutation({
    mutationFn: () =>
      api.PUT('/v1/users/{userId}/configurations/{key}', {
        params: { path: { userId, key } },
        headers: edit.base.version,
        body: { value: edit.value } as never,
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['user-settings', userId] });
      close();
    },
    onError: (error) => (problemOf(error)?.status === 412 ? queries.invalidateQueries({ queryKey: ['user-setting', userId, key] }) : undefined),
  });
  const problem = problemOf(write.error);
  const goOn = (next: unknown) => {
    edit.goOn(next);
    write.reset();
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        write.mutate();
      }}
    >
      <ValueField
        key={edit.form}
        label="Value"
        unit={unit}
        schema={{ ...schema, ...bounds }}
        value={edit.value}
        onChange={edit.setValue}
        problem={problem}
        pointer="#/value"
      />
      <Refusal problem={problem} />
      {problem?.status === 412 && <TwoVersions edit={edit} theirs={setting.value} goOn={goOn} />}
      <div className="row end">
        <button type="button" onClick={close}>
          {t('Cancel')}
        </button>
        <button className="primary" disabled={edit.value === undefined || write.isPending}>
          {t('Set')}
        </button>
      </div>
    </form>
  );
}

/** What a value of one's own must obey, in figures where there are some. */
function Bounds({ setting: { schema, bounds } }: { setting: Setting }) {
  const { minimum, maximum } = { ...schema, ...bounds } as { minimum?: number; maximum?: number };
  if (minimum === undefined && maximum === undefined) return <span className="muted">–</span>;
  return `${minimum?.toLocaleString(LOCALE) ?? '…'} to ${maximum?.toLocaleString(LOCALE) ?? '…'}`;
}
