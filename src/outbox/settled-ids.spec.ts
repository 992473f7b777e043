import { SettledIds } from './settled-ids';

describe('the floor of the relay', () => {
  let at = 0;
  const pass = (lastId: number, isThrough = true) => ({ lastId, isThrough, at: (at += 2_000) });
  const held = (...writers: string[]) => jest.fn(() => Promise.resolve(writers));

  it('asks nothing while few ids were drawn', async () => {
    const ids = new SettledIds();
    const writers = held();
    await ids.follow(pass(4_999), writers);
    expect([ids.floor, writers.mock.calls.length]).toEqual([0, 0]);
  });

  it('rises to an id once a pass is through that began when all who may have drawn it had ended', async () => {
    const ids = new SettledIds();
    await ids.follow(pass(10_000), held('1/7', '2/8'));
    await ids.follow(pass(11_000), held('2/8', '3/1'));
    expect(ids.floor).toBe(0);
    await ids.follow(pass(12_000), held('3/1', '4/1'));
    expect(ids.floor).toBe(0);
    await ids.follow(pass(12_500, false), held());
    expect(ids.floor).toBe(0);
    await ids.follow(pass(13_000), held());
    expect(ids.floor).toBe(10_000);
  });

  it('never counts the pass that ended before the look', async () => {
    const ids = new SettledIds();
    await ids.follow(pass(10_000), held());
    expect(ids.floor).toBe(0);
    await ids.follow(pass(10_000), held());
    expect(ids.floor).toBe(10_000);
  });

  it('stays where it is while somebody who recorded an event goes on', async () => {
    const ids = new SettledIds();
    for (let i = 1; i < 10; i++) await ids.follow(pass(i * 10_000), held('1/7'));
    expect(ids.floor).toBe(0);
  });

  it('looks once a second, however many passes there are', async () => {
    const ids = new SettledIds();
    const writers = held('1/7');
    at += 2_000;
    for (let i = 0; i < 50; i++) await ids.follow({ lastId: 10_000, isThrough: true, at: at + i }, writers);
    expect(writers).toHaveBeenCalledTimes(1);
  });

  it('begins anew where ids begin anew', async () => {
    const ids = new SettledIds();
    for (let i = 0; i < 2; i++) await ids.follow(pass(10_000), held());
    await ids.follow(pass(50), held());
    expect(ids.floor).toBe(0);
  });
});
