import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { jsonDiff, sameJson } from '../common/json-diff';
import { type Actor } from '../common/principal';
import { ValidationProblem } from '../http/problem';
import { checkBody } from '../http/validation.pipe';
import { CreateWebhookEndpointDto } from '../webhooks/dto/create-webhook-endpoint.dto';
import { UpdateWebhookEndpointDto } from '../webhooks/dto/update-webhook-endpoint.dto';
import { type WebhookEndpointDto } from '../webhooks/dto/webhook-endpoint.dto';
import { EndpointsService } from '../webhooks/endpoints.service';
import { type ApplyOptions, type ServiceChange } from './change';
import { Refusals } from './refusals';
import { type Entries, escaped } from './service-document';

type Entry = Record<string, unknown>;

const ALL = { isAdmin: true, userId: 0 };

/** The operator's webhook endpoints as a document declares them, by URL. What an entry leaves out stays as it is. */
@Injectable()
export class DeclaredWebhooks {
  constructor(private readonly endpoints: EndpointsService) {}

  async export(tx: EntityManager): Promise<Entries> {
    return new Map((await this.endpoints.ofOperatorIn(tx)).map((endpoint) => [endpoint.url, contentOf(endpoint)]));
  }

  /** @throws ValidationProblem naming what is wrong, by place */
  async apply(tx: EntityManager, actor: Actor, entries: Entries, { prune, reason }: ApplyOptions): Promise<ServiceChange[]> {
    const by = { ...actor, reason };
    const known = await this.endpoints.ofOperatorIn(tx);
    const changes: ServiceChange[] = [];
    const named = new Set([...entries.keys()].map(hrefOf));
    const refusals = new Refusals();
    for (const [url, entry] of entries) {
      await refusals.gather(`#/webhooks/${escaped(url)}`, async () => {
        const change = await this.put(tx, by, url, entry, known);
        if (change.changes.length > 0) changes.push(change);
      });
    }
    for (const { id, url, ...rest } of prune ? known : []) {
      if (named.has(url)) continue;
      await refusals.gather(`#/webhooks/${escaped(url)}`, () => this.endpoints.deleteIn(tx, { principal: ALL, actor: by }, id));
      changes.push({ kind: 'webhook', name: url, action: 'delete', changes: jsonDiff(contentOf(rest), {}) });
    }
    refusals.end();
    return changes;
  }

  private async put(tx: EntityManager, actor: Actor, url: string, entry: Entry, known: WebhookEndpointDto[]): Promise<ServiceChange> {
    if ('url' in entry) throw new ValidationProblem([{ pointer: '#/url', detail: 'is no field here: the entry has its URL', code: 'unknown' }]);
    const own = known.filter((endpoint) => endpoint.url === hrefOf(url));
    const [before] = own;
    if (own.length > 1) throw new ValidationProblem([{ pointer: '#', detail: `is the URL of ${own.length} endpoints: delete all but one`, code: 'ambiguous' }]);
    const dto = checkBody(UpdateWebhookEndpointDto, entry);
    const caller = { principal: ALL, actor };
    if (before !== undefined) {
      const content = contentOf(before);
      const isSame = Object.entries(entry).every(([field, value]) => sameJson(content[field], value));
      const after = isSame ? before : await this.endpoints.updateIn(tx, caller, before.id, dto);
      return { kind: 'webhook', name: url, action: 'update', changes: jsonDiff(content, contentOf(after)) };
    }
    const { enabled, ...rest } = entry;
    const { secret, ...made } = await this.endpoints.createIn(tx, actor, null, checkBody(CreateWebhookEndpointDto, { ...rest, url, scope: 'all' }));
    const after = enabled === false ? await this.endpoints.updateIn(tx, caller, made.id, { enabled }) : made;
    return { kind: 'webhook', name: url, action: 'create', changes: jsonDiff({}, contentOf(after)), secret: secret ?? undefined };
  }
}

function contentOf({ events, ordered, enabled, description }: Pick<WebhookEndpointDto, 'events' | 'ordered' | 'enabled' | 'description'>): Entry {
  return { events, ordered, enabled, description };
}

/** As it is stored. */
function hrefOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href : url;
}
