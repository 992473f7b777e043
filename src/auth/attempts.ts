import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { TooManyAttempts } from './auth.errors';

/**
 * How often may be tried, per replica and in memory: it slows guessing down, and what counts is kept in the database. A
 * stranger's failures against an account throttle the stranger's address long before the account's owner.
 */
const LIMITS = {
  loginOfAccountFromAddress: { points: 10, duration: 60 },
  loginOfAccount: { points: 100, duration: 3_600 },
  loginFromAddress: { points: 200, duration: 60 },
  registrationFromAddress: { points: 100, duration: 60 },
} as const;

type Limit = keyof typeof LIMITS;

@Injectable()
export class Attempts {
  private readonly limiters = new Map<Limit, RateLimiterMemory>(
    Object.entries(LIMITS).map(([name, options]) => [name as Limit, new RateLimiterMemory(options)]),
  );
  private readonly turns = new Map<string, Promise<void>>();

  /**
   * Makes one attempt to log in; null: it failed. It counts before it is made, or many at once would slip past the count,
   * and is given back unless it failed: a right password is never too often. Attempts from one address on one account
   * take turns, so that right ones at once do not refuse each other.
   *
   * @throws TooManyAttempts when one of the limits is used up
   */
  async login<T>(email: string, address: string, attempt: () => Promise<T | null>): Promise<T | null> {
    const account = email.toLowerCase();
    const counted: [Limit, string][] = [
      ['loginFromAddress', address],
      ['loginOfAccountFromAddress', `${account} ${address}`],
      ['loginOfAccount', account],
    ];
    return this.inTurn(`${account} ${address}`, async () => {
      for (const [limit, key] of counted) await this.count(limit, key);
      let failed = false;
      try {
        const result = await attempt();
        failed = result === null;
        return result;
      } finally {
        if (!failed) for (const [limit, key] of counted) await this.limiter(limit).reward(key);
      }
    });
  }

  /** @throws TooManyAttempts */
  async assertRegistration(address: string): Promise<void> {
    await this.count('registrationFromAddress', address);
  }

  private async count(limit: Limit, key: string): Promise<void> {
    await this.limiter(limit)
      .consume(key)
      .catch((state: RateLimiterRes) => {
        throw new TooManyAttempts(Math.max(1, Math.ceil(state.msBeforeNext / 1_000)));
      });
  }

  private async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(name) ?? Promise.resolve();
    const mine = before.then(work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.turns.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.turns.get(name) === settled) this.turns.delete(name);
    }
  }

  private limiter(limit: Limit): RateLimiterMemory {
    return this.limiters.get(limit) as RateLimiterMemory;
  }
}
