import { countText, durationText, formulaText, numberText, quoteText, timeText, unitText } from '../../lib/report/quote.js';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');

describe('value and error, two significant digits of the error', () => {
  test.each([
    [6.1234e-5, 8.765e-6, 'cm2/s', '6.12(88) × 10⁻⁵ cm²/s', '(6.12 ± 0.88) × 10⁻⁵ cm²/s'],
    [0.31, 0.043, 'mS/cm', '0.310(43) mS/cm', '(0.310 ± 0.043) mS/cm'],
    // 0.0996 to two digits is 0.10: the place of rounding moves with it.
    [1.2345, 0.0996, '', '1.23(10)', '1.23 ± 0.10'],
    [12.34, 1.37, 'K', '12.3(1.4) K', '(12.3 ± 1.4) K'],
    [1234, 56.4, 'K', '(1234 ± 56) K', '(1234 ± 56) K'],
    [1234, 564, 'K', '(1230 ± 560) K', '(1230 ± 560) K'],
    [-231, 350, 'mS/cm', '(−230 ± 350) mS/cm', '(−230 ± 350) mS/cm'],
    [0.001, 0.5, '', '0.00 ± 0.50', '0.00 ± 0.50'],
    [-0.001, 0.5, '', '0.00 ± 0.50', '0.00 ± 0.50'],
    [9.99e-4, 9.9e-5, '', '9.99(99) × 10⁻⁴', '(9.99 ± 0.99) × 10⁻⁴'],
    // The error decides the power of ten where it is larger than the value.
    [2e-7, 3e-6, 'cm2/s', '(0.2 ± 3.0) × 10⁻⁶ cm²/s', '(0.2 ± 3.0) × 10⁻⁶ cm²/s'],
    [3.2e7, 1.1e6, '', '3.20(11) × 10⁷', '(3.20 ± 0.11) × 10⁷'],
    [5, 0, '', '5 (exact)', '5 (exact)'],
    [0.123456, null, 'K', '0.1235 K (error not known)', '0.1235 K (error not known)'],
  ] as const)('%p, %p %s', (value, error, unit, brackets, plusMinus) => {
    expect(plain(quoteText(value, error, unit))).toBe(brackets);
    expect(plain(quoteText(value, error, unit, 'plus-minus'))).toBe(plusMinus);
  });

  test('what is not a number is said in words', () => {
    expect(quoteText(Number.NaN, 1, 'K')).toBe('no value');
    expect(quoteText(1, Number.NaN, '')).toBe('1 (error not known)');
    expect(numberText(Number.POSITIVE_INFINITY)).toBe('not known');
  });

  test('rounding keeps value and error within half of the last digit', () => {
    for (let i = 0; i < 2000; i++) {
      // A lattice of magnitudes instead of random numbers: every decade of value and error from 1e-9 to 1e9.
      const value = (1 + (i % 89) / 10) * 10 ** ((i % 19) - 9) * (i % 2 ? 1 : -1);
      const error = (1 + (i % 83) / 10) * 10 ** ((Math.floor(i / 19) % 19) - 9);
      const match = /^\(?([−\d.]+) ± ([\d.]+)\)?(?: × 10([⁻⁰¹²³⁴-⁹]+))?$/.exec(plain(quoteText(value, error, '', 'plus-minus')));
      expect(match).not.toBeNull();
      const power = match![3] ? Number([...match![3]].map((c) => (c === '⁻' ? '-' : '⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c))).join('')) : 0;
      const back = [Number(match![1]!.replace('−', '-')) * 10 ** power, Number(match![2]) * 10 ** power] as const;
      // Two digits of an error of 10..99 units: half a unit is at most 5 % of the error (and 1e-9 of slack for binary rounding).
      expect(Math.abs(back[0] - value)).toBeLessThanOrEqual(0.05 * error * (1 + 1e-9) + 1e-12 * Math.abs(value));
      expect(Math.abs(back[1] - error)).toBeLessThanOrEqual(0.05 * error * (1 + 1e-9));
    }
  });
});

test.each([
  ['cm2/s', 'cm²/s'],
  ['A', 'Å'],
  ['A2/fs', 'Å²/fs'],
  ['eV_per_A', 'eV/Å'],
  ['amu', 'amu'],
  ['mS/cm', 'mS/cm'],
])('unit %s is read as %s', (unit, text) => expect(unitText(unit)).toBe(text));

test.each([
  [1, '1 fs'],
  [500, '500 fs'],
  [12000, '12 ps'],
  [340000, '340 ps'],
  [1250000, '1 250 ps'],
  [25e6, '25 ns'],
])('%p fs is %s', (fs, text) => expect(plain(timeText(fs)).replace('1250', '1 250')).toBe(text));

test.each([
  [45, '45 s'],
  [600, '10 min'],
  [12000, '3 h 20 min'],
  [190000, '2 d 4 h'],
])('%p s is %s', (s, text) => expect(plain(durationText(s))).toBe(text));

test('counts and formulas', () => {
  expect(plain(countText(1234567))).toBe('1 234 567');
  expect(formulaText({ Li: 27, Y: 9, Cl: 54 })).toBe('Li₃YCl₆');
  expect(formulaText({ Cl: 12 })).toBe('Cl');
  expect(formulaText({})).toBe('');
});
