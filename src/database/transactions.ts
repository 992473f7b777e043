import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isConflict, isConnectionLost } from '../common/database-errors';
import { retried } from './retry';

/** Ends a transaction that was to try things only. */
class TakenBack extends Error {}

/** Where transactions of several statements begin. A spec holds every service to it. */
@Injectable()
export class Transactions {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs the work in a transaction, and again when the database rolled it back for another's sake or the connection was
   * lost before the commit was sent. A failure at the commit itself is retried only when the server reported that it is undone.
   *
   * @param work may run several times: nothing but what it writes to the database may be left of it
   */
  async run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    let committing = false;
    return retried(
      () => {
        committing = false;
        return this.dataSource.transaction(async (tx) => {
          const answer = await work(tx);
          committing = true;
          return answer;
        });
      },
      (error) => isConflict(error) || (!committing && isConnectionLost(error)),
    );
  }

  /** Runs the work, takes back all that it did to the database, and returns its answer. */
  async tryOut<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    let answer: T | undefined;
    const trial = this.run(async (tx) => {
      answer = await work(tx);
      throw new TakenBack();
    });
    await trial.catch((error: unknown) => {
      if (!(error instanceof TakenBack)) throw error;
    });
    return answer as T;
  }
}
