import { cpuMsOf } from '../../test/support/cpu-time';
import { isSchedule, lastSlot, nextSlot } from './cron-slots';

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

describe('an expression that ticks often on few days', () => {
  it.each([
    ['* * * 1 1 *', '2026-11-22T10:00:00Z', '2026-01-01T23:59:59Z'],
    ['* * 1 * *', '2026-11-22T10:00:00Z', '2026-11-01T23:59:00Z'],
    ['* * * 29 2 *', '2024-12-31T00:00:00Z', '2024-02-29T23:59:59Z'],
    ['0 0 29 2 *', '2026-11-22T10:00:00Z', null],
  ])('%s before %s is found without walking through its ticks', (expression, now, last) => {
    expect(lastSlot(expression, 'Etc/UTC', at(now))).toEqual(last === null ? null : at(last));
    expect(cpuMsOf(() => lastSlot(expression, 'Etc/UTC', at(now)), 100)).toBeLessThan(500);
  });
});

describe('a schedule', () => {
  it.each([
    ['0 0 30 2 *', 'Etc/UTC'],
    ['0 0 31 4,6,9,11 *', 'Etc/UTC'],
    ['*/15 * * * *', 'Nowhere/Land'],
    ['61 * * * *', 'Etc/UTC'],
    ['', 'Etc/UTC'],
    [`${'0,'.repeat(5_000)}0 * * * *`, 'Etc/UTC'],
    [7, 'Etc/UTC'],
    ['*/15 * * * *', null],
    [{}, []],
  ])('is not %j in %j', (expression, zone) => expect(isSchedule(expression, zone)).toBe(false));

  it.each([
    ['0 0 29 2 *', 'Asia/Kathmandu'],
    ['@daily', 'Etc/UTC'],
    ['30 2 28 3 *', 'Europe/Berlin'],
  ])('is %j in %j', (expression, zone) => expect(isSchedule(expression, zone)).toBe(true));
});
