import { Transform } from 'class-transformer';

/** Digits only: `0x10`, `1e1` and `1.0` are no whole numbers in a query. */
export const WholeNumber = () => Transform(({ value }) => (/^\d{1,9}$/.test(String(value)) ? Number(value) : (value as unknown)));
