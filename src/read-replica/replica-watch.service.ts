import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ReplicaReads } from '../database/replica-reads';
import { Poller } from '../outbox/poller';
import { SettingsService } from '../settings/settings.service';
import { ReadReplicaSettings } from './read-replica.settings';

const BEAT_MS = 500;

/** Knows how far behind the replica is, in processes that listen: commands read from the primary. */
@Injectable()
export class ReplicaWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly looks: Poller;

  constructor(
    private readonly reads: ReplicaReads,
    private readonly server: HttpAdapterHost,
    settings: SettingsService,
  ) {
    reads.maxLagMs = () => settings.get(ReadReplicaSettings.maxStalenessSeconds) * 1_000;
    const look = async () => {
      await reads.replica?.look();
      return BEAT_MS;
    };
    this.looks = new Poller({ name: 'the look at the read replica', work: look, maxMs: BEAT_MS });
  }

  onApplicationBootstrap(): void {
    if (this.reads.replica !== null) this.server.listen$.subscribe(() => this.looks.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.looks.stop();
  }
}
