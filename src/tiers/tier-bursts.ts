import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, Repository } from 'typeorm';
import { KeptFresh } from '../database/kept-fresh';
import { Notifications } from '../database/notifications';
import { Tier } from './entities/tier.entity';

/** The burst limits of the tiers that have one, in memory; re-read when a tier changes. */
@Injectable()
export class TierBursts implements OnModuleInit, OnModuleDestroy {
  private readonly limits: KeptFresh<ReadonlyMap<string, number>>;

  constructor(@InjectRepository(Tier) tiers: Repository<Tier>, notifications: Notifications) {
    this.limits = new KeptFresh(notifications, {
      name: 'burst limits',
      channel: 'tiers',
      initial: new Map(),
      read: async () => {
        const rows = await tiers.findBy({ burstPerMinute: Not(IsNull()), aliasOf: IsNull() });
        return new Map(rows.map((tier) => [tier.name, tier.burstPerMinute as number]));
      },
    });
  }

  async onModuleInit(): Promise<void> {
    await this.limits.start();
  }

  onModuleDestroy(): void {
    this.limits.stop();
  }

  get none(): boolean {
    return this.limits.value.size === 0;
  }

  /** Requests a minute; null: no limit, or a tier that is not known. */
  of(tier: string | undefined): number | null {
    return (tier === undefined ? undefined : this.limits.value.get(tier)) ?? null;
  }
}
