import { Injectable } from '@nestjs/common';
import { DeliveriesRepository } from './deliveries.repository';
import { Dispatcher } from './dispatcher.service';
import { Results } from './results.service';

/** What operators watch of webhooks. None of it costs more when more of them wait. */
@Injectable()
export class WebhookFigures {
  constructor(
    private readonly repository: DeliveriesRepository,
    private readonly dispatcher: Dispatcher,
    private readonly results: Results,
  ) {}

  /** Of this process, since it began. */
  get counts(): Readonly<Results['counts']> {
    return this.results.counts;
  }

  /** Attempts under way in this process. */
  get inFlight(): number {
    return this.dispatcher.inFlight;
  }

  /** Deliveries that wait, of all processes, counted up to 10,000. */
  waiting(): Promise<number> {
    return this.repository.waiting();
  }
}
