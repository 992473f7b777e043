import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { TierBursts } from '../tiers/tier-bursts';
import { type BurstState } from './rate-limit-fields';

const MAX_BUCKETS = 50_000;
const MINUTE_MS = 60_000;

interface Bucket {
  /** Requests that may come now; grows back to the limit within a minute. */
  tokens: number;
  filledAt: number;
}

/**
 * Requests a minute by tier: a token bucket for each user, in this process's memory. It is exact here, to the request; n replicas let
 * through n times as many at the most, since it protects capacity and the daily quota is what is paid for. A user's tier is known
 * from their last charge, and asked for before the first.
 */
@Injectable()
export class BurstLimiter {
  private readonly tiers = new BoundedCache<number, string>(MAX_BUCKETS);
  private readonly buckets = new BoundedCache<number, Bucket>(MAX_BUCKETS);

  constructor(private readonly bursts: TierBursts) {}

  /** Whether a limit may hold for the user and their tier is not known: then `learn` comes before `spend`. */
  asksForTier(userId: number): boolean {
    return !this.bursts.none && !this.tiers.has(userId);
  }

  /** Takes one request out of the user's bucket. Null: no burst limit; `allowed` false: it was empty and stays so. */
  spend(userId: number, at = performance.now()): (BurstState & { allowed: boolean }) | null {
    if (this.bursts.none) return null;
    const perMinute = this.bursts.of(this.tiers.get(userId));
    if (perMinute === null) return null;
    const tokens = this.tokens(userId, perMinute, at);
    const allowed = tokens >= 1;
    const left = allowed ? tokens - 1 : tokens;
    this.buckets.set(userId, { tokens: left, filledAt: at });
    return { allowed, ...stateOf(left, perMinute) };
  }

  /** Puts a request back that was refused for another reason: it was none. Returns how the bucket stands then. */
  giveBack(userId: number, at = performance.now()): BurstState | null {
    const perMinute = this.bursts.of(this.tiers.get(userId));
    if (perMinute === null) return null;
    const tokens = Math.min(perMinute, this.tokens(userId, perMinute, at) + 1);
    this.buckets.set(userId, { tokens, filledAt: at });
    return stateOf(tokens, perMinute);
  }

  /** How the bucket of a user on this tier stands; nothing is taken. */
  look(userId: number, tier: string, at = performance.now()): BurstState | null {
    const perMinute = this.bursts.of(tier);
    return perMinute === null ? null : stateOf(this.tokens(userId, perMinute, at), perMinute);
  }

  private tokens(userId: number, perMinute: number, at: number): number {
    const bucket = this.buckets.get(userId);
    return bucket === undefined ? perMinute : Math.min(perMinute, bucket.tokens + ((at - bucket.filledAt) * perMinute) / MINUTE_MS);
  }

  /** Notes the tier that a user was found on. */
  learn(userId: number, tier: string): void {
    if (!this.bursts.none) this.tiers.set(userId, tier);
  }
}

function stateOf(tokens: number, perMinute: number): BurstState {
  const missing = 1 - (tokens - Math.floor(tokens));
  return { perMinute, remaining: Math.floor(tokens), nextInSeconds: Math.max(1, Math.ceil((missing * 60) / perMinute)) };
}
