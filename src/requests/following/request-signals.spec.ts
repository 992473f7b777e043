import { setImmediate as breathe } from 'node:timers/promises';
import { type Notifications } from '../../database/notifications';
import { type StatementPool } from '../../database/statement-pool';
import { RequestSignals } from './request-signals';

describe('signals of requests', () => {
  it('are kept in a bounded number while the database does not take them, and wake those who wait here all the same', async () => {
    const sent: string[][] = [];
    const held: (() => void)[] = [];
    const notify = (_: string, parts: string[]) => {
      sent.push(parts);
      return new Promise<void>((resolve) => held.push(resolve));
    };
    const signals = new RequestSignals({} as Notifications, { notify } as unknown as StatementPool);
    let woken = 0;
    signals.onChanged(() => woken++);
    signals.changed('first');
    await breathe();
    await breathe();
    for (let i = 0; i < 30_000; i++) signals.changed(`id-${i}`);
    expect(woken).toBe(30_001);
    held[0]?.();
    while (sent.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const names = sent[1]?.flatMap((part) => part.split(' ').slice(1)) ?? [];
    expect(names).toHaveLength(10_000);
    held[1]?.();
  });
});
