import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Actor } from '../common/principal';
import { SettingsApplyService } from '../configurations/settings-apply.service';
import { SystemConfigurationsService } from '../configurations/system-configurations.service';
import { Transactions } from '../database/transactions';
import { DefaultTierService } from '../tiers/default-tier.service';
import { TierCopiesService } from '../tiers/tier-copies.service';
import { type ApplyOptions, type ServiceChange } from './change';
import { DeclaredTiers } from './declared-tiers.service';
import { DeclaredWebhooks } from './declared-webhooks.service';
import { Refusals } from './refusals';
import { type ServiceDocument } from './service-document';

/**
 * Makes plans, settings and webhook endpoints what a document holds. Always true: all of it or nothing, in one transaction; a
 * second time changes nothing; a dry run does the same work and takes it back, so what it shows is what would happen.
 */
@Injectable()
export class ApplyService {
  constructor(
    private readonly tiers: DeclaredTiers,
    private readonly settings: SettingsApplyService,
    private readonly webhooks: DeclaredWebhooks,
    private readonly configurations: SystemConfigurationsService,
    private readonly defaults: DefaultTierService,
    private readonly copies: TierCopiesService,
    private readonly transactions: Transactions,
  ) {}

  /** What `apply` would change now. @throws ValidationProblem naming everything that is wrong, by place */
  plan(actor: Actor, document: ServiceDocument, options: ApplyOptions): Promise<ServiceChange[]> {
    return this.transactions.tryOut((tx) => this.applyIn(tx, actor, document, options));
  }

  /** @param check may refuse what was made, all of which is taken back then. @throws ValidationProblem */
  async apply(actor: Actor, document: ServiceDocument, options: ApplyOptions, check: (changes: ServiceChange[]) => void): Promise<ServiceChange[]> {
    const changes = await this.configurations.inForce(async (tx) => {
      const made = await this.applyIn(tx, actor, document, options);
      check(made);
      return made;
    });
    if (changes.some(({ kind }) => kind === 'tier')) await this.copies.begin();
    return changes;
  }

  private async applyIn(tx: EntityManager, actor: Actor, { tiers, settings, webhooks }: ServiceDocument, options: ApplyOptions): Promise<ServiceChange[]> {
    // Others who apply a document wait here, and find made what this makes.
    await this.defaults.hold(tx);
    const changes: ServiceChange[] = [];
    const refusals = new Refusals();
    // Plans first: settings may name them.
    if (tiers !== null) await refusals.gather('#', async () => changes.push(...(await this.tiers.apply(tx, actor, tiers, options))));
    if (settings !== null) {
      await refusals.gather('#', async () => {
        for (const { key, ...change } of await this.settings.applyIn(tx, actor, settings, options)) changes.push({ kind: 'setting', name: key, ...change });
      });
    }
    if (webhooks !== null) await refusals.gather('#', async () => changes.push(...(await this.webhooks.apply(tx, actor, webhooks, options))));
    refusals.end();
    return changes;
  }
}
