import fc from 'fast-check';
import { parseInteger, parseReal, realFromText, shortest, shortestShifted } from '../../lib/io/number-text.js';

const parse = (text: string, shift = 0) => {
  const bytes = Buffer.from(`xx${text}yy`);
  return parseReal(bytes, 2, bytes.length - 2, shift);
};

/** Values as they stand in files, and hard ones: bits at random over the whole range. */
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 1024),
);

describe('reading numbers from bytes', () => {
  test('agrees with the language for every number of digits', () => {
    fc.assert(
      fc.property(double, fc.integer({ min: 0, max: 24 }), (x, digits) => {
        const small = Math.abs(x) < 1e20;
        for (const text of [String(x), small ? x.toFixed(digits) : String(x), small ? x.toExponential(digits) : String(x)]) {
          expect(parse(text)).toBe(Number(text));
        }
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });

  test('halfway cases and their neighbours', () => {
    // 2^53 + 1 lies halfway between two doubles; so do these fractions of powers of two, written out in full.
    for (const text of [
      '9007199254740993',
      '9007199254740993.0',
      '9007199254740992.9',
      '9007199254740993.1',
      '4503599627370496.5',
      '4503599627370497.5',
      '4503599627370495.25',
      '1125899906842624.125',
      '1125899906842624.375',
    ]) {
      expect(parse(text)).toBe(Number(text));
      expect(parse(`-${text}`)).toBe(-Number(text));
    }
  });

  test.each([
    '',
    '+',
    '-',
    '.',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    'nan',
    'inf',
    'Infinity',
    '0x10',
    '1_000',
    '--1',
    '1e5.',
    '1f3',
    '1 ',
    '٣',
  ])('"%s" is no number', (text) => {
    expect(parse(text)).toBeNaN();
    expect(realFromText(text)).toBeUndefined();
  });

  test('signs, Fortran exponents, overflow and underflow', () => {
    expect(parse('-0')).toBe(-0);
    expect(parse('+.5d+01')).toBe(5);
    expect(parse('-3.D0')).toBe(-3);
    expect(parse('1e999999999999')).toBe(Number.POSITIVE_INFINITY);
    expect(parse('-1e-999999999999')).toBe(-0);
    expect(realFromText('5D-1')).toBe(0.5);
  });

  test('integers', () => {
    const integer = (text: string) => parseInteger(Buffer.from(text), 0, text.length);
    expect(integer('-17')).toBe(-17);
    expect(integer('+4')).toBe(4);
    for (const text of ['', '-', '1.0', '1e3', 'x']) expect(integer(text)).toBeNaN();
  });
});

test('a decimal shift and back gives the same bits; the product with 1000 does not', () => {
  let lost = 0;
  fc.assert(
    fc.property(double, (x) => {
      const text = shortestShifted(x, 3);
      expect(parse(text, -3)).toBe(x);
      expect(realFromText(text, -3)).toBe(x);
      expect(realFromText(shortest(x))).toBe(x);
      if ((x * 1000) / 1000 !== x) lost++;
    }),
    { numRuns: 5000, seed: 2 },
  );
  expect(lost).toBeGreaterThan(100);
});

test('shifted text is plain where a person would write it so', () => {
  expect(shortestShifted(0.0012, 3)).toBe('1.2');
  expect(shortestShifted(-1e-7, 3)).toBe('-0.0001');
  expect(shortestShifted(12345, 3)).toBe('12345000');
  expect(shortestShifted(1500, -3)).toBe('1.5');
  expect(shortestShifted(1e-9, 3)).toBe('0.000001');
  expect(shortestShifted(1e-10, 3)).toBe('1e-7');
  expect(shortestShifted(-0, 3)).toBe('-0');
});
