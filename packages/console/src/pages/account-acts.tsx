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
import { Override, QuotaOverrides } from './quota-overrides';
import { updateUser, type UserChange } from './update-user';

/** What an operator may do about a user. */
export function AccountActs({ user }: { user: User }) {
  const path = { userId: String(user.id) };
  const isActive = user.status === 'active';
  return (
    <div className="row">
      <PlanChange user={user} />
      <Override userId={path.userId} />
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
        run={({ reason }) => updateUser(user, { status: isActive ? 'suspended' : 'active', ...(reason ? { reason } : {}) })}
      >
        <p>{isActive ? t('Sessions and keys stop within a second. Nothing is removed.') : t('Keys work again; sessions are begun anew.')}</p>
        <Field label="Reason" name="reason" />
      </Act>
      <QuotaOverrides user={user} />
    </div>
  );
}

type When = 'now' | 'next-period' | 'date';

/** What is sent: a change of plan has either an end of its waiting by name, or a day. */
const changeOf = (tier: string, when: When, day: string): UserChange => ({ tier, ...(when === 'date' ? { effectiveOn: day } : { effective: when }) });

function PlanChange({ user }: { user: User }) {
  const tiers = useTiers();
  const [tier, setTier] = useState(user.tier);
  const [when, setWhen] = useState<When>('now');
  const [day, setDay] = useState('');
  const change = changeOf(tier, when, day);
  const preview = useMutation({ mutationFn: () => updateUser(user, change, true) as Promise<Schemas['UserPreviewDto']> });
  /** What was shown of another choice is no preview of this one. */
  const chosen =
    (set: (value: string) => void) =>
    ({ target }: { target: { value: string } }) => {
      preview.reset();
      set(target.value);
    };
  return (
    <Act name="Change plan" run={({ reason }) => updateUser(user, { ...change, ...(reason ? { reason } : {}) })}>
      {(problem) => (
        <>
          <Choice label="Plan" value={tier} onChange={chosen(setTier)} error={errorAt(problem, '#/tier')}>
            {tiers.data?.items
              .filter(({ archived }) => !archived)
              .map(({ id, name }) => (
                <option key={id}>{name}</option>
              ))}
          </Choice>
          <Choice label="From" value={when} onChange={chosen((next) => setWhen(next as When))}>
            <option value="now">{t('now')}</option>
            <option value="next-period">{t('their next day')}</option>
            <option value="date">{t('a date')}</option>
          </Choice>
          {when === 'date' && (
            <Field
              label="Date"
              type="date"
              required
              value={day}
              onChange={chosen(setDay)}
              hint="In the user’s zone. It takes the place of a change that waits."
              error={errorAt(problem, '#/effectiveOn')}
            />
          )}
          <Field label="Reason" name="reason" maxLength={500} />
          <button type="button" disabled={when === 'date' && day === ''} onClick={() => preview.mutate()}>
            {t('Preview')}
          </button>
          <Refusal problem={problemOf(preview.error)} />
          {preview.data && <Preview {...preview.data} waits={when !== 'now'} />}
        </>
      )}
    </Act>
  );
}

function Preview({ effectiveAt, remainingToday, nextDailyQuota, waits }: Schemas['UserPreviewDto'] & { waits: boolean }) {
  return (
    <p role="status">
      {t('In force')} <Time at={effectiveAt} />: {remainingToday?.toLocaleString(LOCALE) ?? t('unlimited')} {t('left today')}
      {waits && (
        <>
          {t(', then')} {nextDailyQuota?.toLocaleString(LOCALE) ?? t('unlimited')} {t('a day')}
        </>
      )}
      .
    </p>
  );
}
