/**
 * Numbers in text files: exact reading from bytes without creating strings where that is possible, and exact decimal shifts.
 *
 * Files hold A/ps and ps, the package A/fs and fs: a factor of 1000 is a shift of the decimal exponent, which is exact in text
 * where a product of doubles is not. So a velocity survives writing and reading bit for bit (structures.md 7.4).
 */

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const MINUS = 45;
const PLUS = 43;
const POINT = 46;

/** What {@link parseReal} returns for bytes that are not a number; a finite number is never NaN. */
export const NOT_A_NUMBER = Number.NaN;

/**
 * The number in bytes [start, end) times 10^shift, correctly rounded: `[+-] digits [. digits] [eEdD [+-] digits]`.
 * NaN where the bytes are anything else (`nan` and `inf` too); an overflow gives an infinity.
 */
export function parseReal(bytes: Uint8Array, start: number, end: number, shift = 0): number {
  let p = start;
  let negative = false;
  if (p < end && (bytes[p] === MINUS || bytes[p] === PLUS)) {
    negative = bytes[p] === MINUS;
    p++;
  }
  // The first 15 significant digits are an exact double, and so are the next few.
  let mantissa = 0;
  let tail = 0;
  let significant = 0;
  let digits = 0;
  let exponent = shift;
  let afterPoint = false;
  for (; p < end; p++) {
    const byte = bytes[p]!;
    const digit = byte - 48;
    if (digit >= 0 && digit <= 9) {
      digits++;
      if (significant > 0 || digit > 0) significant++;
      if (significant <= 15) mantissa = mantissa * 10 + digit;
      else if (significant <= 20) tail = tail * 10 + digit;
      if (afterPoint) exponent--;
    } else if (byte === POINT && !afterPoint) {
      afterPoint = true;
    } else {
      break;
    }
  }
  if (digits === 0) return NOT_A_NUMBER;
  const mantissaEnd = p;
  let written = 0;
  if (p < end) {
    const letter = bytes[p]! | 32;
    if (letter !== 101 && letter !== 100) return NOT_A_NUMBER;
    p++;
    let down = false;
    if (p < end && (bytes[p] === MINUS || bytes[p] === PLUS)) {
      down = bytes[p] === MINUS;
      p++;
    }
    if (p === end) return NOT_A_NUMBER;
    for (; p < end; p++) {
      const digit = bytes[p]! - 48;
      if (!(digit >= 0 && digit <= 9)) return NOT_A_NUMBER;
      // Beyond this every double has over- or underflowed, whatever the mantissa of a line shorter than this many characters.
      if (written < 1e9) written = written * 10 + digit;
    }
    if (down) written = -written;
    exponent += written;
  }
  // A power of ten up to 22 is an exact double too: one rounding, the correct one.
  if (significant <= 15 && exponent >= -22 && exponent <= 22) {
    const value = exponent >= 0 ? mantissa * POWERS_OF_TEN[exponent]! : mantissa / POWERS_OF_TEN[-exponent]!;
    return negative ? -value : value;
  }
  if (significant > 15 && significant <= 20 && exponent >= -22 && exponent <= 0) {
    const value = quotient(mantissa, POWERS_OF_TEN[significant - 15]!, tail, POWERS_OF_TEN[-exponent]!);
    if (!Number.isNaN(value)) return negative ? -value : value;
  }
  return Number(`${latin1(bytes, start, mantissaEnd)}e${written + shift}`);
}

/**
 * (a b + c) / d, correctly rounded, or NaN where twice the working precision does not decide the last bit (about one number in
 * a thousand). All arguments are exact doubles below 1e23.
 */
function quotient(a: number, b: number, c: number, d: number): number {
  const high = a * b;
  const low = productError(a, b, high) + c;
  const first = high / d;
  const product = first * d;
  const second = (high - product - productError(first, d, product) + low) / d;
  // `second` carries three roundings of relative size 2^-53 on parts that may cancel to a quarter: 2^-48 covers them.
  const doubt = (Math.abs(second) + Math.abs(low / d)) * 3.552713678800501e-15;
  const below = first + (second - doubt);
  return below === first + (second + doubt) ? below : Number.NaN;
}

/** a b - fl(a b), exactly (Dekker 1971; JavaScript has no fused multiply-add). */
function productError(a: number, b: number, product: number): number {
  const pa = a * 134217729;
  const ah = pa - (pa - a);
  const al = a - ah;
  const pb = b * 134217729;
  const bh = pb - (pb - b);
  const bl = b - bh;
  return al * bl - (product - ah * bh - al * bh - ah * bl);
}

/** The integer in bytes [start, end), or NaN. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  let negative = false;
  if (p < end && (bytes[p] === MINUS || bytes[p] === PLUS)) {
    negative = bytes[p] === MINUS;
    p++;
  }
  if (p === end) return NOT_A_NUMBER;
  let value = 0;
  for (; p < end; p++) {
    const digit = bytes[p]! - 48;
    if (!(digit >= 0 && digit <= 9)) return NOT_A_NUMBER;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** Bytes as text, one character a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$/;

/** The same for text: the number times 10^shift, or undefined where the text is not a number. */
export function realFromText(text: string, shift = 0): number | undefined {
  if (!REAL.test(text)) return undefined;
  const [mantissa, exponent] = text.toLowerCase().replace('d', 'e').split('e') as [string, string?];
  return Number(`${mantissa}e${Number(exponent ?? 0) + shift}`);
}

/** The shortest text that reads back to the same double; keeps the sign of zero. */
export function shortest(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Shortest text of `value` times 10^shift, exact in decimal: reading it with the opposite shift gives the same double. */
export function shortestShifted(value: number, shift: number): string {
  if (value === 0 || shift === 0) return shortest(value);
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power) + shift;
  if (exponent < -6 || exponent > 20) return `${mantissa}e${exponent}`;
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace('-', '').replace('.', '');
  let text: string;
  if (exponent < 0) text = `0.${'0'.repeat(-exponent - 1)}${digits}`;
  else if (digits.length <= exponent + 1) text = digits.padEnd(exponent + 1, '0');
  else text = `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  return negative ? `-${text}` : text;
}
