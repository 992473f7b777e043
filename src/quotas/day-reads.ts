import { Injectable } from '@nestjs/common';
import { type QuotaState } from '../ledger/charge';
import { QuotasService } from './quotas.service';

/**
 * How a user's day stands, for refusals that were decided without it. However many of a user's calls are refused at once, one
 * read of theirs is under way, and a database that does not answer takes nothing from the refusal but the day.
 */
@Injectable()
export class DayReads {
  private readonly underWay = new Map<number, Promise<QuotaState | null>>();

  constructor(private readonly quotas: QuotasService) {}

  /** Null where it is not known. */
  of(userId: number): Promise<QuotaState | null> {
    const shared = this.underWay.get(userId);
    if (shared !== undefined) return shared;
    const read = this.quotas
      .get(userId)
      .then(
        ({ state }) => state,
        () => null,
      )
      .finally(() => this.underWay.delete(userId));
    this.underWay.set(userId, read);
    return read;
  }
}
