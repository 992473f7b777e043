import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type User } from '../api/types';
import { useFilter, usePageSearch } from '../app/search';
import { Act } from '../ui/act';
import { downloadCsv } from '../ui/csv';
import { Choice, errorAt, Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { type Column, Table } from '../ui/table';
import { Time } from '../ui/time';
import { Bulk } from './bulk';
import { useTiers } from './plans';
import { allLike, pageOf } from './user-search';

const COLUMNS: Column<User>[] = [
  { name: 'Id', cell: ({ id }) => id, isNumber: true },
  {
    name: 'E-mail',
    cell: ({ id, email }) => (
      <Link to="/users/$userId" params={{ userId: String(id) }}>
        {email}
      </Link>
    ),
  },
  { name: 'External id', cell: ({ externalId }) => externalId ?? <span className="muted">–</span> },
  { name: 'Plan', cell: ({ tier }) => tier },
  { name: 'Status', cell: ({ status, role }) => <Status {...{ status, role }} /> },
  { name: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Status({ status, role }: Pick<User, 'status' | 'role'>) {
  return (
    <>
      <span className={status === 'active' ? 'tag good' : 'tag bad'}>{t(status)}</span> {role === 'admin' && <span className="tag">{t('operator')}</span>}
    </>
  );
}

export function Users() {
  const search = usePageSearch();
  const filter = useFilter();
  const tiers = useTiers();
  const users = useQuery({ queryKey: ['users', search], queryFn: () => pageOf(search) });
  return (
    <>
      <div className="row between">
        <h1>{t('Users')}</h1>
        <div className="row">
          <Bulk search={search} />
          <UsersFile search={search} />
          <NewUser />
        </div>
      </div>
      <form
        className="row filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          filter({ find: (typedInto(event.currentTarget).find ?? '').trim() });
        }}
      >
        <Field label="Id, e-mail or external id" name="find" key={search.find} defaultValue={search.find} />
        <Choice label="Plan" value={search.tier ?? ''} onChange={({ target }) => filter({ tier: target.value })}>
          <option value="">{t('any')}</option>
          {tiers.data?.items.map(({ id, name }) => (
            <option key={id}>{name}</option>
          ))}
        </Choice>
        <Choice label="Status" value={search.status ?? ''} onChange={({ target }) => filter({ status: target.value })}>
          <option value="">{t('any')}</option>
          <option value="active">{t('active')}</option>
          <option value="suspended">{t('suspended')}</option>
        </Choice>
        <Choice label="Used of today" value={search.used ?? ''} onChange={({ target }) => filter({ used: target.value })}>
          <option value="">{t('any')}</option>
          <option value="0.5">{t('50 % or more')}</option>
          <option value="0.8">{t('80 % or more')}</option>
          <option value="1">{t('all of it')}</option>
        </Choice>
        <button>{t('Search')}</button>
      </form>
      <Refusal problem={problemOf(users.error)} />
      <Table
        caption="Users"
        columns={COLUMNS}
        rows={users.data?.items}
        keyOf={({ id }) => id}
        empty={users.data?.nextCursor ? 'None on this page: go on with the next one.' : 'Nobody is like that. Take a filter away, or make a user.'}
      />
      <Pager cursor={search.cursor} next={users.data?.nextCursor} />
    </>
  );
}

const IN_FILE = ['id', 'email', 'externalId', 'tier', 'status', 'role', 'dailyQuota', 'unlimited', 'timeZone', 'createdAt'] as const;

function UsersFile({ search }: { search: Partial<Record<string, string>> }) {
  return (
    <Act name="Download as CSV" confirm="Download" run={async () => downloadCsv('quotidian-users.csv', [...IN_FILE], (await allLike(search)).users)}>
      <p>{t('Everybody whom the filter finds, up to 10,000, in one file.')}</p>
    </Act>
  );
}

function NewUser() {
  const tiers = useTiers();
  return (
    <Act
      name="New user"
      confirm="Make the user"
      run={({ email = '', password = '', tier }) => api.POST('/v1/users', { body: { email, password, ...(tier ? { tier } : {}) } })}
    >
      {(problem) => (
        <>
          <Field label="E-mail" name="email" type="email" required error={errorAt(problem, '#/email')} />
          <Field label="Password" name="password" type="password" autoComplete="new-password" required error={errorAt(problem, '#/password')} />
          <Choice label="Plan" name="tier">
            <option value="">{t('the default')}</option>
            {tiers.data?.items.map(({ id, name }) => (
              <option key={id}>{name}</option>
            ))}
          </Choice>
        </>
      )}
    </Act>
  );
}
