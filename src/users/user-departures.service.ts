import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { NotFoundProblem } from '../http/problem';
import { SettingsService } from '../settings/settings.service';
import { UserDto } from './dto/user.dto';
import { UserDeparturesRepository } from './user-departures.repository';
import { NotDeparting } from './users.errors';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';
import { UserSettings } from './users.settings';

const SYSTEM: Actor = { kind: 'system', id: null, requestId: null, reason: 'its time to be restored is over' };

/**
 * The time between the deletion of an account and its removal, by the setting `users.restoreDays`. Always true: in that time the
 * account is suspended and whole, and of a restoring and a removal at once one happens, by the lock on the account's row.
 */
@Injectable()
export class UserDeparturesService {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: UsersRepository,
    private readonly repository: UserDeparturesRepository,
    private readonly settings: SettingsService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Deletes the account: at once where nothing is kept, or where it was deleted before; else it is suspended until its time is over.
   * @throws NotFoundProblem, LastAdmin, Problem 412 when `ifMatch` is stale
   */
  async delete(actor: Actor, id: number, ifMatch?: string): Promise<void> {
    const days = this.settings.get(UserSettings.restoreDays);
    if (days === 0 || !(await this.transactions.run((tx) => this.depart(tx, actor, id, days, ifMatch)))) await this.users.delete(actor, id, ifMatch);
  }

  /** @throws NotFoundProblem, NotDeparting */
  restore(actor: Actor, id: number): Promise<UserDto> {
    return this.transactions.run(async (tx) => {
      await this.accounts.lockForRemoval(tx, id);
      const before = await this.users.get(id, tx);
      if (!(await this.repository.restore(tx, id))) throw new NotDeparting();
      return this.record(tx, actor, before);
    });
  }

  /** Removes those whose time is over. One that cannot go does not keep the others. @returns how many went */
  async removeDue(stop: AbortSignal): Promise<number> {
    let removed = 0;
    let failure: unknown = null;
    for (const id of await this.repository.due()) {
      if (stop.aborted) break;
      try {
        await this.users.delete(SYSTEM, id, undefined, (tx) => this.repository.isOver(tx, id));
        removed++;
      } catch (error) {
        // Restored, or removed by another replica, since the list was read.
        if (!(error instanceof NotFoundProblem)) failure = error;
      }
    }
    if (failure !== null) throw failure as Error;
    return removed;
  }

  private async depart(tx: EntityManager, actor: Actor, id: number, days: number, ifMatch?: string): Promise<boolean> {
    await this.accounts.lockForRemoval(tx, id);
    const before = await this.users.get(id, tx);
    assertMatch(ifMatch, etagOf(before));
    if (before.role === 'admin') await this.users.assertAnotherAdmin(tx, id);
    if (!(await this.repository.begin(tx, id, days))) return false;
    await this.record(tx, actor, before);
    return true;
  }

  private async record(tx: EntityManager, actor: Actor, before: UserDto): Promise<UserDto> {
    const after = await this.users.get(before.id, tx);
    await this.users.recordUpdate(tx, actor, { ...before, nextTier: null }, { ...after, nextTier: null });
    return after;
  }
}
