import { t } from './language';
import { type LinkProps } from '@tanstack/react-router';
import { type IconName } from '../ui/icon';

export interface Place {
  name: string;
  icon: IconName;
  link: LinkProps;
}

const page = (name: string, icon: IconName, to: string): Place => ({ name, icon, link: { to: to, search: {} } });

const OPERATOR: readonly Place[] = [
  page('Overview', 'overview', '/'),
  page('Users', 'users', '/users'),
  page('Requests', 'requests', '/requests'),
  page('Plans', 'plans', '/plans'),
  page('Changes of plan', 'changes', '/plan-changes'),
  page('Settings', 'settings', '/settings'),
  page('Webhooks', 'webhooks', '/webhooks'),
  page('Jobs', 'jobs', '/jobs'),
  page('Audit', 'audit', '/audit'),
  page('Health', 'health', '/health'),
];

const OWN = [
  ['Today', 'today'],
  ['Usage', 'usage'],
  ['Requests', 'requests'],
  ['Grants', 'grants'],
  ['Keys', 'keys'],
  ['Settings', 'settings'],
  ['Webhooks', 'webhooks'],
  ['Sessions', 'sessions'],
  ['Account', 'account'],
] as const;

/** The pages of who is logged in, in the order in which they stand beside every page. */
export function placesOf({ id, role }: { id: number; role: string }): readonly Place[] {
  if (role === 'admin') return OPERATOR;
  return OWN.map(([name, tab]): Place => ({
    name,
    icon: tab,
    link: { to: '/users/$userId', params: { userId: String(id) }, search: { tab } } as LinkProps,
  }));
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Where a text may lead, the likeliest place first. */
export function placesFor(text: string, { places, isOperator }: { places: readonly Place[]; isOperator: boolean }): readonly Place[] {
  const typed = text.trim().toLowerCase();
  const found: Place[] = [];
  if (UUID.test(typed))
    found.push({ name: t('Request {id}', { id: typed }), icon: 'requests', link: { to: '/requests/$requestId', params: { requestId: typed } } as LinkProps });
  if (isOperator && /^\d+$/.test(typed))
    found.push({ name: t('User {id}', { id: typed }), icon: 'users', link: { to: '/users/$userId', params: { userId: typed } } as LinkProps });
  found.push(...places.filter(({ name }) => `${name} ${t(name)}`.toLowerCase().includes(typed)));
  if (isOperator && typed !== '')
    found.push({ name: t('Users: {text}', { text: text.trim() }), icon: 'users', link: { to: '/users', search: { find: text.trim() } } as LinkProps });
  return found;
}
