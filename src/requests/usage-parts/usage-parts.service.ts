import { Injectable } from '@nestjs/common';
import { NotFoundProblem, ValidationProblem } from '../../http/problem';
import { type UsagePartsDto } from '../dto/usage-parts.dto';
import { UsagePartsRepository } from './usage-parts.repository';

const DAY_MS = 86_400_000;

/** What a user's units were used for, from the requests that are still stored. */
@Injectable()
export class UsagePartsService {
  constructor(private readonly repository: UsagePartsRepository) {}

  /** @throws NotFoundProblem; ValidationProblem for a day that no calendar has */
  async read(userId: number, from: string): Promise<UsagePartsDto> {
    if (!isDay(from)) throw new ValidationProblem([{ pointer: '#/query/from', detail: 'is no day of the calendar', code: 'invalid' }]);
    const parts = await this.repository.read(userId, from);
    if (parts === null) throw new NotFoundProblem('user');
    const { items, keys, isWhole, oldest } = parts;
    // Of the oldest day that was looked at there may be more.
    return { items, keys, completeFrom: isWhole || oldest === null ? null : dayAfter(oldest) };
  }
}

function isDay(date: string): boolean {
  const at = Date.parse(date);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

const dayAfter = (date: string) => new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
