import { preferredWait } from './prefer';

describe('preferredWait', () => {
  it.each([
    ['wait=10', 10],
    ['respond-async, wait=5', 5],
    ['Wait = "7"; x=1', 7],
    ['wait=100000', 60],
    ['wait=0', 0],
    ['handling=lenient', null],
    ['wait=-1', null],
    ['nowait=3', null],
    [['respond-async', 'wait=2'], 2],
    [undefined, null],
  ])('reads %j as %j', (field, seconds) => {
    expect(preferredWait(field)).toBe(seconds);
  });
});
