import { Injectable } from '@nestjs/common';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { type Principal } from '../common/principal';
import { NotFoundProblem } from '../common/problem';
import { isUuid } from '../common/uuid';
import { type RequestDto } from './dto/request.dto';
import { ListRequestsQuery } from './dto/list-requests.dto';
import { RequestsRepository } from './requests.repository';

/** Reads the ledger. Users see their own requests; administrators and `service` keys see everybody's. */
@Injectable()
export class RequestsService {
  constructor(private readonly repository: RequestsRepository) {}

  /** Newest first. @throws NotFoundProblem for another user's id */
  async list(principal: Principal, query: ListRequestsQuery): Promise<Page<RequestDto>> {
    const { limit: _, cursor, ...chosen } = query;
    const own = ownOnly(principal);
    if (own !== null && chosen.userId !== undefined && chosen.userId !== own) throw new NotFoundProblem('user');
    const userId = chosen.userId ?? own;
    const filters = { ...chosen, userId };
    const size = pageSize(query);
    const rows = await this.repository.list(userId, query, cursorPosition(cursor, filters), size + 1);
    return toPage(
      rows,
      size,
      filters,
      (row) => row.id,
      (row) => row,
    );
  }

  /** @throws NotFoundProblem */
  async get(principal: Principal, id: string): Promise<RequestDto> {
    const request = isUuid(id) ? await this.repository.find(id, ownOnly(principal)) : null;
    if (request === null) throw new NotFoundProblem('request');
    return request;
  }
}

/** The only user whose requests the caller may see; null: everybody's. */
export function ownOnly(principal: Principal): number | null {
  return principal.isAdmin || principal.scopes.has('service') ? null : principal.userId;
}
