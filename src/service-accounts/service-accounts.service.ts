import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { violatedConstraint } from '../common/database-errors';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { UpdateUserService } from '../users/update-user.service';
import { UsersService } from '../users/users.service';
import { CreateServiceAccountDto } from './dto/create-service-account.dto';
import { type ServiceAccountDto } from './dto/service-account.dto';
import { UpdateServiceAccountDto } from './dto/update-service-account.dto';
import { ServiceAccount } from './entities/service-account.entity';
import { ServiceAccountNameTaken } from './service-accounts.errors';
import { ServiceAccountsRepository } from './service-accounts.repository';

/**
 * Accounts of programs. Always true: nobody logs in to one, and no person's leaving, suspension or demotion does anything to it or its
 * keys, because it hangs on nobody.
 */
@Injectable()
export class ServiceAccountsService {
  constructor(
    private readonly repository: ServiceAccountsRepository,
    private readonly users: UsersService,
    private readonly updates: UpdateUserService,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly transactions: Transactions,
  ) {}

  /** By id. */
  async list(query: ListQuery): Promise<Page<ServiceAccountDto>> {
    const filters = { list: 'service-accounts' };
    const size = pageSize(query);
    const rows = await this.repository.list(Number(cursorPosition(query.cursor, filters) ?? 0), size + 1);
    return toPage(
      rows,
      size,
      filters,
      ({ id }) => String(id),
      (account) => account,
    );
  }

  /** @throws NotFoundProblem */
  async get(id: number, tx?: EntityManager): Promise<ServiceAccountDto> {
    const account = await this.repository.find(id, tx);
    if (account === null) throw new NotFoundProblem('service account');
    return account;
  }

  /** @throws ServiceAccountNameTaken */
  create(actor: Actor, { name, role = 'user' }: CreateServiceAccountDto, call: IdempotentCall | null = null): Promise<ServiceAccountDto> {
    return this.idempotency.transaction(call, async (tx) => {
      const id = await this.users.createForService(tx, actor, role);
      await tx.insert(ServiceAccount, { userId: id, name }).catch(nameTaken);
      const account = await this.get(id, tx);
      await this.audit.record(tx, actor, { action: 'service-account.create', target: ['service-account', id], after: account });
      return account;
    });
  }

  /** @throws NotFoundProblem, ServiceAccountNameTaken, Problem 412 when `ifMatch` is stale */
  update(actor: Actor, id: number, { name, disabled }: UpdateServiceAccountDto, ifMatch?: string): Promise<ServiceAccountDto> {
    return this.transactions.run(async (tx) => {
      await this.repository.lock(tx, id);
      const before = await this.get(id, tx);
      assertMatch(ifMatch, etagOf(before));
      if (name !== undefined && name !== before.name) await tx.update(ServiceAccount, { userId: id }, { name }).catch(nameTaken);
      if (disabled !== undefined && disabled !== before.disabled) await this.updates.changeStatus(tx, actor, id, disabled ? 'suspended' : 'active');
      const after = await this.get(id, tx);
      if (etagOf(before) !== etagOf(after))
        await this.audit.record(tx, actor, { action: 'service-account.update', target: ['service-account', id], before, after });
      return after;
    });
  }
}

function nameTaken(error: unknown): never {
  throw violatedConstraint(error) === 'service_accounts_name_key' ? new ServiceAccountNameTaken() : error;
}
