import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import { Poller } from '../outbox/poller';
import { Delivering } from './delivering.service';
import { type Asked, type Claimed, DispatchRepository, type Lane, LANES_OF_A_LOOK } from './dispatch.repository';
import { EndpointBudget } from './endpoint-budget';

/** Attempts under way in this process. */
const MAX_IN_FLIGHT = 1_024;
/** No endpoint begins more than this part of what is left: the last places go to those who have few. */
const SHARE = 4;
/** Endpoints in one claim. */
const MAX_ASKED = 100;
const LOOK_EVERY_MS = 1_000;
/** How long attempts under way may take when the process stops; what is not over then is tried again elsewhere. */
const STOP_MS = 8_000;
/** Before the first user. */
const FIRST = -1;

/** What waits for one endpoint, as this process sees it. */
interface OpenLane extends Lane {
  budget: EndpointBudget;
  /** Whether there may be something to claim now. */
  hot: boolean;
  /** Ordered: the user behind whom the next claim looks. */
  after: number;
}

/**
 * Claims what is due and sends it. Every replica does so for all endpoints; a delivery is claimed by one, for the time of a lease. Always true:
 * each endpoint has a budget of its own, and is asked for by its name, so that what waits for one costs the others nothing.
 */
@Injectable()
export class Dispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly lanes = new Map<string, OpenLane>();
  private readonly looks = new Poller({ name: 'the look for webhooks', work: () => this.look(), maxMs: LOOK_EVERY_MS });
  private readonly claims = new Poller({ name: 'the dispatcher of webhooks', work: () => this.claim(), minMs: 1, maxMs: LOOK_EVERY_MS });
  private readonly underWay = new Set<Promise<void>>();
  /** The endpoint behind which the next look begins. */
  private lookedUpTo = 0;

  constructor(
    private readonly repository: DispatchRepository,
    private readonly delivering: Delivering,
    private readonly server: HttpAdapterHost,
  ) {}

  /** Processes that listen deliver; commands do not. */
  onApplicationBootstrap(): void {
    this.server.listen$.subscribe(() => {
      this.looks.start();
      this.claims.start();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.looks.stop(), this.claims.stop()]);
    await Promise.race([Promise.allSettled(this.underWay), delay(STOP_MS, undefined, { ref: false })]);
  }

  /** Attempts under way. */
  get inFlight(): number {
    return this.underWay.size;
  }

  /** There is something for these endpoints. */
  wake(lanes: Iterable<Lane>): void {
    for (const { endpointId, ordered } of lanes) this.laneOf(endpointId, ordered).hot = true;
    this.claims.hint();
  }

  /** Finds what is due for whatever reason: a retry, a backlog, what another process left. */
  private async look(): Promise<boolean | number> {
    const found = await this.repository.look(this.lookedUpTo);
    const ids = [false, true].map((ordered) => found.filter((lane) => lane.ordered === ordered).map(({ endpointId }) => endpointId));
    const cut = ids.filter((list) => list.length === LANES_OF_A_LOOK).map((list) => Math.max(...list));
    this.lookedUpTo = cut.length === 0 ? 0 : Math.min(...cut);
    const due = found.filter((lane) => lane.due);
    if (due.length > 0) this.wake(due);
    return this.lookedUpTo > 0 ? 10 : LOOK_EVERY_MS;
  }

  private async claim(): Promise<boolean> {
    const now = performance.now();
    const asked = new Map<string, { lane: OpenLane; asked: Asked }>();
    for (const [name, lane] of this.lanes) {
      if (!lane.hot && lane.budget.isFresh) this.lanes.delete(name);
      const free = lane.hot ? Math.min(lane.budget.free(now), Math.ceil((MAX_IN_FLIGHT - this.inFlight) / SHARE)) : 0;
      if (free > 0 && asked.size < MAX_ASKED) asked.set(name, { lane, asked: { endpointId: lane.endpointId, free, after: lane.after } });
    }
    if (asked.size === 0) return false;
    const chosen = [...asked.values()];
    // Those that were asked for go behind the others.
    for (const [name, { lane }] of asked) {
      this.lanes.delete(name);
      this.lanes.set(name, lane);
    }
    const [plain, ordered] = [chosen.filter(({ lane }) => !lane.ordered), chosen.filter(({ lane }) => lane.ordered)];
    await Promise.all([this.claimPlain(plain), this.claimHeads(ordered)]);
    return true;
  }

  private async claimPlain(chosen: { lane: OpenLane; asked: Asked }[]): Promise<void> {
    if (chosen.length === 0) return;
    for (const { lane } of chosen) lane.hot = false;
    const claimed = await this.repository.claim(chosen.map(({ asked }) => asked)).catch((error: unknown) => {
      for (const { lane } of chosen) lane.hot = true;
      throw error;
    });
    const counts = countsOf(claimed);
    for (const { lane, asked } of chosen) lane.hot ||= (counts.get(lane.endpointId) ?? 0) >= asked.free;
    this.begin(claimed, false);
  }

  private async claimHeads(chosen: { lane: OpenLane; asked: Asked }[]): Promise<void> {
    if (chosen.length === 0) return;
    for (const { lane } of chosen) lane.hot = false;
    const { claimed, after } = await this.repository.claimHeads(chosen.map(({ asked }) => asked)).catch((error: unknown) => {
      for (const { lane } of chosen) lane.hot = true;
      throw error;
    });
    for (const { lane, asked } of chosen) {
      // Having begun in the middle, it looks at the users before that as well.
      lane.hot ||= after.has(lane.endpointId) || asked.after !== FIRST;
      lane.after = after.get(lane.endpointId) ?? FIRST;
    }
    this.begin(claimed, true);
  }

  private begin(claimed: readonly Claimed[], ordered: boolean): void {
    for (const delivery of claimed) {
      const lane = this.laneOf(delivery.endpointId, ordered);
      lane.budget.begin(1);
      const attempt = this.delivering
        .attempt(delivery, ({ durationMs, retryAfterMs }, ok) => {
          lane.budget.end({ ok, durationMs, retryAfterMs }, performance.now());
          if (lane.hot) this.claims.hint();
        })
        .finally(() => {
          this.underWay.delete(attempt);
          // The user's next delivery is eligible once this one is written.
          if (ordered) this.wake([lane]);
        });
      this.underWay.add(attempt);
    }
  }

  private laneOf(endpointId: number, ordered: boolean): OpenLane {
    const name = `${endpointId} ${ordered}`;
    let lane = this.lanes.get(name);
    if (lane === undefined) this.lanes.set(name, (lane = { endpointId, ordered, budget: new EndpointBudget(), hot: false, after: FIRST }));
    return lane;
  }
}

function countsOf(claimed: readonly Claimed[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { endpointId } of claimed) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1);
  return counts;
}
