import { Injectable } from '@nestjs/common';
import { JobsService } from '../jobs/jobs.service';
import { SettingsService } from '../settings/settings.service';
import { StoredValuesRepository } from './stored-values.repository';

const FRESH_MS = 5_000;

/** Something in the database that does not count, because nobody can use it: `docs/stored-values.md` describes what counts in its place. */
export interface AdjustedValue {
  /** `users.time_zone`, or the key of a setting. */
  value: string;
  detail: string;
}

/** What is stored and does not count, for operators. Asked at most every five seconds, however often readiness is. */
@Injectable()
export class StoredValues {
  private zones: Promise<string[]> = Promise.resolve([]);
  private readAt = -Infinity;

  constructor(
    private readonly repository: StoredValuesRepository,
    private readonly settings: SettingsService,
    private readonly jobs: JobsService,
  ) {}

  /** Settings, and zones that users have. */
  async look(): Promise<AdjustedValue[]> {
    if (performance.now() - this.readAt > FRESH_MS) {
      this.readAt = performance.now();
      this.zones = this.repository.unknownZones();
    }
    const zones = (await this.zones).map((zone) => ({ value: 'users.time_zone', detail: `${JSON.stringify(zone)} is unknown to PostgreSQL` }));
    return [...zones, ...this.unusableSettings()];
  }

  /** The same with how many users are concerned, and the zones of running days. Reads every user. */
  async count(): Promise<AdjustedValue[]> {
    const zones = await this.repository.countUnknownZones();
    return [
      ...zones.map(({ column, zone, users }) => ({ value: `users.${column}`, detail: `${JSON.stringify(zone)} is unknown to PostgreSQL: ${users} users` })),
      ...this.unusableSettings(),
    ];
  }

  private unusableSettings(): AdjustedValue[] {
    const settings = [...this.settings.unusable].map((value) => ({ value, detail: 'the stored value breaks its schema: the default counts' }));
    const jobs = this.jobs.adjusted.map((name) => ({ value: `schedule of ${name}`, detail: 'what is stored cannot be used: a default runs' }));
    return [...settings, ...jobs];
  }
}
