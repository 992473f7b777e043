import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { TierBursts } from '../tiers/tier-bursts';
import { type BurstState } from './rate-limit-fields';

const MOST_BUCKETS = 50_000;
const MINUTE_MS = 60_000;

interface Bucket {
  /** Requests that may come now; grows back to the limit within a minute. */
  tokens: number;
  filledAt: number;
}

/**
 * Requests a minute by tier: a token bucket for each user, in this process's memory. It protects capacity, so it may
 * differ between replicas, and it knows a user's tier from their last charge; the daily quota is what is exact.
 */
@Injectable()
export class BurstLimiter {
  private readonly tiers = new LRUCache<number, string>({ max: MOST_BUCKETS });
  private readonly buckets = new LRUCache<number, Bucket>({ max: MOST_BUCKETS });

  constructor(private readonly bursts: TierBursts) {}

  /** Takes one request out of the user's bucket. Null: no burst limit; `allowed` false: it was empty and stays so. */
  take(userId: number, at = performance.now()): (BurstState & { allowed: boolean }) | null {
    if (this.bursts.none) return null;
    const perMinute = this.bursts.of(this.tiers.get(userId));
    if (perMinute === null) return null;
    const bucket = this.buckets.get(userId) ?? { tokens: perMinute, filledAt: at };
    const tokens = Math.min(perMinute, bucket.tokens + ((at - bucket.filledAt) * perMinute) / MINUTE_MS);
    const allowed = tokens >= 1;
    const left = allowed ? tokens - 1 : tokens;
    this.buckets.set(userId, { tokens: left, filledAt: at });
    const missing = 1 - (left - Math.floor(left));
    return { allowed, perMinute, remaining: Math.floor(left), nextInSeconds: Math.max(1, Math.ceil((missing * 60) / perMinute)) };
  }

  /** Notes the tier that a user was found on. */
  learn(userId: number, tier: string): void {
    if (!this.bursts.none) this.tiers.set(userId, tier);
  }
}
