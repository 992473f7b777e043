import { FairShare } from './fair-share';

/** Serves `count` requests from users who all have plenty, oldest user first among equals. */
function serve(shares: FairShare, users: number[], count: number): number[] {
  return Array.from({ length: count }, () => {
    const { userIds, leads: ahead } = shares.leads(['x']);
    const leads = new Map(userIds.map((id, i) => [id, ahead[i] as number]));
    const next = users.toSorted((a, b) => (leads.get(a) ?? 0) - (leads.get(b) ?? 0) || a - b)[0] as number;
    shares.served('x', next);
    return next;
  });
}

describe('FairShare', () => {
  it('serves users who all wait in turn', () => {
    expect(serve(new FairShare(), [1, 2, 3], 9)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });

  it('lets a user who comes late be next after any flood, and not catch up on what was not waited for', () => {
    const shares = new FairShare();
    serve(shares, [1], 500);
    expect(serve(shares, [1, 2], 6)).toEqual([2, 1, 2, 1, 2, 1]);
  });

  it('keeps types apart', () => {
    const shares = new FairShare();
    shares.served('x', 1);
    expect(shares.leads(['y'])).toEqual({ types: [], userIds: [], leads: [] });
    expect(shares.leads(['y', 'x'])).toEqual({ types: [2], userIds: [1], leads: [1] });
  });

  it('forgets who is not ahead, so that it stays small', () => {
    const shares = new FairShare();
    for (let user = 1; user <= 100_000; user++) shares.served('x', user);
    expect(shares.leads(['x']).userIds.length).toBeLessThanOrEqual(1_000);
  });
});
