/** Coordination numbers and time means. */
import { blocking, meanEstimate } from '../../lib/analysis/blocking.js';
import { coordination } from '../../lib/analysis/coordination.js';
import type { Frame } from '../../lib/dynamics/frame.js';
import { readTrajectory } from '../../lib/io/read.js';
import { readNpy } from '../npy.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { framesOf, normals, relative } from './frames.js';

describe('coordination', () => {
  const a = 5.14;
  const cell = Float64Array.of(0, a / 2, a / 2, a / 2, 0, a / 2, a / 2, a / 2, 0);
  const rocksalt = framesOf(Array(10).fill(Float64Array.of(0, 0, 0, a / 2, a / 2, a / 2)), {
    symbols: ['Li', 'Cl'],
    interval: 100,
    cell,
  });

  test('rock salt from two atoms: six neighbours, twelve next ones; images count', () => {
    const result = coordination(rocksalt, { cutoffs: { 'Li-Cl': '3 A', 'Li-Li': 4 } });
    expect([...result.pairs['Li-Cl']!.mean_per_frame]).toEqual(Array(10).fill(6));
    expect(result.pairs['Li-Li']!.histogram).toEqual([...Array(12).fill(0), 10]);
    expect(result.pairs['Li-Cl']!.mean).toMatchObject({ value: 6, error: 0, status: 'ok' });
    expect([...result.total.Li!.mean_per_frame]).toEqual(Array(10).fill(18));
    expect([...result.time_fs]).toEqual(Array.from({ length: 10 }, (_, t) => 100 * t));
  });

  test('cut-off from the first minimum, also with fewer frames than it would look at', () => {
    const normal = normals(4);
    // 3 x 3 x 3 cells, so that the shells are those of a shaken crystal and not of a sliding sublattice.
    const positions: number[] = [];
    for (let i = 0; i < 27; i++) {
      const n = [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)];
      for (const s of [0, 0.5]) {
        const f = n.map((x) => x + s);
        for (let k = 0; k < 3; k++) positions.push(f[0]! * cell[k]! + f[1]! * cell[3 + k]! + f[2]! * cell[6 + k]!);
      }
    }
    const shaken = Array.from({ length: 25 }, () => Float64Array.from(positions, (x) => x + 0.12 * normal()));
    const symbols = Array.from({ length: 54 }, (_, i) => (i % 2 ? 'Cl' : 'Li'));
    const frames = framesOf(shaken, { symbols, interval: 1, cell: cell.map((x) => 3 * x) });
    for (const some of [frames, frames.slice(0, 7)]) {
      const { pairs } = coordination(some, { cutoffs: { 'Li-Cl': 'first-minimum' } });
      expect(pairs['Li-Cl']!.cutoff_A).toBeGreaterThan(2.9);
      expect(pairs['Li-Cl']!.cutoff_A).toBeLessThan(4.2);
      expect([...pairs['Li-Cl']!.mean_per_frame]).toEqual(some.map(() => 6));
    }
  });

  test.each([
    [{ cutoffs: {} }, /expected a cut-off/],
    [{ cutoffs: { 'Li-Cl': -1 } }, /not positive/],
    [{ cutoffs: { 'Mg-Cl': 3 } }, /no Mg/],
    [{ cutoffs: { 'Li-Cl': '3 ps' } }, /is a time/],
    [{ cutoffs: { 'Li-Cl': 'first' } }, /number/],
  ])('%j', (options, message) => {
    expect(() => coordination(rocksalt, options as { cutoffs: Record<string, string | number> })).toThrow(message);
  });

  test('no first minimum must be given', () => {
    const gas = framesOf([Float64Array.of(0, 0, 0, 9, 9, 9)], {
      symbols: ['Li', 'Cl'],
      interval: 1,
      cell: Float64Array.of(20, 0, 0, 0, 20, 0, 0, 0, 20),
    });
    expect(() => coordination(gas, { cutoffs: { 'Li-Cl': 'first-minimum' } })).toThrow(/no first minimum/);
  });
});

