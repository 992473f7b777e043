import { Injectable } from '@nestjs/common';
import { isUuid } from '../common/uuid';
import { SharedReads } from '../database/shared-reads';
import { NotFoundProblem } from '../http/problem';
import { attemptsOf } from './attempts-of';
import { eventLog, type StatusEvent } from './following/event-log';
import { HistoriesRepository, type HistoryRow } from './histories.repository';
import { TransitionsService } from './working/transitions.service';

const MAX_READ_TOGETHER = 500;

/** Sends requests' changes to those who follow them. However many follow, their looks go together in few statements. */
@Injectable()
export class HistoriesService {
  private readonly reads = new SharedReads<string, HistoryRow>((ids) => this.readAll(ids), MAX_READ_TOGETHER);

  constructor(
    private readonly repository: HistoriesRepository,
    private readonly transitions: TransitionsService,
  ) {}

  /**
   * Every status that the request has had, the first one first.
   * @param userId whose request it must be; null: anybody's
   * @throws NotFoundProblem
   */
  async events(id: string, userId: number | null): Promise<StatusEvent[]> {
    const row = await this.read(id);
    if (row === undefined || (userId !== null && row.userId !== userId)) throw new NotFoundProblem('request');
    const before = row.attempts.map(([attempt, outcome, startedAt, endedAt]) => {
      return { attempt, outcome, error: null, startedAt: new Date(startedAt), endedAt: endedAt === null ? null : new Date(endedAt) };
    });
    return eventLog({ ...row, attempts: attemptsOf({ ...row, error: null }, before) });
  }

  private async read(id: string): Promise<HistoryRow | undefined> {
    if (!isUuid(id)) return undefined;
    const name = id.toLowerCase();
    const row = await this.reads.get(name);
    // Not within the shared look: ending one user's request must not hold up the looks of others.
    if (!row?.overdue) return row;
    await this.transitions.sweep([name]);
    return this.reads.get(name);
  }

  private async readAll(ids: string[]): Promise<Map<string, HistoryRow>> {
    return new Map((await this.repository.read(ids)).map((row) => [row.id, row]));
  }
}
