import { Transform } from 'class-transformer';

/** Digits only: `0x10`, `1e1` and `1.0` are no whole numbers in a query. Beyond what a double counts, it is the largest that it does. */
export const WholeNumber = () =>
  Transform(({ value }) => (/^\d{1,400}$/.test(String(value)) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : (value as unknown)));
