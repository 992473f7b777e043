import fc from 'fast-check';
import { type TierBursts } from '../tiers/tier-bursts';
import { BurstLimiter } from './burst-limiter';

const PER_MINUTE = 5;
const bursts = { none: false, of: (tier: string | undefined) => (tier === 'slow' ? PER_MINUTE : null) };

describe('the bucket of a burst limit', () => {
  it('lets through the limit at once and then what grows back, to the request, and counts nothing that is given back', () => {
    // A multiple of 375 ms is a multiple of 1/32 of a request at this pace, which doubles hold as it is.
    const act = fc.record({ afterMs: fc.nat({ max: 80 }).map((n) => n * 375), does: fc.constantFrom('counts' as const, 'is refused elsewhere' as const) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const limiter = new BurstLimiter(bursts as TierBursts);
        limiter.learn(1, 'slow');
        const [one, full] = [60_000, PER_MINUTE * 60_000];
        let now = 0;
        let tokens = full;
        for (const { afterMs, does } of acts) {
          now += afterMs;
          tokens = Math.min(full, tokens + afterMs * PER_MINUTE);
          const { allowed, remaining } = limiter.spend(1, now) as { allowed: boolean; remaining: number };
          expect(allowed).toBe(tokens >= one);
          if (!allowed) continue;
          tokens -= one;
          expect(remaining).toBe(Math.floor(tokens / one));
          if (does === 'counts') continue;
          tokens += one;
          expect(limiter.giveBack(1, now)?.remaining).toBe(Math.floor(tokens / one));
        }
      }),
    );
  });

  it('asks for the tier of a user once, and never where no plan has a limit', () => {
    const limiter = new BurstLimiter(bursts as TierBursts);
    expect([limiter.asksForTier(1), limiter.spend(1)]).toEqual([true, null]);
    limiter.learn(1, 'free');
    expect([limiter.asksForTier(1), limiter.spend(1), limiter.giveBack(1)]).toEqual([false, null, null]);
    expect(new BurstLimiter({ ...bursts, none: true } as TierBursts).asksForTier(2)).toBe(false);
  });
});
