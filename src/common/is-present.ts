import { ValidateBy } from 'class-validator';

/** The field was sent; null is a value like any other. */
export const IsPresent = () =>
  ValidateBy({ name: 'isPresent', validator: { validate: (value) => value !== undefined, defaultMessage: () => 'must be given' } });
