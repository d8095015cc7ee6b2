/** Numbers as a paper prints them: rounded to their error, units with raised exponents, times in the fitting unit. */

const SUPERSCRIPTS: Record<string, string> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
};
const MINUS = '−';
/** No break between a number and what belongs to it. */
const NBSP = '\u00a0';

const raise = (exponent: number | string): string => String(exponent).replace(/[-\d]/g, (c) => SUPERSCRIPTS[c]!);
const signed = (text: string): string => text.replace(/^-/, MINUS);

/** `cm2/s` -> cm²/s, `g_per_cm3` -> g/cm³, `A` -> Å. Only for reading: files keep the plain names. */
export function unitText(unit: string): string {
  return unit
    .replaceAll('_per_', '/')
    .replace(/([A-Za-z])(-?\d+)/g, (_, letter: string, digits: string) => letter + raise(digits))
    .replace(/(?<![A-Za-z])A(?![A-Za-z])/g, 'Å');
}

const withUnit = (text: string, unit: string): string => (unit === '' || unit === '1' ? text : `${text}${NBSP}${unitText(unit)}`);

/** Power of ten of the leading digit after rounding to `digits` significant digits (9.97 to two digits is 1.0e1). */
function leadingPower(value: number, digits: number): number {
  return Number(
    Math.abs(value)
      .toExponential(digits - 1)
      .split('e')[1],
  );
}

/** A number without an error: `digits` significant digits, as a power of ten outside 1e-3..1e6. */
export function numberText(value: number, unit = '', digits = 4): string {
  if (!Number.isFinite(value)) return 'not known';
  if (value === 0) return withUnit('0', unit);
  const power = leadingPower(value, digits);
  if (power < -3 || power >= 6) {
    const mantissa = Number((value / 10 ** power).toPrecision(digits));
    return withUnit(`${signed(String(mantissa))}${NBSP}×${NBSP}10${raise(power)}`, unit);
  }
  return withUnit(signed(String(Number(value.toPrecision(digits)))), unit);
}

/** Whole numbers with thin spaces between thousands. */
export function countText(value: number): string {
  if (!Number.isFinite(value)) return 'not known';
  return signed(String(Math.round(value))).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

export type QuoteStyle = 'brackets' | 'plus-minus';

/**
 * Value and error rounded to two significant digits of the error: `6.12(34) × 10⁻⁵ cm²/s`, or
 * `(6.12 ± 0.34) × 10⁻⁵ cm²/s`. Where the error has digits left of the decimal point (1230 ± 560), or is larger than the value,
 * brackets would mislead and ± is used. Without an error the number says so.
 */
export function quoteText(value: number, error: number | null | undefined, unit: string, style: QuoteStyle = 'brackets'): string {
  if (!Number.isFinite(value)) return 'no value';
  if (error === null || error === undefined || !Number.isFinite(error) || error < 0)
    return `${numberText(value, unit)} (error not known)`;
  if (error === 0) return `${numberText(value, unit, 6)} (exact)`;
  const errorPower = leadingPower(error, 2);
  // Of the value as it will be printed: 9.996 with an error of 0.10 becomes 10.00.
  const step = 10 ** (errorPower - 1);
  const printed = Math.round(value / step) * step;
  const power = Math.max(printed === 0 ? errorPower : leadingPower(printed, 12), errorPower);
  const scientific = power < -3 || power >= 6;
  const scale = scientific ? power : 0;
  // One digit after the leading digit of the error is kept; rounding left of the point needs a division instead of toFixed.
  const decimals = scale - (errorPower - 1);
  const rounded = (x: number): string => {
    const scaled = x / 10 ** scale;
    if (decimals >= 0) return scaled.toFixed(Math.min(decimals, 20));
    return String(Math.round(scaled / 10 ** -decimals) * 10 ** -decimals);
  };
  const valueText = signed(rounded(value).replace(/^-(0(?:\.0*)?)$/, '$1'));
  const errorText = rounded(error);
  // The one place where a narrow column may break the line is before the power of ten.
  const factor = scientific ? ` ×${NBSP}10${raise(power)}` : '';
  if (style === 'brackets' && decimals > 0 && Math.abs(value) >= error) {
    // Digits of the error are those of the last places of the value; an error of 1 or more keeps its point: 12.3(1.4).
    const digits = Number(errorText) < 1 ? errorText.replace('.', '').replace(/^0+/, '') : errorText;
    return withUnit(`${valueText}(${digits})${factor}`, unit);
  }
  const both = `${valueText}${NBSP}±${NBSP}${errorText}`;
  return withUnit(factor === '' && (unit === '' || unit === '1') ? both : `(${both})${factor}`, unit);
}

const TIME_UNITS: readonly (readonly [string, number])[] = [
  ['s', 1e15],
  ['ms', 1e12],
  ['µs', 1e9],
  ['ns', 1e6],
  ['ps', 1e3],
  ['fs', 1],
];

/** The unit in which `span` fs has a number of 1 or more, and its size in fs; tens of ps are kept below 10 ns, as papers do. */
export function timeUnit(span: number): { unit: string; size: number } {
  for (const [unit, size] of TIME_UNITS) {
    if (Math.abs(span) >= (unit === 'ns' ? 2 * size : size)) return { unit, size };
  }
  return { unit: 'fs', size: 1 };
}

/** A time in fs as text: `12 ps`, `1.25 ns`. */
export function timeText(fs: number, digits = 3): string {
  if (!Number.isFinite(fs)) return 'not known';
  const { unit, size } = timeUnit(fs);
  return numberText(fs / size, unit, digits);
}

/** Wall-clock seconds in words: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return 'not known';
  const s = Math.round(seconds);
  if (s < 90) return `${s}${NBSP}s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes}${NBSP}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours}${NBSP}h ${minutes % 60}${NBSP}min` : `${hours}${NBSP}h`;
  return `${Math.floor(hours / 24)}${NBSP}d ${hours % 24}${NBSP}h`;
}

/** Empirical formula with lowered digits: counts {Li: 27, Y: 9, Cl: 54} give Li₃YCl₆. */
export function formulaText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).filter(([, count]) => Number.isInteger(count) && count > 0);
  if (entries.length === 0) return '';
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  const divisor = entries.reduce((d, [, count]) => gcd(d, count), 0);
  const lower = (n: number): string => (n === 1 ? '' : String(n).replace(/\d/g, (c) => String.fromCharCode(0x2080 + Number(c))));
  return entries.map(([symbol, count]) => symbol + lower(count / divisor)).join('');
}
