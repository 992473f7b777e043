import { lastSlot, nextSlot } from './cron-slots';

const at = (iso: string) => new Date(iso);

describe('cron slots', () => {
  it.each([
    ['*/15 * * * *', 'Etc/UTC', '2026-11-22T10:07:31Z', '2026-11-22T10:00:00Z', '2026-11-22T10:15:00Z'],
    ['*/15 * * * *', 'Etc/UTC', '2026-11-22T10:15:00Z', '2026-11-22T10:15:00Z', '2026-11-22T10:30:00Z'],
    ['0 0 * * *', 'Europe/Berlin', '2026-11-22T10:00:00Z', '2026-11-21T23:00:00Z', '2026-11-22T23:00:00Z'],
    ['0 0 1 * *', 'Asia/Kathmandu', '2026-11-22T10:00:00Z', '2026-10-31T18:15:00Z', '2026-11-30T18:15:00Z'],
    ['*/5 * * * * *', 'Etc/UTC', '2026-11-22T10:00:13Z', '2026-11-22T10:00:10Z', '2026-11-22T10:00:15Z'],
  ])('%s in %s around %s', (expression, zone, now, last, next) => {
    expect(lastSlot(expression, zone, at(now))).toEqual(at(last));
    expect(nextSlot(expression, zone, at(now))).toEqual(at(next));
  });
});
