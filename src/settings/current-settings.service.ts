import { Injectable, Logger } from '@nestjs/common';
import { Transactions } from '../database/transactions';
import { ChangesRepository } from './changes.repository';
import { isKey } from './setting-definitions';
import { type SettingReading, SettingWriter, UNKNOWN } from './setting-writer.service';
import { SystemSettingsRepository } from './system-settings.repository';

const RETRY_MS = 1_000;

/** What became of the changes that were due. */
export interface DueReport {
  /** Keys that have another version now, or a change that failed. */
  made: number;
  /** Milliseconds until there is more to make; null: nothing waits. */
  nextInMs: number | null;
}

/**
 * System settings as they are now, for who has no transaction open. Always true: what is due is made before it is read, in
 * a transaction of its own for each key.
 */
@Injectable()
export class CurrentSettings {
  private readonly logger = new Logger(CurrentSettings.name);

  constructor(
    private readonly repository: SystemSettingsRepository,
    private readonly changes: ChangesRepository,
    private readonly writer: SettingWriter,
    private readonly transactions: Transactions,
  ) {}

  async read(key: string): Promise<SettingReading> {
    if (!isKey(key)) return UNKNOWN;
    const { due, ...state } = await this.repository.state(null, key);
    return due ? this.transactions.run((tx) => this.writer.lockAndRead(tx, key)) : this.writer.readingOf(key, state);
  }

  /** Makes everything that is due. What cannot be made now is due again in a second. */
  async makeDue(): Promise<DueReport> {
    const { due, nextInMs } = await this.changes.agenda();
    let made = 0;
    for (const key of due) {
      await this.transactions
        .run((tx) => this.writer.lockAndRead(tx, key))
        .then(
          () => made++,
          (error: Error) => this.logger.error(`what is due for ${key} was not made, trying again: ${error.message}`),
        );
    }
    return { made, nextInMs: made < due.length ? Math.min(nextInMs ?? RETRY_MS, RETRY_MS) : nextInMs };
  }
}
