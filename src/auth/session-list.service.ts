import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { type Actor, type Principal } from '../common/principal';
import { Transactions } from '../database/transactions';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, pageSize, toPage } from '../http/page';
import { NotFoundProblem } from '../http/problem';
import { UsersService } from '../users/users.service';
import { type SessionPage } from './dto/session.dto';
import { SessionsRepository } from './sessions.repository';

/** Sessions as their owner sees them. Always true: one that was ended here is over everywhere within a second, by the notification of its row's end. */
@Injectable()
export class SessionListService {
  constructor(
    private readonly repository: SessionsRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @throws NotFoundProblem */
  async list(principal: Principal, userId: number, query: ListQuery): Promise<SessionPage> {
    const filters = { list: 'sessions', userId };
    const size = pageSize(query);
    const rows = await this.repository.list(userId, cursorPosition(query.cursor, filters), size + 1);
    await this.users.get(userId);
    return toPage(
      rows,
      size,
      filters,
      ({ id }) => id,
      (row) => ({ ...row, current: row.id === principal.sessionId }),
    );
  }

  /** @throws NotFoundProblem for a session that is over, or somebody else's */
  async end(actor: Actor, userId: number, sessionId: string): Promise<void> {
    if (!/^[1-9]\d{0,17}$/.test(sessionId)) throw new NotFoundProblem('session');
    await this.transactions.run(async (tx) => {
      if (!(await this.repository.endOne(tx, userId, sessionId))) throw new NotFoundProblem('session');
      await this.audit.record(tx, actor, { action: 'session.end', target: ['session', sessionId], before: { userId } });
    });
  }

  /** @param kept the session that goes on; null: none does. @throws NotFoundProblem */
  async endAll(actor: Actor, userId: number, kept: string | null): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.users.get(userId, tx);
      await this.repository.endAll(tx, userId, kept);
      await this.audit.record(tx, actor, { action: 'user.end-sessions', target: ['user', userId] });
    });
  }
}
