import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { errorAt, Field } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

type Key = Schemas['ApiKeyDto'];

const reveal = (answer: unknown) => {
  const { key } = (answer as { data: Schemas['NewApiKeyDto'] }).data;
  return (
    <>
      <p>{t('This is shown once. Keep it where secrets are kept.')}</p>
      <pre className="json" tabIndex={0}>
        {key}
      </pre>
      <button type="button" onClick={() => void navigator.clipboard.writeText(key ?? '')}>
        {t('Copy')}
      </button>
    </>
  );
};

export function NewKey({ userId }: { userId: string }) {
  return (
    <Act
      name="New key"
      confirm="Make the key"
      after={reveal}
      run={({ name = '', dailyCap = '' }) =>
        api.POST('/v1/users/{userId}/api-keys', { params: { path: { userId } }, body: { name, ...(dailyCap === '' ? {} : { dailyCap: Number(dailyCap) }) } })
      }
    >
      {(problem) => (
        <>
          <Field label="Name" name="name" required error={errorAt(problem, '#/name')} />
          <Field label="Cap of its own, units a day" name="dailyCap" type="number" min={0} hint="Empty: none." error={errorAt(problem, '#/dailyCap')} />
        </>
      )}
    </Act>
  );
}

export function Keys({ userId }: { userId: string }) {
  const keys = useQuery({
    queryKey: ['keys', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/api-keys', { params: { path: { userId }, query: { limit: 100 } } })).data,
  });
  return (
    <>
      <NewKey userId={userId} />
      <Refusal problem={problemOf(keys.error)} />
      <Table<Key>
        caption="API keys"
        rows={keys.data?.items}
        keyOf={({ id }) => id}
        empty="There is no key yet: programs call with one."
        columns={[
          { name: 'Name', cell: ({ name }) => name },
          { name: 'Begins with', cell: ({ prefix }) => <code>{prefix}</code> },
          { name: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
          { name: 'Cap', cell: ({ dailyCap }) => dailyCap?.toLocaleString(LOCALE) ?? '–', isNumber: true },
          {
            name: 'Until',
            cell: ({ expiresAt, previousExpiresAt }) => (
              <>
                <Time at={expiresAt} />
                {previousExpiresAt !== null && (
                  <p className="muted">
                    {t('the former secret until')} <Time at={previousExpiresAt} />
                  </p>
                )}
              </>
            ),
          },
          { name: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
          { name: 'Acts', cell: (key) => <KeyActs {...{ userId, apiKey: key }} /> },
        ]}
      />
    </>
  );
}

const HOUR_S = 3_600;

function KeyActs({ userId, apiKey: { id, name, dailyCap } }: { userId: string; apiKey: Key }) {
  const path = { userId, keyId: id };
  return (
    <div className="row">
      <Act
        name={t('Change {name}', { name })}
        short="Change"
        confirm="Change the key"
        run={({ name: text = '', dailyCap: cap = '' }) =>
          api.PATCH('/v1/users/{userId}/api-keys/{keyId}', { params: { path }, body: { name: text, dailyCap: cap === '' ? null : Number(cap) } })
        }
      >
        {(problem) => (
          <>
            <Field label="Name" name="name" required defaultValue={name} error={errorAt(problem, '#/name')} />
            <Field
              label="Cap of its own, units a day"
              name="dailyCap"
              type="number"
              min={0}
              defaultValue={dailyCap ?? ''}
              hint="Empty: none."
              error={errorAt(problem, '#/dailyCap')}
            />
          </>
        )}
      </Act>
      <Act
        name={t('Rotate {name}', { name })}
        short="Rotate"
        confirm="Rotate the key"
        after={reveal}
        run={({ hours = '0' }) =>
          api.POST('/v1/users/{userId}/api-keys/{keyId}/rotate', { params: { path }, body: { overlapSeconds: Math.round(Number(hours) * HOUR_S) } })
        }
      >
        {(problem) => (
          <>
            <p>{t('A new secret is made. The former one goes on beside it for as long as programs need to change over.')}</p>
            <Field
              label="Overlap in hours"
              name="hours"
              type="number"
              min={0}
              max={720}
              step="any"
              defaultValue={24}
              required
              hint="0: the former one stops at once."
              error={errorAt(problem, '#/overlapSeconds')}
            />
          </>
        )}
      </Act>
      <Act name={t('Revoke {name}', { name })} short="Revoke" isDanger run={() => api.DELETE('/v1/users/{userId}/api-keys/{keyId}', { params: { path } })}>
        <p>{t('Programs that call with it are refused from now on. This cannot be taken back.')}</p>
      </Act>
    </div>
  );
}
