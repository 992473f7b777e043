import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { useMe } from '../app/me';
import { usePageSearch, usePathPart } from '../app/search';
import { problemOf, Refusal } from '../ui/refusal';
import { AccountActs } from './account-acts';
import { Grants } from './grants';
import { Keys } from './keys';
import { NotThere } from './not-there';
import { OwnRequests } from './requests';
import { OwnAccount } from './own-account';
import { OwnSettings } from './own-settings';
import { Sessions } from './sessions';
import { Today } from './today';
import { Usage } from './usage';
import { OwnWebhooks } from './webhooks';
import { Status } from './users';

export { RequestPage } from './request';

const TABS = {
  today: Today,
  usage: Usage,
  requests: OwnRequests,
  grants: Grants,
  keys: Keys,
  settings: OwnSettings,
  webhooks: OwnWebhooks,
  sessions: Sessions,
  account: OwnAccount,
};
type Tab = keyof typeof TABS;
const isTab = (name: string | undefined): name is Tab => name !== undefined && name in TABS;

/** Everything of one user: what they see of themselves, and what an operator may do about it. */
export function Account() {
  const userId = usePathPart('userId');
  const { tab } = usePageSearch();
  const me = useMe();
  const account = useQuery({ queryKey: ['user', userId], queryFn: async () => (await api.GET('/v1/users/{userId}', { params: { path: { userId } } })).data });
  const problem = problemOf(account.error);
  if (problem?.status === 404 || problem?.status === 400 || problem?.status === 403) return <NotThere />;
  if (account.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">{t('Loading…')}</p>;
  const user = account.data;
  const shown: Tab = isTab(tab) ? tab : 'today';
  const Part = TABS[shown];
  return (
    <>
      <div className="row between">
        <h1 className="name">{user.email}</h1>
        {me.data?.role === 'admin' && <AccountActs user={user} />}
      </div>
      <p className="muted">
        {t('User')} {user.id} {t('· plan')} <strong>{user.tier}</strong> · <Status {...user} /> {user.externalId !== null && <>· {user.externalId}</>}
      </p>
      <nav className="tabs" aria-label={t('Of this user')}>
        {Object.keys(TABS).map((name) => (
          <Link key={name} to="/users/$userId" params={{ userId }} search={{ tab: name }} aria-current={name === shown ? 'page' : undefined}>
            {t(name.replace(/^./, (first) => first.toUpperCase()))}
          </Link>
        ))}
      </nav>
      <Part userId={String(user.id)} />
    </>
  );
}
