import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Principal } from '../common/principal';
import { cursorAt, cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem } from '../http/problem';
import { EventLogRepository } from '../outbox/event-log.repository';
import { EventDto } from './dto/event.dto';
import { type ListEventsQuery } from './dto/list-events.dto';

/**
 * Reads events. Users see their own, administrators everybody's. Always true: an event that appears does so at the newer end, so whoever
 * reads until the last one that they know has missed none.
 */
@Injectable()
export class EventsService {
  constructor(private readonly log: EventLogRepository) {}

  /** Newest first. @throws NotFoundProblem for the id of another user */
  async list(principal: Principal, query: ListEventsQuery, from?: EntityManager): Promise<Page<EventDto>> {
    const { limit: _, cursor, ...asked } = query;
    if (!principal.isAdmin && asked.userId !== undefined && asked.userId !== principal.userId) throw new NotFoundProblem('user');
    const filter = principal.isAdmin ? asked : { ...asked, userId: principal.userId };
    const chosen = { list: 'events', ...filter };
    const before = cursorPosition(cursor, chosen);
    const size = pageSize(query);
    const rows = await this.log.list(filter, before, size + 1, from);
    const page = toPage(rows, size, chosen, ({ position }) => position, EventDto.of);
    if (page.nextCursor !== null) return page;
    const last = await this.log.lastLookedAt(filter, before, from);
    return last === null ? page : { ...page, nextCursor: cursorAt(last, chosen) };
  }
}
