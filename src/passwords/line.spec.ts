import { Line } from './line';
import { TooManyAttempts } from './passwords.errors';

describe('a line', () => {
  const enter = (line: Line, key: string, name: string) =>
    line.enter(key, name).then(
      () => 'goes on',
      (error: unknown) => (error instanceof TooManyAttempts ? 'refused' : Promise.reject(error as Error)),
    );
  const now = (result: Promise<string>) => Promise.race([result, new Promise((resolve) => setImmediate(resolve, 'waits'))]);

  it('lets callers through until the allowance is used up, and the rest one by one in their order; other keys at once', async () => {
    const line = new Line({ burst: 2, everyMs: 30, waitingMax: 10 });
    const order: string[] = [];
    const all = ['a', 'b', 'c', 'd', 'e'].map(async (name) => order.push(`${name} ${await enter(line, 'office', name)}`));
    expect(await now(enter(line, 'elsewhere', 'a'))).toBe('goes on');
    await Promise.all(all);
    expect(order).toEqual(['a goes on', 'b goes on', 'c goes on', 'd goes on', 'e goes on']);
  });

  it('begins the next as soon as one is given back', async () => {
    const line = new Line({ burst: 1, everyMs: 60_000, waitingMax: 10 });
    expect(await enter(line, 'office', 'a')).toBe('goes on');
    const waits = enter(line, 'office', 'b');
    expect(await now(waits)).toBe('waits');
    line.giveBack('office');
    expect(await waits).toBe('goes on');
  });

  it('gives whoever comes back after a refusal a place that new names do not have', async () => {
    const line = new Line({ burst: 1, everyMs: 60_000, waitingMax: 8 });
    await enter(line, 'office', 'first');
    for (let i = 0; i < 6; i++) expect(await now(enter(line, 'office', `made up ${i}`))).toBe('waits');
    expect(await now(enter(line, 'office', 'owner'))).toBe('refused');
    for (let i = 0; i < 100; i++) expect(await now(enter(line, 'office', `made up again ${i}`))).toBe('refused');
    expect(await now(enter(line, 'office', 'owner'))).toBe('waits');
    expect(await now(enter(line, 'elsewhere', 'owner'))).toBe('goes on');
  });

  it('forgets keys under which nobody waits', async () => {
    const line = new Line({ burst: 1, everyMs: 1, waitingMax: 8 });
    await Promise.all(['a', 'b', 'c'].map((name) => enter(line, 'office', name)));
    expect((line as unknown as { waiting: Map<string, unknown> }).waiting.size).toBe(0);
  });
});
