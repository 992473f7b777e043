import { isInstant } from './is-instant';

describe('an instant', () => {
  it.each([
    '2030-01-31T12:00:00Z',
    '2030-01-31t12:00:00.123456789+00:00',
    '2030-01-31T12:00:00+15:59',
    '2030-01-31T12:00:00-16:00',
    '2030-01-31T12:00:00+23:59',
  ])('has any offset that RFC 3339 has, as in %s, and is one of the calendar', (text) => {
    expect(isInstant(text)).toBe(true);
    expect(new Date(text).getTime()).not.toBeNaN();
  });

  it.each(['2030-01-31T12:00:00', '2030-01-31T12:00:00+24:00', '2030-01-31T12:00:00+23:60', '2030-02-30T12:00:00Z', '2030-01-31T24:00:00Z', 5])(
    'is not %j',
    (text) => expect(isInstant(text)).toBe(false),
  );
});
