import { failure, type Finding, ok, warning } from './finding';
import { type Backlog, type ServiceRepository } from './service.repository';

const CLOSE_OUT = 'quota-reset';
/** Days end every day: who has not been closed out for longer than this is late. */
const CLOSE_OUT_LATE_H = 26;
const LATE_S = 120;
const SHOWN_USERS = 5;

export async function jobFindings(service: ServiceRepository): Promise<Finding[]> {
  const jobs = await service.jobs();
  const findings = jobs.map(({ job, status, error, succeededHoursAgo }) => {
    const last = succeededHoursAgo === null ? 'it never ended well' : `last ended well ${Math.round(succeededHoursAgo)} h ago`;
    if (job === CLOSE_OUT && (succeededHoursAgo ?? Infinity) > CLOSE_OUT_LATE_H) return warning(`job ${job}`, `overdue: ${last}`, 'quotidian quota:reset');
    if (status === 'failed') return warning(`job ${job}`, `its last run failed (${error ?? 'no reason kept'}); ${last}`, `quotidian jobs run ${job}`);
    return ok(`job ${job}`, last);
  });
  if (jobs.some(({ job }) => job === CLOSE_OUT)) return findings;
  return [...findings, warning(`job ${CLOSE_OUT}`, 'it has never run: no quota depends on it, but days are not archived', 'SCHEDULER_ENABLED=true')];
}

export async function backlogFindings(service: ServiceRepository): Promise<Finding[]> {
  const [events, webhooks, mails] = await Promise.all([service.events(), service.webhooks(), service.mails()]);
  return [
    backlogFinding('events', events, 'handed on', 'quotidian serve'),
    backlogFinding('webhooks', webhooks, 'delivered', 'quotidian serve'),
    backlogFinding('mails', mails, 'sent', 'SMTP_URL=smtp://user:password@host:587'),
  ];
}

function backlogFinding(check: string, { count, seconds }: Backlog, done: string, mend: string): Finding {
  if (seconds <= LATE_S) return ok(check, count === 0 ? `all are ${done}` : `${count} are about to be ${done}`);
  const shown = count > 10_000 ? 'more than 10000' : String(count);
  return warning(check, `${shown} are not ${done}, the oldest is ${Math.round(seconds)} s late`, mend);
}

export async function settingFindings(service: ServiceRepository, declared: ReadonlySet<string>): Promise<Finding[]> {
  const unread = (await service.hiddenSettings()).filter(({ key }) => !declared.has(key));
  if (unread.length === 0) return [ok('settings', 'each has somebody who reads it')];
  return unread.map(({ key }) =>
    warning('settings', `${key} is hidden from users, and no code of this release reads it`, `curl -X DELETE …/v1/configurations/${key} -H 'If-Match: *'`),
  );
}

/** A sample: `quotidian audit` compares all of them. */
export async function booksFinding(service: ServiceRepository): Promise<Finding> {
  const { users, wrong } = await service.booksOfSome();
  if (wrong.length === 0) return ok('books', `counters and ledger agree for ${users} users of a sample`);
  return failure(
    'books',
    `counter and ledger differ for ${wrong.length} of ${users} users, such as ${wrong.slice(0, SHOWN_USERS).join(', ')}`,
    'quotidian audit',
  );
}
