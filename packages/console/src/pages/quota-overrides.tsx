import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type User } from '../api/types';
import { Act } from '../ui/act';
import { Choice, errorAt, Field } from '../ui/field';
import { Menu } from '../ui/menu';
import { CancelPlanChange } from './plan-changes';
import { updateUser } from './update-user';

const HOUR_MS = 3_600_000;

/** A quota in place of the plan's until an instant. */
export function Override({ userId }: { userId: string }) {
  return (
    <Act
      name="Override quota"
      run={({ dailyQuota = '', hours = '24', reason = '' }) =>
        api.PUT('/v1/users/{userId}/quota/override', {
          params: { path: { userId } },
          body: {
            ...(dailyQuota === '' ? { unlimited: true } : { dailyQuota: Number(dailyQuota) }),
            expiresAt: new Date(Date.now() + Number(hours) * HOUR_MS).toISOString(),
            reason,
          },
        })
      }
    >
      {(problem) => (
        <>
          <Field label="Units a day" name="dailyQuota" type="number" min={0} hint="Empty: unlimited." error={errorAt(problem, '#/dailyQuota')} />
          <Field label="For so many hours" name="hours" type="number" min={1} defaultValue={24} required error={errorAt(problem, '#/expiresAt')} />
          <Field label="Reason" name="reason" required error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}

/** What of the plan's forms a user has otherwise, and the way back to the plan from each. */
export function QuotaOverrides({ user }: { user: User }) {
  const userId = String(user.id);
  const path = { userId };
  const quota = useQuery({ queryKey: ['quota', userId], queryFn: async () => (await api.GET('/v1/users/{userId}/quota', { params: { path } })).data });
  return (
    <Menu label="More limits…">
      <Overage userId={userId} />
      <Shadow userId={userId} />
      <InFlight user={user} />
      {quota.data?.override && (
        <Act name="End the override" run={({ reason }) => api.DELETE('/v1/users/{userId}/quota/override', { params: { path, query: { reason } } })}>
          <p>{t('The quota of the plan counts again at once; what was used stays used.')}</p>
          <Field label="Reason" name="reason" maxLength={500} />
        </Act>
      )}
      {user.next && <CancelPlanChange userId={userId} />}
    </Menu>
  );
}

const AS_THE_PLAN = 'plan';

function Overage({ userId }: { userId: string }) {
  const path = { userId };
  return (
    <Act
      name="Beyond the quota"
      confirm="Change it"
      run={({ how = AS_THE_PLAN, max = '', reason = '' }) =>
        how === AS_THE_PLAN
          ? api.DELETE('/v1/users/{userId}/quota/overage', { params: { path, query: { reason } } })
          : api.PUT('/v1/users/{userId}/quota/overage', { params: { path }, body: { max: how === 'none' ? 0 : max === '' ? null : Number(max), reason } })
      }
    >
      {(problem) => (
        <>
          <p>{t('Units beyond the quota are admitted and counted apart, to be paid for.')}</p>
          <Choice label="Beyond the quota" name="how">
            <option value="own">{t('may go on, as follows')}</option>
            <option value="none">{t('never, whatever the plan allows')}</option>
            <option value={AS_THE_PLAN}>{t('as the plan has it')}</option>
          </Choice>
          <Field label="Units in a period" name="max" type="number" min={0} hint="Empty: as many as there are." error={errorAt(problem, '#/max')} />
          <Field label="Reason" name="reason" required maxLength={500} error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}

function Shadow({ userId }: { userId: string }) {
  const path = { userId };
  return (
    <Act
      name="Try the quota out"
      confirm="Change it"
      run={({ how = AS_THE_PLAN, reason = '' }) =>
        how === AS_THE_PLAN
          ? api.DELETE('/v1/users/{userId}/quota/shadow', { params: { path, query: { reason } } })
          : api.PUT('/v1/users/{userId}/quota/shadow', { params: { path }, body: { enabled: how === 'tried', reason } })
      }
    >
      {(problem) => (
        <>
          <p>{t('While a quota is tried out, what it would refuse is admitted and counted.')}</p>
          <Choice label="The quota" name="how">
            <option value="tried">{t('is tried out: nothing is refused')}</option>
            <option value="enforced">{t('is enforced, whatever the plan has')}</option>
            <option value={AS_THE_PLAN}>{t('as the plan has it')}</option>
          </Choice>
          <Field label="Reason" name="reason" required maxLength={500} error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}

function InFlight({ user }: { user: User }) {
  return (
    <Act
      name="Units in flight"
      confirm="Change it"
      run={({ max = '', reason }) => updateUser(user, { maxInFlight: max === '' ? null : Number(max), ...(reason ? { reason } : {}) })}
    >
      {(problem) => (
        <>
          <p>{t('So many units may be admitted and not ended at the same time.')}</p>
          <Field
            label="Units in flight"
            name="max"
            type="number"
            min={1}
            defaultValue={user.maxInFlight ?? ''}
            hint="Empty: as the plan has it."
            error={errorAt(problem, '#/maxInFlight')}
          />
          <Field label="Reason" name="reason" maxLength={500} error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}
