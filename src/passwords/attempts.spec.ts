import { Attempts } from './attempts';
import { TooManyAttempts } from './passwords.errors';

const right = () => Promise.resolve(true);
const wrong = () => Promise.resolve(false);
const OWNER = 'ada@example.com';

describe('attempts', () => {
  let attempts: Attempts;
  beforeEach(() => (attempts = new Attempts()));

  /** What came of it: true, false, or the refusal. */
  const make = (account: string, network: string, attempt: () => Promise<boolean>) =>
    attempts.make({ account, network }, attempt).catch((error: unknown) => (error instanceof TooManyAttempts ? 'refused' : Promise.reject(error as Error)));

  it('refuse a network after ten failures at an account, whatever the case of its address', async () => {
    for (let i = 0; i < 10; i++) expect(await make(i % 2 ? OWNER : OWNER.toUpperCase(), 'stranger', wrong)).toBe(false);
    expect(await make(OWNER, 'stranger', right)).toBe('refused');
    expect(await make('other@example.com', 'stranger', right)).toBe(true);
  });

  it('never refuse the owner for what 30,000 other networks fail, neither where they were before nor where they never were', async () => {
    expect(await make(OWNER, 'home', right)).toBe(true);
    // More than an allowance remembers.
    const failed = await Promise.all(Array.from({ length: 30_000 }, (_, i) => make(OWNER, `bot ${i}`, wrong)));
    expect(new Set(failed)).toEqual(new Set([false]));
    expect(await make(OWNER, 'home', right)).toBe(true);
    expect(await make(OWNER, 'hotel', right)).toBe(true);
  }, 60_000);

  it('let strangers of a network that failed at many accounts wait behind those that came before, and not whoever proved an account there', async () => {
    expect(await make(OWNER, 'office', right)).toBe(true);
    for (let i = 0; i < 100; i++) expect(await make(`user-${i}@example.com`, 'office', wrong)).toBe(false);
    const order: string[] = [];
    const attempted = (name: string) => () => {
      order.push(name);
      return Promise.resolve(false);
    };
    // A flood that goes on: whoever was answered comes again with another name.
    let over = false;
    const flood = Array.from({ length: 5 }, async (_, i) => {
      for (let n = 0; !over; n++) await make(`made-up-${i}-${n}@example.com`, 'office', attempted('flood'));
    });
    const stranger = make('grace@example.com', 'office', () => {
      order.push('grace');
      return right();
    });
    expect(await make(OWNER, 'office', right)).toBe(true);
    expect(order).toEqual([]);
    expect(await make('grace@example.com', 'home', right)).toBe(true);
    expect(await stranger).toBe(true);
    over = true;
    expect(order.indexOf('grace')).toBeLessThanOrEqual(5);
    await Promise.all(flood);
  });

  it('do not count what was right, or could not be decided', async () => {
    const broken = () => Promise.reject(new Error('the database is away'));
    for (let i = 0; i < 50; i++) {
      expect(await make(OWNER, 'home', right)).toBe(true);
      await expect(make(OWNER, 'home', broken)).rejects.toThrow('away');
    }
  });

  it('made at once count before they are made, and right ones do not refuse each other', async () => {
    const guesses = await Promise.all(Array.from({ length: 50 }, () => make(OWNER, 'stranger', wrong)));
    expect(guesses.filter((one) => one === false)).toHaveLength(10);
    const logins = await Promise.all(Array.from({ length: 50 }, () => make(OWNER, 'home', right)));
    expect(new Set(logins)).toEqual(new Set([true]));
  });

  it('at once are bounded for a network and an account', async () => {
    const never = () => new Promise<boolean>(() => undefined);
    for (let i = 0; i <= 200; i++) void make(OWNER, 'home', never);
    expect(await make(OWNER, 'home', right)).toBe('refused');
    expect(await make(OWNER, 'hotel', right)).toBe(true);
  });
});
