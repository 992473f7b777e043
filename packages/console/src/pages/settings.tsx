import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { useFilter, usePageSearch } from '../app/search';
import { Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { Prose } from '../ui/prose';
import { Table } from '../ui/table';
import { Changes } from './setting-changes';

/** The catalogue of settings: what is in force, and where it came from. */
export function Settings() {
  const { prefix, cursor } = usePageSearch();
  const filter = useFilter();
  const settings = useQuery({
    queryKey: ['settings', prefix, cursor],
    queryFn: async () => (await api.GET('/v1/configurations', { params: { query: { prefix: prefix === '' ? undefined : prefix, cursor, limit: 50 } } })).data,
  });
  return (
    <>
      <h1>{t('Settings')}</h1>
      <form
        className="row filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          filter({ prefix: (typedInto(event.currentTarget).prefix ?? '').trim() });
        }}
      >
        <Field label="Key begins with" name="prefix" key={prefix} defaultValue={prefix} />
        <button>{t('Search')}</button>
      </form>
      <Refusal problem={problemOf(settings.error)} />
      <Table<Schemas['ConfigurationDto']>
        caption="Settings"
        rows={settings.data?.items}
        keyOf={({ key }) => key}
        empty="No key begins like that."
        columns={[
          {
            name: 'Setting',
            cell: ({ key, description }) => (
              <>
                <Link to="/settings/$key" params={{ key }}>
                  <code>{key}</code>
                </Link>
                <br />
                <small className="muted">
                  <Prose text={description} />
                </small>
              </>
            ),
          },
          {
            name: 'Value',
            cell: ({ value, visibility }) => (visibility === 'secret' ? <span className="muted">{t('secret')}</span> : <code>{JSON.stringify(value)}</code>),
          },
          { name: 'Source', cell: ({ source, version }) => <span className="tag">{source === 'default' ? source : `${source}, version ${version}`}</span> },
        ]}
      />
      <Pager cursor={cursor} next={settings.data?.nextCursor} />
      <h2>{t('Proposed changes')}</h2>
      <Changes settingKey={undefined} />
    </>
  );
}
