import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Transactions } from '../database/transactions';
import { Feed } from './feed';
import { BacklogPace } from './backlog-pace';
import { OutboxService } from './outbox.service';
import { Poller } from './poller';
import { RelayRepository } from './relay.repository';
import { SettledIds } from './settled-ids';

/** Events that are numbered in one statement: a few hundredths of a second. */
const BATCH = 1_000;
/** How soon it looks after a hint, in milliseconds: what is committed together is numbered together. */
const SOON_MS = 20;
/**
 * Numbers events as they become visible, and hands them to consumers. Every replica does both for all, whoever recorded them; so
 * what one left when it died, another finds within a second. Processes that listen relay; commands do not.
 */
@Injectable()
export class RelayService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly publisher = new Poller({ name: 'the relay', work: () => this.publish(), minMs: SOON_MS });
  private readonly pace = new BacklogPace(BATCH);
  private readonly settled = new SettledIds();
  private feeds: Poller[] = [];

  constructor(
    private readonly outbox: OutboxService,
    private readonly repository: RelayRepository,
    private readonly transactions: Transactions,
    private readonly server: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    this.server.listen$.subscribe(() => this.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.publisher, ...this.feeds].map((poller) => poller.stop()));
  }

  private start(): void {
    this.feeds = this.outbox.consumers.map((consumer) => {
      const feed = new Feed(consumer, this.repository, this.transactions);
      return new Poller({ name: `the relay to ${consumer.name}`, work: () => feed.work() });
    });
    this.outbox.onExpected(() => this.publisher.hint());
    for (const poller of [this.publisher, ...this.feeds]) poller.start();
  }

  private async publish(): Promise<boolean | number> {
    const { held, count, seen, lastId, requestsAreFollowed } = await this.repository.publish(BATCH, this.settled.floor);
    this.outbox.requestsAreFollowed = requestsAreFollowed;
    if (count > 0) for (const feed of this.feeds) feed.hint();
    const pauseMs = this.pace.pauseAfter(count, lastId, performance.now());
    await this.settled.follow({ lastId, isThrough: held && seen < BATCH, at: performance.now() }, () => this.repository.writers());
    // While another process is at it, its next pass may have begun before what is expected here was committed.
    if (!held) this.publisher.hint();
    if (count === 0) return false;
    return count < BATCH ? SOON_MS : pauseMs;
  }
}
