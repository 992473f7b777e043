import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Connections } from '../database/connections';
import { Notifications } from '../database/notifications';
import { Transactions } from '../database/transactions';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type SetTestClockDto } from './dto/set-test-clock.dto';
import { type TestClockDto } from './dto/test-clock.dto';
import { TestClockRepository } from './test-clock.repository';

const EARLIEST = Date.UTC(2000);
const END = Date.UTC(2100);

/** The clock of a database that exists for tests. Always true: nothing of it is there in a service that was not started with one. */
@Injectable()
export class TestClockService {
  constructor(
    private readonly repository: TestClockRepository,
    private readonly connections: Connections,
    private readonly notifications: Notifications,
    private readonly transactions: Transactions,
    private readonly audit: AuditService,
  ) {}

  /** @throws NotFoundProblem without a test clock */
  async read(): Promise<TestClockDto> {
    this.assertThere();
    return this.repository.read();
  }

  /**
   * Sets it for every replica; what is begun after the answer goes by it.
   *
   * @throws NotFoundProblem without a test clock
   * @throws ValidationProblem unless exactly one of the two is given, and the clock then shows a year of 2000 to 2099
   */
  async set(actor: Actor, { now, advance }: SetTestClockDto): Promise<TestClockDto> {
    this.assertThere();
    if ((now == null) === (advance == null)) throw wrong('now', 'is needed, or else `advance`: exactly one of the two', 'either-or');
    const set = await this.transactions.run(async (tx) => {
      await this.repository.lock(tx);
      const before = await this.repository.read(tx);
      const next = now == null ? before.now.getTime() + (advance ?? 0) * 1_000 : Date.parse(now);
      if (next < EARLIEST || next >= END) throw wrong(now == null ? 'advance' : 'now', 'the clock shows the years 2000 to 2099', 'out-of-range');
      await this.repository.set(tx, new Date(next));
      const after = await this.repository.read(tx);
      await this.audit.record(tx, actor, { action: 'test-clock.set', target: ['test-clock', 'now'], before: { now: before.now }, after: { now: after.now } });
      return after;
    });
    // What was notified before this comes back has arrived here as well.
    await this.notifications.prove(0);
    return set;
  }

  private assertThere(): void {
    if (!this.connections.testClock) throw new NotFoundProblem('test clock');
  }
}

function wrong(field: string, detail: string, code: string): ValidationProblem {
  return new ValidationProblem([{ pointer: `#/${field}`, detail, code }]);
}
