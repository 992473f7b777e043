/** Every decimal of so many digits is distinguished by a double, within its normal range. */
const SAFE_DIGITS = 15;
const SMALLEST_NORMAL = 2.2250738585072014e-308;
/** No double needs more, however small it is. */
const MAX_DIGITS = 767;

/**
 * Whether the double that the text stands for is what the text spells: exactly, or as doubles are written, in as few digits as
 * distinguish it from its neighbours or in 17. Takes time in proportion to the text: a body may be full of such numbers.
 *
 * @param text a number in JSON's grammar
 */
export function isExactNumber(text: string): boolean {
  const value = +text;
  if (value - value !== 0) return false;
  if (isNormal(value) && (text.length <= SAFE_DIGITS || `${value}` === text)) return true;
  const sent = decimalOf(text);
  if (sent.digits === '') return true;
  if (sent.digits.length <= SAFE_DIGITS && isNormal(value)) return true;
  if (sent.digits.length <= 17) return sameDecimal(decimalOf(`${value}`), sent) || sameDecimal(decimalOf(value.toPrecision(17)), sent);
  return sent.digits.length <= MAX_DIGITS && isExactly(value < 0 ? -value : value, sent);
}

function isNormal(value: number): boolean {
  return value >= SMALLEST_NORMAL || value <= -SMALLEST_NORMAL;
}

/** digits × 10^exponent, without zeros at either end of the digits; none for zero. */
interface Decimal {
  digits: string;
  exponent: number;
}

function decimalOf(text: string): Decimal {
  const small = text.indexOf('e');
  const e = small === -1 ? text.indexOf('E') : small;
  const end = e === -1 ? text.length : e;
  const found = text.indexOf('.');
  const point = found === -1 ? end : found;
  let first = text.startsWith('-') ? 1 : 0;
  let last = end - 1;
  while (first <= last && isNoDigit(text.charCodeAt(first))) first++;
  while (last >= first && isNoDigit(text.charCodeAt(last))) last--;
  if (first > last) return { digits: '', exponent: 0 };
  const digits = text.slice(first, last + 1).replace('.', '');
  const shift = last < point ? point - last - 1 : point - last;
  return { digits, exponent: (e === -1 ? 0 : +text.slice(e + 1)) + shift };
}

/** A zero or the point: neither counts at the ends. */
function isNoDigit(c: number): boolean {
  return c === 0x30 || c === 0x2e;
}

function sameDecimal(a: Decimal, b: Decimal): boolean {
  return a.exponent === b.exponent && a.digits === b.digits;
}

/** A fraction with f decimal places is a double if and only if it is m × 2^-f with a whole m below 2^53: its digits are then m × 5^f. */
function isExactly(value: number, { digits, exponent }: Decimal): boolean {
  if (exponent >= 0) return Number.isInteger(value) && BigInt(digits) * 10n ** BigInt(exponent) === BigInt(value);
  // In two steps, each of which is exact: 2^f alone may be more than a double holds.
  const half = -exponent >> 1;
  const m = value * 2 ** half * 2 ** (-exponent - half);
  return Number.isSafeInteger(m) && BigInt(digits) === BigInt(m) * 5n ** BigInt(-exponent);
}
