import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { setTimeout as delay } from 'node:timers/promises';
import { Allowance } from './allowance';
import { Line } from './line';
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
 * Always true: only failures count; what others fail never refuses the owner from a network that has not failed; a network
 * that once proved the account does not wait for what it fails at other accounts; and where a network fails at many, whoever comes from there for the
 * first time waits, and gets through.
 */
@Injectable()
export class Attempts {
  private readonly ofAccountFromNetwork = new Allowance({ burst: 10, everyMs: 30_000 });
  /** Beyond a hundred, strangers behind one address wait for 20 s at the longest: they may be many people, and all but one of them honest. */
  private readonly fromNetwork = new Line({ burst: 100, everyMs: 200, waitingMax: 100 });
  private readonly ofAccount = new Allowance({ burst: 100, everyMs: 30_000 });
  private readonly registrations = new Line({ burst: 100, everyMs: 600, waitingMax: 32 });
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
      await this.count(pair, known, network, account);
      let failed = false;
      try {
        if (!known) await this.delay(account);
        failed = !(await attempt({ keys: known ? [pair] : this.strangersKeys(network, account, pair) }));
      } finally {
        if (!failed) this.giveBack(pair, known, network);
      }
      if (failed) this.ofAccount.add(account);
      else this.known.set(pair, true);
      return !failed;
    });
    if (result === null) throw new TooManyAttempts(1);
    return result;
  }

  /** Resolves when the network may make another account. @throws TooManyAttempts */
  countRegistration(network: string, email: string): Promise<void> {
    return this.registrations.enter(network, email.toLowerCase());
  }

  private async count(pair: string, known: boolean, network: string, account: string): Promise<void> {
    const waitMs = this.ofAccountFromNetwork.spend(pair);
    if (waitMs > 0) throw new TooManyAttempts(Math.ceil(waitMs / 1_000));
    if (known) return;
    try {
      await this.fromNetwork.enter(network, account);
    } catch (error) {
      this.ofAccountFromNetwork.giveBack(pair);
      throw error;
    }
  }

  private giveBack(pair: string, known: boolean, network: string): void {
    this.ofAccountFromNetwork.giveBack(pair);
    if (!known) this.fromNetwork.giveBack(network);
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
