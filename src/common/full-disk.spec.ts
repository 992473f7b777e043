import { FullDisk } from './full-disk';

describe('FullDisk', () => {
  it('counts a failure for five seconds, and that of a full disk alone', () => {
    const disk = new FullDisk();
    disk.note(Object.assign(new Error('x'), { code: '40001' }), 0);
    expect(disk.problemAt(0)).toBeNull();
    disk.note(Object.assign(new Error('x'), { code: '53100' }), 1_000);
    expect(disk.problemAt(5_999)).toMatch(/no room/);
    expect(disk.problemAt(6_000)).toBeNull();
  });
});