describe('time means', () => {
  /** Exact standard error of the mean of an AR(1) series of unit variance (analysis.md 7.1). */
  const exact = (a: number, n: number) => Math.sqrt(((1 + a) / (1 - a) - (2 * a * (1 - a ** n)) / (n * (1 - a) ** 2)) / n);
  const series = (a: number, n: number, seed: number) => {
    const normal = normals(seed);
    let x = normal();
    return Float64Array.from({ length: n }, () => {
      const now = x;
      x = a * x + Math.sqrt(1 - a * a) * normal();
      return now;
    });
  };

  test.each([
    [0, 4096],
    [0.6, 8192],
    [0.9, 16384],
    [0.97, 32768],
  ])('AR(1) with a = %d: the error is the exact one', (a, n) => {
    const errors = Array.from({ length: 12 }, (_, k) => blocking(series(a, n, 100 * k + 7)).error!);
    const mean = errors.reduce((sum, e) => sum + e, 0) / errors.length;
    // One estimate scatters by some 10 % (its level keeps 50 to 100 blocks), twelve by 3 %; the chosen level is biased low by up to 10 %.
    expect(Math.abs(mean / exact(a, n) - 1)).toBeLessThan(0.15);
  });

  test('a trend gets an error many times the naive one; too few samples get none', () => {
    const trend = Float64Array.from({ length: 64 }, (_, i) => i);
    const { error, levels } = blocking(trend);
    expect(error).toBeGreaterThan(2.5 * levels[0]!.error);
    expect(meanEstimate([1, 2, 3], '1')).toMatchObject({
      value: 2,
      error: null,
      status: 'insufficient',
      reasons: ['too-few-frames'],
    });
    expect(meanEstimate([], '1').value).toBeNull();
  });
});

describeReference('coordination and blocking (reference data)', () => {
  test('coordination numbers with given cut-offs: exact integers', async () => {
    const expected = referenceJson('analysis', '10_coordination', 'expected.json');
    const frames: Frame[] = [];
    for await (const frame of readTrajectory(referencePath('analysis', '10_coordination', 'trajectory.extxyz'))) {
      frames.push({ ...frame, step: frame.index, time: frame.index });
    }
    const cutoffs = Object.fromEntries(
      Object.entries<{ cutoff_A: number }>(expected.pairs).map(([name, { cutoff_A }]) => [name, cutoff_A]),
    );
    const result = coordination(frames, { cutoffs });
    for (const name of Object.keys(expected.pairs)) {
      const want = expected.pairs[name];
      const got = result.pairs[name]!;
      got.mean_per_frame.forEach((x, t) => {
        expect(x).toBeCloseTo(want.mean_per_frame[t], 9);
      });
      expect(got.histogram).toEqual(want.histogram);
      expect(got.mean.value).toBeCloseTo(want.time_average, 9);
    }
    for (const name of Object.keys(expected.total_anion_cn_per_frame)) {
      result.total[name]!.mean_per_frame.forEach((x, t) => {
        expect(x).toBeCloseTo(expected.total_anion_cn_per_frame[name][t], 9);
      });
    }
  });

  test('blocking table of a current', () => {
    const expected = referenceJson('analysis', '07_ou_current', 'expected.json').blocking_component_x;
    const current = readNpy(referencePath('analysis', '07_ou_current', 'current.npy'));
    const stride = current.shape[1]!;
    const result = blocking(Float64Array.from({ length: current.shape[0]! }, (_, t) => current.data[t * stride]!));
    expect(result.levels.length).toBe(expected.rows.length);
    expected.rows.forEach(([length, blocks, error, errorOfError]: number[], i: number) => {
      const level = result.levels[i]!;
      expect([level.blockLength, level.blocks]).toEqual([length, blocks]);
      // rel 1e-10: the tolerance of the data.
      expect(relative(level.error, error!)).toBeLessThan(1e-10);
      expect(relative(level.errorOfError, errorOfError!)).toBeLessThan(1e-10);
    });
    // The exact error lies within three of the error's own at the chosen level.
    const chosen = result.levels.find((level) => level.blockLength === result.blockLength)!;
    expect(Math.abs(chosen.error - expected.exact_se_of_mean)).toBeLessThan(3 * chosen.errorOfError);
  });
});
