import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { useMe } from '../app/me';
import { usePageSearch, usePathPart } from '../app/search';
import { Act } from '../ui/act';
import { Dialog } from '../ui/dialog';
import { Choice, errorAt, Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { NotThere } from './not-there';

type Endpoint = Schemas['WebhookEndpointDto'];
type Delivery = Schemas['WebhookDeliveryDto'];

const reveal = (answer: unknown) => (
  <>
    <p>{t('The secret that signs deliveries is shown once:')}</p>
    <pre className="json" tabIndex={0}>
      {(answer as { data: { secret: string | null } }).data.secret}
    </pre>
  </>
);

export function Webhooks() {
  return <Endpoints userId={undefined} />;
}

/** Those of one user, as they see them themselves. */
export function OwnWebhooks({ userId }: { userId: string }) {
  return <Endpoints userId={Number(userId)} />;
}

function Endpoints({ userId }: { userId: number | undefined }) {
  const me = useMe();
  const { cursor } = usePageSearch();
  const endpoints = useQuery({
    queryKey: ['webhooks', userId, cursor],
    queryFn: async () => (await api.GET('/v1/webhook-endpoints', { params: { query: { userId, cursor, limit: 50 } } })).data,
  });
  return (
    <>
      <div className="row between">
        {userId === undefined && <h1>{t('Webhooks')}</h1>}
        <Act
          name="New endpoint"
          confirm="Make the endpoint"
          after={reveal}
          run={({ url = '', events = '', scope }) =>
            api.POST('/v1/webhook-endpoints', {
              body: { url, events: events.split(/[\s,]+/).filter(Boolean), ...(scope ? { scope: scope as 'all' } : {}) } as never,
            })
          }
        >
          {(problem) => (
            <>
              <Field label="Address" name="url" type="url" required error={errorAt(problem, '#/url')} />
              <Field
                label="Events"
                name="events"
                defaultValue="request.*"
                required
                hint="Types or groups, with commas."
                error={errorAt(problem, '#/events') ?? errorAt(problem, '#/events/0')}
              />
              {me.data?.role === 'admin' && (
                <Choice label="Of" name="scope">
                  <option value="all">{t('everybody')}</option>
                  <option value="own">{t('this account')}</option>
                </Choice>
              )}
            </>
          )}
        </Act>
      </div>
      <Refusal problem={problemOf(endpoints.error)} />
      <Table<Endpoint>
        caption="Webhook endpoints"
        rows={endpoints.data?.items}
        keyOf={({ id }) => id}
        empty="Nothing is sent anywhere yet: make an endpoint."
        columns={[
          {
            name: 'Address',
            cell: ({ id, url }) => (
              <Link to="/webhooks/$endpointId" params={{ endpointId: String(id) }}>
                {url}
              </Link>
            ),
          },
          { name: 'Events', cell: ({ events }) => events.join(', ') },
          { name: 'Of', cell: ({ scope, userId }) => (scope === 'all' ? 'everybody' : `user ${userId}`) },
          {
            name: 'State',
            cell: ({ enabled, disabledReason }) => (
              <span className={enabled ? 'tag good' : 'tag bad'}>{enabled ? t('enabled') : (disabledReason ?? t('disabled'))}</span>
            ),
          },
        ]}
      />
      <Pager cursor={cursor} next={endpoints.data?.nextCursor} />
    </>
  );
}

/** One endpoint: its deliveries with every attempt, and sending again. */
export function Webhook() {
  const endpointId = usePathPart('endpointId');
  const navigate = useNavigate();
  const { cursor } = usePageSearch();
  const path = { endpointId: Number(endpointId) };
  const endpoint = useQuery({
    queryKey: ['webhook', endpointId],
    queryFn: async () => (await api.GET('/v1/webhook-endpoints/{endpointId}', { params: { path } })).data,
  });
  const deliveries = useQuery({
    queryKey: ['deliveries', endpointId, cursor],
    queryFn: async () => (await api.GET('/v1/webhook-endpoints/{endpointId}/deliveries', { params: { path, query: { cursor, limit: 50 } } })).data,
    refetchInterval: 5_000,
  });
  const problem = problemOf(endpoint.error);
  if (problem?.status === 404 || problem?.status === 400) return <NotThere />;
  if (endpoint.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">{t('Loading…')}</p>;
  const { url, enabled, description, events } = endpoint.data;
  return (
    <>
      <div className="row between">
        <h1 className="name">{url}</h1>
        <div className="row">
          <Act name="Send a test" run={() => api.POST('/v1/webhook-endpoints/{endpointId}/test', { params: { path } })}>
            <p>{t('An event of the type webhook.test is sent there now.')}</p>
          </Act>
          <Act name="Rotate the secret" after={reveal} run={() => api.POST('/v1/webhook-endpoints/{endpointId}/rotate-secret', { params: { path } })}>
            <p>{t('Both secrets sign until the old one’s time is over.')}</p>
          </Act>
          <Act
            name="Send again since…"
            confirm="Send again"
            run={({ since = '' }) =>
              api.POST('/v1/webhook-endpoints/{endpointId}/replay', { params: { path }, body: { since: new Date(since).toISOString() } })
            }
          >
            {(refused) => (
              <>
                <p>{t('Everything that happened since then is sent once more, with the same ids.')}</p>
                <Field label="Since" name="since" type="datetime-local" required error={errorAt(refused, '#/since')} />
              </>
            )}
          </Act>
          <Act
            name={enabled ? 'Disable' : 'Enable'}
            isDanger={enabled}
            run={() => api.PATCH('/v1/webhook-endpoints/{endpointId}', { params: { path }, body: { enabled: !enabled } })}
          >
            <p>{enabled ? t('Nothing is sent there until it is enabled again.') : t('Events from now on are sent there.')}</p>
          </Act>
          <Act name="Remove" isDanger run={() => remove(path.endpointId).then(() => navigate({ to: '/webhooks', search: {} }))}>
            <p>{t('Nothing is sent there any more, and its deliveries go with it.')}</p>
          </Act>
        </div>
      </div>
      <p>{description}</p>
      <p className="muted">{events.join(', ')}</p>
      <Table<Delivery>
        caption="Deliveries"
        rows={deliveries.data?.items}
        keyOf={({ id }) => id}
        empty="Nothing was sent there yet: send a test."
        columns={[
          { name: 'Event', cell: ({ type }) => type },
          {
            name: 'Status',
            cell: ({ status }) => <span className={`tag ${status === 'delivered' ? 'good' : status === 'failed' ? 'bad' : ''}`}>{status}</span>,
          },
          { name: 'Tries', cell: ({ tries }) => tries, isNumber: true },
          { name: 'Last answer', cell: ({ lastStatus, lastError }) => lastStatus ?? lastError ?? '–' },
          { name: 'Next', cell: ({ nextAttemptAt }) => <Time at={nextAttemptAt} /> },
          { name: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
          {
            name: 'Acts',
            cell: ({ id }) => (
              <div className="row">
                <Attempts deliveryId={id} />
                <Act name="Resend" run={() => api.POST('/v1/webhook-deliveries/{deliveryId}/resend', { params: { path: { deliveryId: id } } })}>
                  <p>{t('It is sent once more, with the same id.')}</p>
                </Act>
              </div>
            ),
          },
        ]}
      />
      <Pager cursor={cursor} next={deliveries.data?.nextCursor} />
    </>
  );
}

const remove = (endpointId: number) => api.DELETE('/v1/webhook-endpoints/{endpointId}', { params: { path: { endpointId } } });

/** Each attempt of a delivery, with the beginning of what was answered. */
function Attempts({ deliveryId }: { deliveryId: string }) {
  const [isOpen, setOpen] = useState(false);
  const delivery = useQuery({
    queryKey: ['delivery', deliveryId],
    queryFn: async () => (await api.GET('/v1/webhook-deliveries/{deliveryId}', { params: { path: { deliveryId } } })).data,
    enabled: isOpen,
  });
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {t('Attempts')}
      </button>
      <Dialog title="Attempts" isOpen={isOpen} onClose={() => setOpen(false)}>
        <Refusal problem={problemOf(delivery.error)} />
        <ol className="timeline">
          {delivery.data?.attempts.map(({ at, status, error, durationMs, answer }) => (
            <li key={at} className={status !== null && status < 300 ? 'done good' : 'done bad'}>
              {status ?? error} {t('after')} {durationMs.toLocaleString(LOCALE)} {t('ms,')} <Time at={at} />
              {answer !== '' && (
                <pre className="json" tabIndex={0}>
                  {answer}
                </pre>
              )}
            </li>
          ))}
        </ol>
        {delivery.data?.attempts.length === 0 && <p className="muted">{t('It was not tried yet.')}</p>}
        <button type="button" className="primary" onClick={() => setOpen(false)}>
          {t('Done')}
        </button>
      </Dialog>
    </>
  );
}
