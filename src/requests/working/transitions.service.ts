import { Injectable, Logger } from '@nestjs/common';
import { type Actor } from '../../common/principal';
import { isUuid } from '../../common/uuid';
import { NotFoundProblem, ValidationProblem } from '../../http/problem';
import { type Outcome, type Transition } from '../../ledger/settlement.repository';
import { SettlementService } from '../../ledger/settlement.service';
import { RequestSignals } from '../following/request-signals';
import { RequestFinal, StaleAttempt } from '../requests.errors';

/** What becomes of a request once it is charged, and who is notified of it. */
@Injectable()
export class TransitionsService {
  private readonly logger = new Logger(TransitionsService.name);

  constructor(
    private readonly ledger: SettlementService,
    private readonly signals: RequestSignals,
  ) {}

  /** @param operator who does it to somebody else's request, as the audit log names them @throws NotFoundProblem, StaleAttempt, RequestFinal, ValidationProblem for units above the cost */
  async apply(transition: Transition, operator: Actor | null = null): Promise<Outcome> {
    if (!isUuid(transition.id)) throw new NotFoundProblem('request');
    const outcome = await this.settle(transition, operator);
    if (outcome.verdict === 'done') return outcome;
    if (outcome.verdict === 'unknown') throw new NotFoundProblem('request');
    if (outcome.verdict === 'over-cost') {
      throw new ValidationProblem([{ pointer: '#/units', detail: `is more than the ${outcome.cost} units reserved`, code: 'over-cost' }]);
    }
    const { currentStatus, currentAttempt } = outcome;
    const isOpen = currentStatus === 'pending' || currentStatus === 'processing';
    throw isOpen ? new StaleAttempt(currentStatus, currentAttempt) : new RequestFinal(currentStatus, currentAttempt);
  }

  /** Ends those of the requests that the clock has ended. @returns how many */
  async sweep(ids: readonly string[]): Promise<number> {
    const outcomes = await Promise.all(ids.map((id) => this.settle({ act: 'sweep', id })));
    return outcomes.filter(({ verdict }) => verdict === 'late').length;
  }

  /** The same for those who have others to look after: what cannot be ended is logged, and keeps nothing else from ending. */
  async sweepEach(ids: readonly string[]): Promise<number> {
    const ended = await Promise.all(
      ids.map((id) =>
        this.sweep([id]).catch((error: unknown) => {
          this.logger.warn({ err: error, requestId: id }, 'a request past its time could not be ended');
          return 0;
        }),
      ),
    );
    return ended.reduce((sum, count) => sum + count, 0);
  }

  private async settle(transition: Transition, operator: Actor | null = null): Promise<Outcome> {
    const outcome = await (operator === null ? this.ledger.settle(transition) : this.ledger.settleAudited(transition, operator));
    if ((outcome.verdict === 'done' || outcome.verdict === 'late') && transition.act !== 'heartbeat') this.signals.changed(transition.id);
    return outcome;
  }
}
