import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transactions';
import { type EventType } from '../outbox/event-types';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { NotificationSettings } from './notifications.settings';
import { OperatorAlertsRepository } from './operator-alerts.repository';

/** Alerts operators, by an event that endpoints and mails are made of. Always true: however many processes see it, once in `alertAgainHours`. */
@Injectable()
export class OperatorAlerts {
  constructor(
    private readonly repository: OperatorAlertsRepository,
    private readonly outbox: OutboxService,
    private readonly settings: SettingsService,
    private readonly transactions: Transactions,
  ) {}

  /** @returns false when they were alerted to it already */
  async raise(type: Extract<EventType, `operator.${string}`>, data: object): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const due = await this.repository.isDue(tx, type, this.settings.get(NotificationSettings.alertAgainHours));
      if (due) await this.outbox.record(tx, { type, userId: null, data });
      return due;
    });
  }
}
