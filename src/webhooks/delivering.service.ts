import { Injectable } from '@nestjs/common';
import { type Spans, tracing } from '../common/spans';
import { eventId } from '../outbox/event-id';
import { SettingsService } from '../settings/settings.service';
import { TraceOrigins } from '../trace-origins/trace-origins.service';
import { type Claimed } from './dispatch.repository';
import { EndpointSecrets } from './endpoint-secrets';
import { verdictOf } from './retry-plan';
import { type Finished, Results } from './results.service';
import { Sender, type Sent } from './sender.service';
import { signedHeaders } from './signature';
import { WebhookSettings } from './webhooks.settings';

const USER_AGENT = 'quotidian-webhooks/1';

/** Makes one attempt of a claimed delivery. */
@Injectable()
export class Delivering {
  constructor(
    private readonly sender: Sender,
    private readonly secrets: EndpointSecrets,
    private readonly results: Results,
    private readonly settings: SettingsService,
    private readonly origins: TraceOrigins,
  ) {}

  /** Never rejects. `ended`: what came of it, before that is written. */
  async attempt(delivery: Claimed, ended: (sent: Sent, ok: boolean) => void): Promise<void> {
    const at = new Date();
    const sent = await (tracing.spans === null ? this.send(delivery, at) : this.sendTraced(delivery, at, tracing.spans));
    const { retryAfterMs: _, ...kept } = sent;
    const { id, claim, tries, ordered } = delivery;
    const plan = {
      schedule: this.settings.get(WebhookSettings.retrySchedule),
      tries,
      ordered,
      orderedMaxTries: this.settings.get(WebhookSettings.orderedMaxTries),
    };
    const { gone, ...verdict } = delivery.data === null ? EVENT_GONE : verdictOf(sent, plan, Math.random());
    ended(sent, verdict.status === 'delivered');
    const finished: Finished = { delivery, gone, result: { id, claim, ...verdict, attempt: { at: at.toISOString(), ...kept } } };
    await this.results.write(finished);
  }

  /** A trace of its own: it may come hours after what it is about, and links to that. */
  private sendTraced(delivery: Claimed, at: Date, spans: Spans): Promise<Sent> {
    const { endpointId, eventType, tries, data } = delivery;
    const fields = { 'quotidian.endpoint.id': endpointId, 'quotidian.event.type': eventType, 'quotidian.delivery.tries': tries };
    const about = (data as { id?: unknown } | null)?.id;
    return spans.run('deliver', { fields, links: spans.recall(about), apart: true }, async (note, _link, linkLater) => {
      linkLater(() => this.origins.of([about]));
      const sent = await this.send(delivery, at);
      note(sent.status === null ? { 'error.type': sent.error ?? 'unknown' } : { 'http.response.status_code': sent.status });
      return sent;
    });
  }

  private async send(delivery: Claimed, at: Date): Promise<Sent> {
    const { endpointId, url, secret, previous, eventType: type, data, happenedAt } = delivery;
    if (data === null || happenedAt === null) return notSent('event-removed');
    const present = this.secrets.open(endpointId, secret);
    if (present === null) return notSent('secret-unreadable');
    const before = previous === null ? null : this.secrets.openPrevious(endpointId, previous);
    const body = JSON.stringify({ type, timestamp: happenedAt, data });
    const live = before === null ? [present] : [present, before];
    const headers = { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...signedHeaders(eventId(delivery.eventId), at, body, live) };
    return this.sender.send(url, headers, body);
  }
}

/** Retention has taken the event: there is nothing to send, and nobody is to blame. */
const EVENT_GONE = { status: 'failed', pauseSeconds: 0, counts: false, gone: false } as const;

function notSent(error: string): Sent {
  return { status: null, error, durationMs: 0, answer: '', retryAfterMs: null };
}
