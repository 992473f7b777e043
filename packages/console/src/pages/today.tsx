import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Quota } from '../api/types';
import { Bar } from '../ui/bar';
import { problemOf, Refusal } from '../ui/refusal';
import { Ring } from '../ui/ring';
import { Time, Until } from '../ui/time';
import { Parts } from './quota-parts';
import { useTiers } from './plans';

/** What is left of today, until when, and everything that limits it. */
export function Today({ userId }: { userId: string }) {
  const quota = useQuery({
    queryKey: ['quota', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/quota', { params: { path: { userId } } })).data,
    refetchInterval: 5_000,
  });
  if (quota.data === undefined) return quota.isError ? <Refusal problem={problemOf(quota.error)} /> : <p className="waiting">{t('Loading…')}</p>;
  const { used, limit, remaining, resetsAt, timeZone, grants } = quota.data;
  return (
    <>
      <section className="cards">
        <article className="card">
          <h2>{t('Left today')}</h2>
          <div className="row between">
            <p className="big">{remaining?.toLocaleString(LOCALE) ?? t('No limit')}</p>
            {limit !== null && <Ring used={used} limit={limit} />}
          </div>
          <Bar used={used} limit={limit} label="Used of today" />
          {grants && (
            <p>
              {t('{units} of what is left are granted:', { units: grants.remaining.toLocaleString(LOCALE) })}{' '}
              <Link to="." search={{ tab: 'grants' }}>
                {t('Grants')}
              </Link>
            </p>
          )}
        </article>
        <article className="card">
          <h2>{t('Begins anew')}</h2>
          <p className="big">
            <Until at={resetsAt} />
          </p>
          <p>
            <Time at={resetsAt} /> <span className="muted">({timeZone})</span>
          </p>
          <Forecast quota={quota.data} />
        </article>
        <Limits userId={userId} quota={quota.data} />
      </section>
      <Parts quota={quota.data} />
    </>
  );
}

/** As the service foretells it, grants included. */
function Forecast({ quota: { limit, remaining, exhaustedAt } }: { quota: Quota }) {
  if (limit === null) return <p>{t('What is used is counted all the same.')}</p>;
  if (remaining === 0) return <p className="bad">{t('It is used up')}.</p>;
  if (exhaustedAt === null) return <p>{t('At this rate it lasts for the day.')}</p>;
  return (
    <p>
      {t('At this rate it is used up')} <Time at={exhaustedAt} />.
    </p>
  );
}

/** Each thing by which a charge may be refused, the one that is in force for the day first. */
function Limits({ userId, quota: { limit, tier, override, next, adjusted } }: { userId: string; quota: Quota }) {
  const tiers = useTiers();
  const plan = tiers.data?.items.find(({ name }) => name === tier);
  const keys = useQuery({
    queryKey: ['keys', userId],
    queryFn: async () => (await api.GET('/v1/users/{userId}/api-keys', { params: { path: { userId }, query: { limit: 100 } } })).data,
  });
  const capped = keys.data?.items.filter(({ dailyCap }) => dailyCap !== null) ?? [];
  return (
    <article className="card">
      <h2>{t('What limits it')}</h2>
      <dl className="facts">
        <dt>{override ? t('Override') : t('Plan')}</dt>
        <dd>
          {limit === null ? t('no limit') : t('{units} units a day', { units: limit.toLocaleString(LOCALE) })}
          {override ? (
            <>
              {t(', until')} <Time at={override.expiresAt} />: {override.reason}
            </>
          ) : (
            <span className="muted"> ({tier})</span>
          )}
        </dd>
        {next && (
          <>
            <dt>{t('Afterwards')}</dt>
            <dd>
              {t('plan')} {next.tier}, {next.dailyQuota?.toLocaleString(LOCALE) ?? t('unlimited')} {t('a day, from')} <Time at={next.effectiveAt} />
            </dd>
          </>
        )}
        {plan && (
          <>
            <dt>{t('Burst')}</dt>
            <dd>
              {plan.burstPerMinute === null
                ? t('as the service has it for everybody')
                : t('{units} a minute', { units: plan.burstPerMinute.toLocaleString(LOCALE) })}
            </dd>
          </>
        )}
        <dt>{t('Keys')}</dt>
        <dd>
          {capped.length === 0
            ? t('none has a cap of its own')
            : capped.map(({ id, name, dailyCap }) => (
                <div key={id}>
                  {name}: {dailyCap?.toLocaleString(LOCALE)} {t('a day')}
                </div>
              ))}{' '}
          <Link to="." search={{ tab: 'keys' }}>
            {t('Keys')}
          </Link>
        </dd>
      </dl>
      {adjusted.length > 0 && (
        <p className="bad">
          {t('Stored values that cannot be used do not count:')} {adjusted.map((part) => JSON.stringify(part)).join(', ')}
        </p>
      )}
    </article>
  );
}
