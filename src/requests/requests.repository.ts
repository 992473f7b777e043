import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type RequestDto } from './dto/request.dto';
import { type ListRequestsQuery } from './dto/list-requests.dto';
import { REQUEST } from './request-row';

@Injectable()
export class RequestsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** What a submit made, with whether it is a reservation. */
  async findSubmitted(id: string, userId: number): Promise<(RequestDto & { held: boolean }) | null> {
    const rows: (RequestDto & { held: boolean })[] = await this.dataSource.query(`SELECT ${REQUEST}, r.held FROM requests r WHERE id = $1 AND user_id = $2`, [
      id,
      userId,
    ]);
    return rows[0] ?? null;
  }

  /** The request, if it is that user's; null for `userId` means anybody's. */
  async find(id: string, userId: number | null): Promise<RequestDto | null> {
    const rows: RequestDto[] = await this.dataSource.query(`SELECT ${REQUEST} FROM requests r WHERE id = $1 AND ($2::integer IS NULL OR user_id = $2)`, [
      id,
      userId,
    ]);
    return rows[0] ?? null;
  }

  /**
   * Newest first. Ids begin with the database's time, so order, cursor and both bounds in time are ranges of one index:
   * every page costs the same.
   */
  async list(userId: number | null, query: ListRequestsQuery, before: string | null, count: number): Promise<RequestDto[]> {
    const { status = null, type = null, since, until } = query;
    const conditions = ['true'];
    const values: unknown[] = [];
    const add = (condition: string, value: unknown) => {
      if (value !== null) conditions.push(condition.replace('?', `$${values.push(value)}`));
    };
    add('user_id = ?', userId);
    add('id < ?::uuid', before);
    add('id >= ?::uuid', since === undefined ? null : firstIdOf(since));
    add('id < ?::uuid', until === undefined ? null : firstIdOf(until));
    add('status = ?', status);
    add('type = ?', type);
    return this.dataSource.query(`SELECT ${REQUEST} FROM requests r WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${count}`, values);
  }
}

/** The smallest id that the millisecond can have. */
function firstIdOf(instant: string): string {
  const hex = Math.max(0, Math.ceil(Date.parse(instant)))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
