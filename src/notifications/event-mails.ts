import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type EntityManager } from 'typeorm';
import { Transactions } from '../database/transactions';
import { NotFoundProblem } from '../http/problem';
import { MailsService } from '../mail/mails.service';
import { type EventConsumer, type RecordedEvent } from '../outbox/event-consumer';
import { ListenersService } from '../outbox/listeners.service';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { UserConfigurationsService } from '../user-configurations/user-configurations.service';
import { type UserDto } from '../users/dto/user.dto';
import { UsersService } from '../users/users.service';
import { ALERT, QUOTA_EXHAUSTED, QUOTA_REACHED } from './notifications.mails';
import { NotificationSettings } from './notifications.settings';

/** What operators are mailed about, and the owner of an endpoint where it is a user's. */
const ALERTS = /^(operator\.|endpoint\.)/;

/**
 * Mails that follow from events. Always true: a mail is written with the cursor that moves past its event, so once for each; whether a user
 * wants it is what the settings are when the event is consumed.
 */
@Injectable()
export class EventMails implements EventConsumer, OnModuleInit, OnApplicationBootstrap {
  readonly name = 'notifications';

  constructor(
    private readonly outbox: OutboxService,
    private readonly listeners: ListenersService,
    private readonly mails: MailsService,
    private readonly users: UsersService,
    private readonly configurations: UserConfigurationsService,
    private readonly settings: SettingsService,
    private readonly transactions: Transactions,
    private readonly server: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    this.outbox.register(this);
  }

  /** Who wants no mail is asked when the event is there: so quotas are always listened to. */
  onApplicationBootstrap(): void {
    this.server.listen$.subscribe(() => {
      void this.transactions.run((tx) => this.listeners.ensure(tx, this.name, 'quota.*')).catch(() => undefined);
    });
  }

  async consume(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.type.startsWith('quota.')) await this.mailUser(tx, event);
      else if (ALERTS.test(event.type)) await this.alert(tx, event);
    }
  }

  private async mailUser(tx: EntityManager, { userId, type, data }: RecordedEvent): Promise<void> {
    const user = userId === null ? null : await this.recipient(tx, userId);
    if (user === null) return;
    const { setting } = await this.configurations.get(user.id, NotificationSettings.quotaMails.key);
    if (!(setting.value as number[]).includes(data.threshold as number)) return;
    const numbers = { used: String(data.used), limit: String(data.limit), remaining: String(data.remaining), resetsAt: String(data.resetsAt) };
    const params = { ...numbers, share: String(Math.round((data.threshold as number) * 10_000) / 100) };
    const template = type === 'quota.exhausted' ? QUOTA_EXHAUSTED : QUOTA_REACHED;
    await this.mails.enqueue(tx, { template, to: user.email, params, userId });
  }

  private async alert(tx: EntityManager, { userId, type, data, createdAt }: RecordedEvent): Promise<void> {
    const user = userId === null ? null : await this.recipient(tx, userId);
    const addresses = userId === null ? this.settings.get(NotificationSettings.operatorMails) : user === null ? [] : [user.email];
    const params = { type, time: createdAt.toISOString(), details: JSON.stringify(data, null, 2) };
    for (const to of addresses) await this.mails.enqueue(tx, { template: ALERT, to, params, userId });
  }

  /** The account, unless it is gone or suspended. */
  private async recipient(tx: EntityManager, userId: number): Promise<UserDto | null> {
    const user = await this.users.get(userId, tx).catch((error: unknown) => {
      if (error instanceof NotFoundProblem) return null;
      throw error;
    });
    return user?.status === 'active' ? user : null;
  }
}
