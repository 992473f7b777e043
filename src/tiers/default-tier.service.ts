import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { type Actor } from '../common/principal';
import { CurrentSettings } from '../settings/current-settings.service';
import { SettingWriter } from '../settings/setting-writer.service';
import { Tier } from './entities/tier.entity';
import { TierInUse } from './tiers.errors';
import { TiersRepository } from './tiers.repository';
import { TierSettings } from './tiers.settings';

const { key: KEY, default: DEFAULT } = TierSettings.defaultTier;

/**
 * The tier that new users get. Always true, but for what plain SQL does: it is offered; and whatever was done, new users get one
 * while any tier is left. Whoever changes a tier's name or offer holds the setting first and the tier then.
 */
@Injectable()
export class DefaultTierService implements OnModuleInit {
  constructor(
    private readonly repository: TiersRepository,
    private readonly current: CurrentSettings,
    private readonly writer: SettingWriter,
    private readonly dataSource: DataSource,
  ) {}

  onModuleInit(): void {
    this.writer.holdTo(KEY, async (tx, value) => ((await this.isOffered(tx, value as string)) ? null : 'is not a tier that is offered'));
  }

  /** The tier, held so that its quota cannot change before the transaction ends; null: there is no tier at all. */
  async find(tx: EntityManager): Promise<Tier | null> {
    const name = await this.repository.tierOfNewUsers(tx, KEY, DEFAULT);
    return name === null ? null : tx.findOne(Tier, { where: { name }, lock: { mode: 'pessimistic_read' } });
  }

  /** What is wrong with the setting as it is stored; null: nothing. */
  async problem(): Promise<string | null> {
    const { manager } = this.dataSource;
    const { row } = (await this.current.read(KEY)).state;
    const name = row === null ? DEFAULT : row.value;
    if (typeof name === 'string' && (await this.isOffered(manager, name))) return null;
    const instead = await this.repository.tierOfNewUsers(manager, KEY, DEFAULT);
    return `users.defaultTier names ${JSON.stringify(name)}, which is not offered: new users get ${instead === null ? 'none' : JSON.stringify(instead)}`;
  }

  /** Holds the setting to the end of the transaction. @returns the name that it has */
  async hold(tx: EntityManager): Promise<unknown> {
    const { row } = (await this.writer.lockAndRead(tx, KEY)).state;
    return row === null ? DEFAULT : row.value;
  }

  /** @throws TierInUse when new users get this tier */
  async assertNotDefault(tx: EntityManager, name: string): Promise<void> {
    if ((await this.hold(tx)) === name) throw new TierInUse('New users get this tier: change the setting users.defaultTier first.');
  }

  /** The setting follows a tier that is renamed. */
  async rename(tx: EntityManager, actor: Actor, before: string, after: string): Promise<void> {
    if ((await this.hold(tx)) !== before) return;
    await this.writer.write(tx, actor, KEY, { value: after, reason: `the tier ${before} was renamed` });
  }

  private isOffered(tx: EntityManager, name: string): Promise<boolean> {
    return tx.existsBy(Tier, { name, archived: false, aliasOf: IsNull() });
  }
}
