/** The operator's pages: one file to load, when the first of them is shown. */
export { Audit } from './audit';
export { FirstRun } from './first-run';
export { HealthPage } from './health';
export { Jobs } from './jobs';
export { Overview } from './overview';
export { Plan } from './plan';
export { PlanChanges } from './plan-changes';
export { Plans } from './plans';
export { Requests } from './requests';
export { Setting } from './setting';
export { Settings } from './settings';
export { Users } from './users';
export { Webhook, Webhooks } from './webhooks';
