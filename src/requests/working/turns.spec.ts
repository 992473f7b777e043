import { Turns } from './turns';

/** Serves `count` requests from users who all have plenty, oldest user first among equals. */
function serve(turns: Turns, users: number[], count: number): number[] {
  return Array.from({ length: count }, () => {
    const { userIds, leads: ahead } = turns.leads(['x']);
    const leads = new Map(userIds.map((id, i) => [id, ahead[i] as number]));
    const next = users.toSorted((a, b) => (leads.get(a) ?? 0) - (leads.get(b) ?? 0) || a - b)[0] as number;
    turns.served('x', next);
    return next;
  });
}

describe('Turns', () => {
  it('serves users who all wait in turn', () => {
    expect(serve(new Turns(), [1, 2, 3], 9)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });

  it('lets a user who comes late be next after any flood, and not catch up on turns that were not waited for', () => {
    const turns = new Turns();
    serve(turns, [1], 500);
    expect(serve(turns, [1, 2], 6)).toEqual([2, 1, 2, 1, 2, 1]);
  });

  it('keeps types apart', () => {
    const turns = new Turns();
    turns.served('x', 1);
    expect(turns.leads(['y'])).toEqual({ types: [], userIds: [], leads: [] });
    expect(turns.leads(['y', 'x'])).toEqual({ types: [2], userIds: [1], leads: [1] });
  });

  it('forgets who is not ahead, so that it stays small', () => {
    const turns = new Turns();
    for (let user = 1; user <= 100_000; user++) turns.served('x', user);
    expect(turns.leads(['x']).userIds.length).toBeLessThanOrEqual(1_000);
  });
});
