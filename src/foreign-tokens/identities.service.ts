import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { UpdateUserService } from '../users/update-user.service';
import { UsersService } from '../users/users.service';
import { IdentitiesRepository } from './identities.repository';

/** What an issuer states of somebody. */
export interface Claimed {
  issuer: string;
  subject: string;
  /** The plan that they are to have; null: it states none. */
  tier: string | null;
}

/**
 * Finds the user of somebody at an identity provider. Always true: they are found by issuer and subject, linked first by the `externalId`
 * that an administrator prepared, never by an address; one is made at most once; the plan follows the issuer when it asks for another
 * one, not after each change by an operator.
 */
@Injectable()
export class IdentitiesService {
  constructor(
    private readonly repository: IdentitiesRepository,
    private readonly users: UsersService,
    private readonly updates: UpdateUserService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** Null: there is no such user, and none is to be made. */
  async userOf(claimed: Claimed, createUsers: boolean): Promise<number | null> {
    const { issuer, subject, tier } = claimed;
    const known = await this.repository.find(issuer, subject);
    if (known === null) return this.introduce(claimed, createUsers);
    if (tier !== null && tier !== known.tier) await this.followTier(claimed, tier, known.userId);
    return known.userId;
  }

  private async introduce(claimed: Claimed, createUsers: boolean): Promise<number | null> {
    const { issuer, subject, tier } = claimed;
    const userId = await this.transactions.run(async (tx) => {
      await this.repository.lock(tx, subject);
      const known = await this.repository.find(issuer, subject, tx);
      if (known !== null) return known.userId;
      const actor = actorFor(issuer);
      const prepared = await this.repository.prepared(tx, subject);
      if (prepared === null && !createUsers) return null;
      const id = prepared ?? (await this.users.createForIdentity(tx, actor, subject));
      await this.repository.add(tx, issuer, subject, id);
      await this.audit.record(tx, actor, { action: 'user.identity', target: ['user', id], after: { issuer, subject } });
      return id;
    });
    if (userId !== null && tier !== null) await this.followTier(claimed, tier, userId);
    return userId;
  }

  private async followTier({ issuer, subject }: Claimed, tier: string, userId: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      if (await this.repository.noteTier(tx, issuer, subject, tier)) await this.updates.changeTier(tx, actorFor(issuer), userId, tier);
    });
  }
}

function actorFor(issuer: string): Actor {
  return { kind: 'system', id: null, requestId: null, reason: `by a token of ${issuer}`.slice(0, 500) };
}
