import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { BASE } from '../api/session';
import { type Schemas } from '../api/types';
import { Refusal } from '../ui/refusal';

/** Why the last login by a provider did not come about; the way back leaves its code in the fragment. */
export function refusalOfTheWayBack() {
  const [, code] = /^#problem=([\w-]+)$/.exec(location.hash) ?? [];
  return code === undefined
    ? null
    : { title: t('The login was refused'), detail: t('Try again, or log in with a password.'), status: 403, code, type: '', instance: '' };
}

/** The identity providers by which people may log in; none until they are known. */
export function useProviders(): Schemas['ProviderDto'][] {
  // Asked without the client: there may be no session to ask with.
  const providers = useQuery({
    queryKey: ['providers'],
    queryFn: async () => (await (await fetch(`${BASE}/v1/auth/providers`)).json()) as Schemas['ProvidersDto'],
    staleTime: Infinity,
  });
  return providers.data?.items ?? [];
}

/** Buttons of the identity providers, unless there are none. */
export function Providers() {
  const [refusal] = useState(refusalOfTheWayBack);
  const items = useProviders();
  const back = encodeURIComponent(`${BASE}/console/`);
  return (
    <>
      <Refusal problem={refusal} />
      {items.length > 0 && <p className="muted or">{t('or')}</p>}
      {items.map(({ id, name }) => (
        <a key={id} className="button" href={`${BASE}/v1/auth/oidc/${encodeURIComponent(id)}?returnTo=${back}`}>
          {t('Log in with')} {name}
        </a>
      ))}
    </>
  );
}
