import { isISO8601, ValidateBy } from 'class-validator';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** An instant in RFC 3339 on a day that there is. Without its offset it would mean another instant on every machine. */
export const IsInstant = () =>
  ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value) => typeof value === 'string' && RFC_3339.test(value) && isISO8601(value, { strict: true }) && !Number.isNaN(Date.parse(value)),
      defaultMessage: () => 'must be an instant with its offset, such as 2030-01-31T12:00:00Z',
    },
  });
