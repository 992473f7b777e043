import { type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as breathe } from 'node:timers/promises';
import { FairEntry } from './fair-entry';

describe('the entry of requests', () => {
  const begun: string[] = [];
  const gone = new Set<string>();
  const entry = new FairEntry((request) => void begun.push(request.url as string));
  const enter = (caller: string, url: string): void => {
    const request = { url, headers: { authorization: caller }, socket: { destroyed: gone.has(url) } } as unknown as IncomingMessage;
    entry.enter(request, {} as ServerResponse);
  };
  beforeEach(async () => {
    for (let i = 0; i < 100; i++) await breathe();
    begun.length = 0;
  });

  it('begins few requests at once without a pause', () => {
    enter('a', 'a1');
    enter('b', 'b1');
    expect(begun).toEqual(['a1', 'b1']);
  });

  it("begins another caller's request in the next round, however many of one caller came before it, and all in the end", async () => {
    for (let i = 0; i < 200; i++) enter('a', `a${i}`);
    enter('b', 'b1');
    enter('c', 'c1');
    expect(begun.length).toBeLessThan(10);
    await breathe();
    expect(begun.slice(0, 20)).toEqual(expect.arrayContaining(['b1', 'c1']));
    expect(begun.length).toBeLessThan(20);
    for (let i = 0; i < 50; i++) await breathe();
    expect(begun.filter((url) => url.startsWith('a'))).toEqual(Array.from({ length: 200 }, (_, i) => `a${i}`));
  });

  it('begins nothing for who has gone', async () => {
    gone.add('a10');
    for (let i = 0; i < 20; i++) enter('a', `a${i}`);
    for (let i = 0; i < 10; i++) await breathe();
    expect(begun).toHaveLength(19);
    expect(begun).not.toContain('a10');
  });
});
