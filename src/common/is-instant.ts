import { isISO8601, ValidateBy } from 'class-validator';

const DAY = String.raw`(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const TIME = String.raw`T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?`;
/** PostgreSQL takes none beyond 15:59, so each instant is written in UTC for it. */
const OFFSET = String.raw`(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;

/** RFC 3339, but for leap seconds; whether the month has that day is another question. */
export const INSTANT = new RegExp(`^${DAY}${TIME}${OFFSET}$`, 'i');
const INSTANT_OR_DAY = new RegExp(`^${DAY}(?:${TIME}${OFFSET}?)?$`, 'i');

/** An instant in RFC 3339 on a day that there is. Without its offset it would mean another instant on every machine. */
export const IsInstant = () =>
  ValidateBy({
    name: 'isInstant',
    validator: {
      validate: isInstant,
      defaultMessage: () => 'must be an instant with its offset, such as 2030-01-31T12:00:00Z',
    },
  });

/** The same, or a day, which is its first instant in UTC: what lists are filtered by. */
export const IsInstantOrDay = () =>
  ValidateBy({
    name: 'isInstantOrDay',
    validator: {
      validate: (value) => typeof value === 'string' && INSTANT_OR_DAY.test(value) && isDay(value),
      defaultMessage: () => 'must be an instant or a day, such as 2030-01-31T12:00:00Z or 2030-01-31',
    },
  });

export function isInstant(value: unknown): boolean {
  return typeof value === 'string' && INSTANT.test(value) && isDay(value);
}

const DAY_ALONE = new RegExp(`^${DAY}$`);

/** A day of the calendar by itself, which is no instant: it begins at another one in every time zone. */
export const IsDay = () =>
  ValidateBy({
    name: 'isDay',
    validator: {
      validate: (value) => typeof value === 'string' && DAY_ALONE.test(value) && isDay(value),
      defaultMessage: () => 'must be a day of the calendar, such as 2030-01-31',
    },
  });

/** Whether the month has that day. */
function isDay(text: string): boolean {
  return isISO8601(text.slice(0, 'YYYY-MM-DD'.length), { strict: true });
}
