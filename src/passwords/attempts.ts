import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { setTimeout as delay } from 'node:timers/promises';
import { Allowance } from './allowance';
import { TooManyAttempts } from './passwords.errors';
import { Serial } from './serial';

/** Somebody who claims that an account is theirs. */
export interface Attempt {
  /** The account, by what the caller names it: its e-mail address, be there such an account or not. */
  account: string;
  /** Where the caller is: see `networkOfRequest`. */
  network: string;
}

export interface Counted {
  /** Under what the attempt has its share of the hashing; the first is the caller. */
  keys: [string, ...string[]];
}

const AT_ONCE_MAX = 200;
const KNOWN_MAX = 50_000;
/** Failures of an account, from wherever, before strangers to it must wait; and how long, for each further one and at the longest. */
const CALM_FAILURES = 20;
const DELAY_STEP_MS = 10;
const DELAY_MAX_MS = 500;
/** Attempts that may be waiting so; the memory of a flood is bounded, and further ones only queue. */
const DELAYED_MAX = 1_024;

/**
 * How often a password may be tried, per replica and in memory: it slows guessing down, and what counts is kept in the database.
 * Always true: only failures count; what others fail never refuses the owner from a network that has not failed; and a network
 * that once proved the account is not refused for what it fails at other accounts.
 */
@Injectable()
export class Attempts {
  private readonly ofAccountFromNetwork = new Allowance({ burst: 10, everyMs: 30_000 });
  private readonly fromNetwork = new Allowance({ burst: 200, everyMs: 2_000 });
  private readonly ofAccount = new Allowance({ burst: 100, everyMs: 30_000 });
  private readonly registrations = new Allowance({ burst: 100, everyMs: 600 });
  private readonly known = new BoundedCache<string, true>(KNOWN_MAX);
  private readonly serial = new Serial(AT_ONCE_MAX);
  private delayed = 0;

  /**
   * Makes an attempt, which returns whether the password was right. It counts before it is made, or many at once would slip past the count,
   * and is given back unless it failed: a right password is never too often. Attempts from one network on one account are made one by one, so that right ones at
   * once do not refuse each other.
   *
   * @throws TooManyAttempts
   */
  async make({ account: email, network }: Attempt, attempt: (counted: Counted) => Promise<boolean>): Promise<boolean> {
    const account = email.toLowerCase();
    const pair = `${network} ${account}`;
    const result = this.serial.run(pair, async () => {
      const known = this.known.has(pair);
      const counts: [Allowance, string][] = known
        ? [[this.ofAccountFromNetwork, pair]]
        : [
            [this.fromNetwork, network],
            [this.ofAccountFromNetwork, pair],
          ];
      spend(counts);
      let failed = false;
      try {
        if (!known) await this.delay(account);
        failed = !(await attempt({ keys: known ? [pair] : this.strangersKeys(network, account, pair) }));
      } finally {
        if (!failed) for (const [allowance, key] of counts) allowance.giveBack(key);
      }
      if (failed) this.ofAccount.add(account);
      else this.known.set(pair, true);
      return !failed;
    });
    if (result === null) throw new TooManyAttempts(1);
    return result;
  }

  /** @throws TooManyAttempts */
  countRegistration(network: string): void {
    spend([[this.registrations, network]]);
  }

  /** Networks that failed at the account before stand behind each other, not before one that comes for the first time. */
  private strangersKeys(network: string, account: string, pair: string): [string, string] {
    const failedBefore = this.ofAccountFromNetwork.used(pair) > 1;
    return [`network ${network}`, `${failedBefore ? 'again' : 'first'} ${account}`];
  }

  /** An account under attack answers strangers later; never not at all, for one of them may be its owner. */
  private async delay(account: string): Promise<void> {
    const delayMs = Math.min(DELAY_MAX_MS, (this.ofAccount.used(account) - CALM_FAILURES) * DELAY_STEP_MS);
    if (delayMs <= 0 || this.delayed >= DELAYED_MAX) return;
    this.delayed++;
    await delay(delayMs).finally(() => this.delayed--);
  }
}

/** Takes one of each, or none. @throws TooManyAttempts */
function spend(counts: [Allowance, string][]): void {
  for (const [i, [allowance, key]] of counts.entries()) {
    const waitMs = allowance.spend(key);
    if (waitMs === 0) continue;
    for (const [earlier, earlierKey] of counts.slice(0, i)) earlier.giveBack(earlierKey);
    throw new TooManyAttempts(Math.ceil(waitMs / 1_000));
  }
}
