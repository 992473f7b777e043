import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, Repository } from 'typeorm';
import { Notifications } from '../database/notifications';
import { Tier } from './entities/tier.entity';

/** The burst limits of the tiers that have one, in memory; re-read when a tier changes. */
@Injectable()
export class TierBursts implements OnModuleInit {
  private limits: ReadonlyMap<string, number> = new Map();

  constructor(
    @InjectRepository(Tier) private readonly tiers: Repository<Tier>,
    private readonly notifications: Notifications,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.onGap(() => this.read());
    await this.notifications.on('tiers', () => void this.read().catch(() => undefined));
    await this.read();
  }

  get none(): boolean {
    return this.limits.size === 0;
  }

  /** Requests a minute; null: no limit, or a tier that is not known. */
  of(tier: string | undefined): number | null {
    return (tier === undefined ? undefined : this.limits.get(tier)) ?? null;
  }

  private async read(): Promise<void> {
    const rows = await this.tiers.findBy({ burstPerMinute: Not(IsNull()) });
    this.limits = new Map(rows.map((tier) => [tier.name, tier.burstPerMinute as number]));
  }
}
