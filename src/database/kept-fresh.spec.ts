import { Logger } from '@nestjs/common';
import { KeptFresh } from './kept-fresh';

/** A channel that is notified by hand, and a row that is read. */
function kept() {
  const handlers: { changed?: (payload: string) => void; gap?: () => void | Promise<void> } = {};
  const notifications = {
    on: (_: string, handler: (payload: string) => void) => Promise.resolve(void (handlers.changed = handler)),
    onGap: (handler: () => void | Promise<void>) => void (handlers.gap = handler),
  };
  const row = { value: 1, failures: 0, reads: 0 };
  const value = new KeptFresh(notifications, {
    name: 'row',
    channel: 'rows',
    initial: 0,
    read: async () => {
      row.reads++;
      const seen = row.value;
      await new Promise(setImmediate);
      if (row.failures-- > 0) throw new Error('not now');
      return seen;
    },
  });
  return { handlers, row, value };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

describe('a value that is kept fresh', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('is what counts initially, then what was read, then what a notification or a gap made it read', async () => {
    const { handlers, row, value } = kept();
    expect(value.value).toBe(0);
    await value.start();
    expect(value.value).toBe(1);
    row.value = 2;
    handlers.changed?.('');
    await until(() => value.value === 2);
    row.value = 3;
    await handlers.gap?.();
    expect(value.value).toBe(3);
    value.stop();
  });

  it('is read by one read for all who ask while another is under way, and that one begins after they asked', async () => {
    const { row, value } = kept();
    await value.start();
    const first = value.refresh();
    await until(() => row.reads === 2);
    row.value = 4;
    await Promise.all([value.refresh(), value.refresh(), value.refresh(), first]);
    expect([value.value, row.reads]).toEqual([4, 3]);
    value.stop();
  });

  it('is tried again by itself until a read does not fail', async () => {
    const { handlers, row, value } = kept();
    await value.start();
    [row.value, row.failures] = [5, 2];
    handlers.changed?.('');
    await until(() => value.value === 5);
    value.stop();
  });
});
