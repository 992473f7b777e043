import { LOCALE, t } from '../app/language';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client';
import { type Schemas, type User } from '../api/types';
import { Act } from '../ui/act';
import { Choice, errorAt, Field } from '../ui/field';
import { problemOf, Refusal } from '../ui/refusal';
import { Time } from '../ui/time';
import { useTiers } from './plans';

type Change = Schemas['UpdateUserDto'];

/** At the version that was read: two operators who change one user do not overwrite each other. */
async function update({ id }: User, body: Change, dryRun = false): Promise<unknown> {
  const path = { userId: String(id) };
  const { response } = await api.GET('/v1/users/{userId}', { params: { path } });
  const headers = { 'if-match': response.headers.get('etag') ?? '*' };
  return (await api.PATCH('/v1/users/{userId}', { params: { path, query: { dryRun } }, headers, body })).data;
}

/** What an operator may do about a user. */
export function AccountActs({ user }: { user: User }) {
  const path = { userId: String(user.id) };
  const isActive = user.status === 'active';
  return (
    <div className="row">
      <PlanChange user={user} />
      <Act
        name="Override quota"
        run={({ dailyQuota = '', hours = '24', reason = '' }) =>
          api.PUT('/v1/users/{userId}/quota/override', {
            params: { path },
            body: {
              ...(dailyQuota === '' ? { unlimited: true } : { dailyQuota: Number(dailyQuota) }),
              expiresAt: new Date(Date.now() + Number(hours) * 3_600_000).toISOString(),
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
      <Act name="Reset quota" isDanger run={({ reason = '' }) => api.POST('/v1/users/{userId}/quota/reset', { params: { path }, body: { reason } })}>
        {(problem) => (
          <>
            <p>{t('What was used today is refunded, and cannot be charged again afterwards.')}</p>
            <Field label="Reason" name="reason" required error={errorAt(problem, '#/reason')} />
          </>
        )}
      </Act>
      <Act
        name={isActive ? 'Suspend' : 'Let in again'}
        isDanger={isActive}
        run={({ reason }) => update(user, { status: isActive ? 'suspended' : 'active', ...(reason ? { reason } : {}) })}
      >
        <p>{isActive ? t('Sessions and keys stop within a second. Nothing is removed.') : t('Keys work again; sessions are begun anew.')}</p>
        <Field label="Reason" name="reason" />
      </Act>
    </div>
  );
}

function PlanChange({ user }: { user: User }) {
  const tiers = useTiers();
  const [change, setChange] = useState<Change>({ tier: user.tier, effective: 'now' });
  const preview = useMutation({ mutationFn: () => update(user, change, true) as Promise<Schemas['UserPreviewDto']> });
  const set = (part: Change) => {
    preview.reset();
    setChange({ ...change, ...part });
  };
  return (
    <Act name="Change plan" run={({ reason }) => update(user, { ...change, ...(reason ? { reason } : {}) })}>
      <Choice label="Plan" value={change.tier} onChange={({ target }) => set({ tier: target.value })}>
        {tiers.data?.items
          .filter(({ archived }) => !archived)
          .map(({ id, name }) => (
            <option key={id}>{name}</option>
          ))}
      </Choice>
      <Choice label="From" value={change.effective} onChange={({ target }) => set({ effective: target.value as 'now' })}>
        <option value="now">{t('now')}</option>
        <option value="next-period">{t('their next day')}</option>
      </Choice>
      <Field label="Reason" name="reason" />
      <button type="button" onClick={() => preview.mutate()}>
        {t('Preview')}
      </button>
      <Refusal problem={problemOf(preview.error)} />
      {preview.data && (
        <p role="status">
          {t('In force')} <Time at={preview.data.effectiveAt} />: {preview.data.remainingToday?.toLocaleString(LOCALE) ?? t('unlimited')} {t('left today')}
          {change.effective === 'next-period' && (
            <>
              {t(', then')} {preview.data.nextDailyQuota?.toLocaleString(LOCALE) ?? t('unlimited')} {t('a day')}
            </>
          )}
          .
        </p>
      )}
    </Act>
  );
}
