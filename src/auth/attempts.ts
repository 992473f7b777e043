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

  /** @throws TooManyAttempts when one of the limits is used up */
  async assertLogin(email: string, address: string): Promise<void> {
    for (const [limit, key] of loginKeys(email, address)) {
      const state = await this.limiter(limit).get(key);
      if (state !== null && state.consumedPoints >= LIMITS[limit].points) throw new TooManyAttempts(seconds(state));
    }
  }

  /** Only failures count: a right password is never too often. */
  async loginFailed(email: string, address: string): Promise<void> {
    for (const [limit, key] of loginKeys(email, address)) await this.limiter(limit).consume(key).catch(() => undefined);
  }

  /** @throws TooManyAttempts */
  async assertRegistration(address: string): Promise<void> {
    await this.limiter('registrationFromAddress')
      .consume(address)
      .catch((state: RateLimiterRes) => {
        throw new TooManyAttempts(seconds(state));
      });
  }

  private limiter(limit: Limit): RateLimiterMemory {
    return this.limiters.get(limit) as RateLimiterMemory;
  }
}

function loginKeys(email: string, address: string): [Limit, string][] {
  const account = email.toLowerCase();
  return [
    ['loginOfAccountFromAddress', `${account} ${address}`],
    ['loginOfAccount', account],
    ['loginFromAddress', address],
  ];
}

function seconds(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1_000));
}
