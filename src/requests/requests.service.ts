import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Principal } from '../common/principal';
import { isUuid } from '../common/uuid';
import { cursorAt, cursorPosition, pageSize } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { attemptsOf } from './attempts-of';
import { ListRequestsQuery } from './dto/list-requests.dto';
import { type RequestDetailDto } from './dto/request-detail.dto';
import { type RequestDto } from './dto/request.dto';
import { type PagePosition, RequestListsRepository } from './request-lists.repository';
import { RequestsRepository, type RequestRow } from './requests.repository';
import { TransitionsService } from './working/transitions.service';

/**
 * Reads the ledger. Users see their own requests; administrators and `service` keys see everybody's. What the clock has
 * ended is ended before it is shown, so nobody reads of a request that waits past its deadline.
 */
@Injectable()
export class RequestsService {
  constructor(
    private readonly repository: RequestsRepository,
    private readonly lists: RequestListsRepository,
    private readonly transitions: TransitionsService,
  ) {}

  /**
   * A page (`RequestPage`) as JSON, newest first; a cursor leads to either side of the page that it came with.
   * @param reader where it is read; default: the primary
   * @throws NotFoundProblem for another user's id; ValidationProblem for a time that ends before it begins; EndedMeanwhile, of a replica
   */
  async list(principal: Principal, query: ListRequestsQuery, reader?: EntityManager): Promise<string> {
    assertSensible(query);
    const { limit: _limit, cursor, ...chosen } = query;
    const own = ownOnly(principal);
    if (own !== null && chosen.userId !== undefined && chosen.userId !== own) throw new NotFoundProblem('user');
    const userId = chosen.userId ?? own;
    const filters = { list: 'requests', ...chosen, userId };
    const size = pageSize(query);
    const from = toPosition(cursorPosition(cursor, filters));
    const read = () => this.lists.list(userId, query, from, size + 1, reader);
    let rows = await read();
    const overdue = rows.filter((row) => row.overdue).map(({ id }) => id);
    if (overdue.length > 0) {
      if (reader) throw new EndedMeanwhile();
      // Whether by this sweep or by one that came before it: they have ended.
      await this.transitions.sweep(overdue);
      rows = await read();
    }
    const page = rows.slice(0, size).filter(({ json }) => json !== null);
    const more = rows.length > page.length;
    if (from?.newer) page.reverse();
    const [first, last] = [page.at(0), page.at(-1)];
    // A page that is not full may have come to the end of what one look is for.
    const looked = more ? null : await this.lists.lastLookedAt(userId, query, from, reader);
    const older = last && (more || from?.newer) ? last.id : looked;
    const newer = from?.newer ? (more ? first?.id : looked) : from !== null ? (first?.id ?? looked) : null;
    const nextCursor = older ? cursorAt(`<${older}`, filters) : null;
    const previousCursor = newer ? cursorAt(`>${newer}`, filters) : null;
    return `{"items":[${page.map(({ json }) => json).join()}],"nextCursor":${JSON.stringify(nextCursor)},"previousCursor":${JSON.stringify(previousCursor)}}`;
  }

  /** The request with its attempts. @throws NotFoundProblem */
  async get(principal: Principal, id: string): Promise<RequestDetailDto> {
    const row = await this.read(id, ownOnly(principal));
    const before = row.attempt > 0 ? await this.repository.attempts(id) : [];
    return { ...toDto(row), attempts: attemptsOf(row, before) };
  }

  /** @throws NotFoundProblem */
  async find(id: string, userId: number | null): Promise<RequestDto> {
    return toDto(await this.read(id, userId));
  }

  private async read(id: string, userId: number | null): Promise<RequestRow> {
    let row = isUuid(id) ? await this.repository.find(id, userId) : null;
    if (row?.overdue) {
      await this.transitions.sweep([id]);
      row = await this.repository.find(id, userId);
    }
    if (row === null) throw new NotFoundProblem('request');
    return row;
  }
}

/** What the clock has ended is ended on the primary: a replica cannot show it so. */
class EndedMeanwhile extends Error {}

/** The only user whose requests the caller may see; null: everybody's. */
export function ownOnly(principal: Principal): number | null {
  return principal.isAdmin || principal.scopes.has('service') ? null : principal.userId;
}

/** A list of no time at all would be empty, which does not show the mistake; nor would one of a value of nothing. */
function assertSensible({ since, until, payloadKey, payloadValue }: ListRequestsQuery): void {
  if (payloadValue !== undefined && payloadKey === undefined) {
    throw new ValidationProblem([{ pointer: '#/query/payloadKey', detail: 'must be given with `payloadValue`', code: 'missing' }]);
  }
  if (since === undefined || until === undefined || Date.parse(since) <= Date.parse(until)) return;
  throw new ValidationProblem([{ pointer: '#/query/since', detail: 'is after `until`', code: 'out-of-order' }]);
}

function toPosition(text: string | null): PagePosition | null {
  return text === null ? null : { newer: text.startsWith('>'), id: text.slice(1) };
}

function toDto({ held: _held, overdue: _overdue, ...dto }: RequestRow): RequestDto {
  return dto;
}
