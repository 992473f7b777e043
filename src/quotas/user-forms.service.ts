import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { NotFoundProblem } from '../http/problem';
import { type Overage } from '../ledger/entities/user-quota-forms.entity';
import { UserFormsRepository } from './user-forms.repository';

/** What holds for one user in place of what their plan has beside the daily quota. In force with the answer; each change is in the audit log. */
@Injectable()
export class UserFormsService {
  constructor(
    private readonly repository: UserFormsRepository,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @param overage null: the plan's again @throws NotFoundProblem */
  async setOverage(actor: Actor, userId: number, overage: Overage | null): Promise<void> {
    await this.transactions.run(async (tx) => {
      if (!(await this.repository.lockUser(tx, userId))) throw new NotFoundProblem('user');
      const before = await this.repository.overage(tx, userId);
      if (before === null && overage === null) return;
      await this.repository.setOverage(tx, userId, overage);
      const action = overage === null ? 'quota.overage-end' : 'quota.overage';
      await this.audit.record(tx, actor, { action, target: ['user', userId], before, after: overage });
    });
  }

  /** Tries the quota out, or enforces it whatever the plan does. @param shadow null: as the plan has it @throws NotFoundProblem */
  async setShadow(actor: Actor, userId: number, shadow: boolean | null): Promise<void> {
    await this.transactions.run(async (tx) => {
      if (!(await this.repository.lockUser(tx, userId))) throw new NotFoundProblem('user');
      const before = await this.repository.shadow(tx, userId);
      if (before === shadow) return;
      await this.repository.setShadow(tx, userId, shadow);
      const action = shadow === null ? 'quota.shadow-end' : 'quota.shadow';
      await this.audit.record(tx, actor, { action, target: ['user', userId], before: { shadow: before }, after: { shadow } });
    });
  }
}
