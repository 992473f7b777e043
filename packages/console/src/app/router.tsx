import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { BASE } from '../api/session';
import { Home } from '../pages/home';
import { NotThere } from '../pages/not-there';
import { Failed } from './release';
import { Shell } from './shell';

/** The whole state of a page is in its address: texts as they are typed, empty ones left out. */
type Search = Partial<Record<string, string>>;

const root = createRootRoute({ component: Shell, notFoundComponent: NotThere, validateSearch: (search): Search => search as Search });
const page = <Path extends string>(path: Path, load: () => Promise<Record<string, unknown>>, name: string) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load as never, name as never) });

const routeTree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: '/', component: Home }),
  page('/users', () => import('../pages/operator'), 'Users'),
  page('/users/$userId', () => import('../pages/account'), 'Account'),
  page('/plans', () => import('../pages/operator'), 'Plans'),
  page('/plans/$tierId', () => import('../pages/operator'), 'Plan'),
  page('/plan-changes', () => import('../pages/operator'), 'PlanChanges'),
  page('/settings', () => import('../pages/operator'), 'Settings'),
  page('/settings/$key', () => import('../pages/operator'), 'Setting'),
  page('/requests', () => import('../pages/operator'), 'Requests'),
  page('/requests/$requestId', () => import('../pages/account'), 'RequestPage'),
  page('/webhooks', () => import('../pages/operator'), 'Webhooks'),
  page('/webhooks/$endpointId', () => import('../pages/operator'), 'Webhook'),
  page('/audit', () => import('../pages/operator'), 'Audit'),
  page('/jobs', () => import('../pages/operator'), 'Jobs'),
  page('/health', () => import('../pages/operator'), 'HealthPage'),
  page('/first-run', () => import('../pages/operator'), 'FirstRun'),
]);

export const router = createRouter({
  routeTree,
  basepath: `${BASE}/console`,
  defaultPreload: 'intent',
  defaultErrorComponent: Failed,
  parseSearch: (text): Search => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search: Search) => {
    const given = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '');
    return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
