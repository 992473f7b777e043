import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client';
import { BASE } from '../api/session';
import { type Schemas } from '../api/types';
import { useMe } from '../app/me';
import { Act } from '../ui/act';
import { errorAt, Field } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { refusalOfTheWayBack, useProviders } from './providers';

const LINKED = /^#link=([a-z0-9-]+)$/;

/** At which identity providers somebody logs in to the account; its owner links more of them. */
export function Identities({ userId }: { userId: string }) {
  const me = useMe();
  const isOwn = String(me.data?.id) === userId;
  const identities = useQuery({
    queryKey: ['identities', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/identities', { params: { path: { userId } } })).data,
  });
  const providers = useProviders();
  const items = identities.data?.items ?? [];
  // Where there are no providers, and never were, nothing of this is shown.
  if (providers.length === 0 && items.length === 0) return null;
  return (
    <section className="stack">
      <h2>{t('Identities')}</h2>
      <p>{t('People at identity providers who log in to this account.')}</p>
      {isOwn && <WayBack />}
      {isOwn && (
        <div className="row">
          {providers.map((provider) => (
            <LinkAct key={provider.id} userId={userId} provider={provider} />
          ))}
        </div>
      )}
      <Refusal problem={problemOf(identities.error)} />
      <Table<Schemas['IdentityDto']>
        caption="Identities"
        rows={identities.data?.items}
        keyOf={({ id }) => id}
        empty="None is linked."
        columns={[
          { name: 'Provider', cell: ({ provider, issuer }) => provider ?? issuer },
          { name: 'Person there', cell: ({ subject }) => subject },
          { name: 'Linked', cell: ({ createdAt }) => <Time at={createdAt} /> },
          {
            name: 'Acts',
            cell: ({ id }) => (
              <Act
                name="Unlink"
                isDanger
                run={() => api.DELETE('/v1/users/{userId}/identities/{identityId}', { params: { path: { userId, identityId: id } } })}
              >
                <p>{t('It logs in to this account no more. Sessions that it began go on until they are ended.')}</p>
              </Act>
            ),
          },
        ]}
      />
    </section>
  );
}

function LinkAct({ userId, provider: { id, name } }: { userId: string; provider: Schemas['ProviderDto'] }) {
  async function lead({ currentPassword, code }: Partial<Record<string, string>>) {
    const returnTo = `${BASE}/console/users/${userId}?tab=sessions`;
    const shown = { ...(currentPassword ? { currentPassword } : {}), ...(code ? { code } : {}) };
    const { data } = await api.POST('/v1/auth/oidc/{provider}/link', { params: { path: { provider: id } }, body: { returnTo, ...shown } });
    if (data !== undefined) location.assign(data.location);
  }
  return (
    <Act name={t('Link {name}', { name })} confirm="Go on" run={lead}>
      {(problem) => (
        <>
          <p>{t('You log in there, and are led back here. Who logged in longer than ten minutes ago types the password or a code.')}</p>
          <Field label="Password" name="currentPassword" type="password" autoComplete="current-password" error={errorAt(problem, '#/currentPassword')} />
          <Field label="Code" name="code" inputMode="numeric" autoComplete="one-time-code" error={errorAt(problem, '#/code')} />
        </>
      )}
    </Act>
  );
}

/** What somebody who was led back from a provider brought along: an identity that waits for a yes, or why there is none. */
function WayBack() {
  const [refusal] = useState(refusalOfTheWayBack);
  const [provider, setProvider] = useState(() => LINKED.exec(location.hash)?.[1] ?? null);
  async function link(id: string) {
    await api.POST('/v1/auth/oidc/{provider}/link/confirm', { params: { path: { provider: id } } });
    setProvider(null);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  if (provider === null) return <Refusal problem={refusal} />;
  return (
    <Act name="Link the identity that you logged in with" confirm="Link" run={() => link(provider)}>
      <p>{t('From then on it logs in to this account.')}</p>
    </Act>
  );
}
