import { Injectable } from '@nestjs/common';
import { NotFoundProblem, ValidationProblem } from '../common/problem';
import { isUuid } from '../common/uuid';
import { SettingsService } from '../configurations/settings.service';
import { QuotaSettings } from '../quotas/quota.settings';
import { EndingsRepository, type EndingRules, type Ruling, type Word } from './endings.repository';
import { RequestSignals } from './request-signals';
import { RequestFinal, StaleAttempt } from './requests.errors';
import { RequestSettings } from './requests.settings';
import { WordQueue } from './word-queue';

/**
 * What becomes of a request once it is charged. Always true: the first word that ends it stands and final states never
 * change; its units are settled in the statement that ends it, to the period that paid them, each at most once.
 */
@Injectable()
export class EndingsService {
  private readonly plain = new WordQueue((words) => this.repository.rule(words, this.rules(), false));
  private readonly refunding = new WordQueue((words) => this.repository.rule(words, this.rules(), true));

  constructor(
    private readonly repository: EndingsRepository,
    private readonly settings: SettingsService,
    private readonly signals: RequestSignals,
  ) {}

  /** @throws NotFoundProblem, StaleAttempt, RequestFinal, ValidationProblem for units above the cost */
  async say(word: Word): Promise<Ruling> {
    if (!isUuid(word.id)) throw new NotFoundProblem('request');
    const ruling = await this.hear(word);
    if (ruling.outcome === 'done') return ruling;
    if (ruling.outcome === 'unknown') throw new NotFoundProblem('request');
    if (ruling.outcome === 'over-cost') {
      throw new ValidationProblem([{ pointer: '#/units', detail: `is more than the ${ruling.cost} units reserved`, code: 'over-cost' }]);
    }
    const { currentStatus, currentAttempt } = ruling;
    const isOpen = currentStatus === 'pending' || currentStatus === 'processing';
    throw isOpen ? new StaleAttempt(currentStatus, currentAttempt) : new RequestFinal(currentStatus, currentAttempt);
  }

  /** Ends those of the requests that the clock has ended. @returns how many */
  async sweep(ids: readonly string[]): Promise<number> {
    const rulings = await Promise.all(ids.map((id) => this.hear({ act: 'sweep', id })));
    return rulings.filter(({ outcome }) => outcome === 'late').length;
  }

  private async hear(word: Word): Promise<Ruling> {
    const cannotRefund = word.act === 'heartbeat' || (word.act === 'complete' && word.units === undefined);
    let ruling = cannotRefund ? await this.plain.push(word) : await this.refunding.push(word);
    if (ruling.outcome === 'deferred') ruling = await this.refunding.push(word);
    if (ruling.request !== null && word.act !== 'heartbeat') this.signals.changed(word.id);
    return ruling;
  }

  private rules(): EndingRules {
    return {
      refund: { expiredWhileProcessing: 'none', ...this.settings.get(QuotaSettings.refundPolicy) },
      refundDailyCap: this.settings.get(QuotaSettings.refundDailyCap),
      retryBaseSeconds: this.settings.get(RequestSettings.retryBaseSeconds),
      retryMaxSeconds: this.settings.get(RequestSettings.retryMaxSeconds),
    };
  }
}
