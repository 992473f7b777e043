import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CurrentSettings } from '../settings/current-settings.service';
import { SettingsService } from '../settings/settings.service';

/** Settings are read at least twice in this time: what comes due later is seen then. */
const HORIZON_MS = 60_000;
const RETRY_MS = 1_000;

/**
 * Puts changes in force at their instant. Always true: each replica looks for them whenever it has read the settings, before
 * it serves for the first time, and when the next one comes due: whichever is first makes it for all.
 */
@Injectable()
export class DueChangesJob implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(DueChangesJob.name);
  /** Goes off when the next change comes due. */
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly settings: SettingsService,
    private readonly current: CurrentSettings,
  ) {}

  async onModuleInit(): Promise<void> {
    this.settings.onChange(() => void this.run());
    await this.run();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    try {
      const { made, nextInMs } = await this.current.makeDue();
      this.readIn(nextInMs);
      if (made > 0) await this.settings.refresh();
    } catch (error) {
      if (!this.stopped) this.logger.warn(`changes that may be due were not looked for, trying again: ${(error as Error).message}`);
      this.readIn(RETRY_MS);
    }
  }

  /** Another replica may have made the change by then: so the settings are read, which brings the next look with it. */
  private readIn(ms: number | null): void {
    clearTimeout(this.timer);
    if (ms === null || ms >= HORIZON_MS || this.stopped) return;
    this.timer = setTimeout(() => void this.settings.refresh().catch(() => undefined), ms).unref();
  }
}
