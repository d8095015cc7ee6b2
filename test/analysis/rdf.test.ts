/** Radial distribution functions: exact counts in any cell, crystals, the ideal gas, subsets, the first minimum. */
import { firstShell } from '../../lib/analysis/first-minimum.js';
import { Rdf, rdf } from '../../lib/analysis/rdf.js';
import { RdfAtTimes } from '../../lib/analysis/rdf-at-times.js';
import type { Frame } from '../../lib/dynamics/frame.js';
import { SYMBOLS } from '../../lib/elements.js';
import { readTrajectory } from '../../lib/io/read.js';
import { nativeAddon } from '../../lib/native/loader.js';
import { pairHistogramOracle } from '../oracle/pair-histogram.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { framesOf, uniforms } from './frames.js';

function randomAtoms(n: number, cell: Float64Array, seed: number, spread = 1): Float64Array {
  const uniform = uniforms(seed);
  const out = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    const s = [spread * (uniform() - 0.3), spread * (uniform() - 0.3), spread * (uniform() - 0.3)];
    for (let k = 0; k < 3; k++) out[3 * i + k] = s[0]! * cell[k]! + s[1]! * cell[3 + k]! + s[2]! * cell[6 + k]!;
  }
  return out;
}

const tilted = Float64Array.of(7, 0.3, -0.2, 3.1, 6.5, 0.4, -2.7, 2.2, 8.1);
const small = Float64Array.of(2.1, 0, 0, 0.9, 1.9, 0, -0.7, 0.6, 2.4);

describe('counts against the definition', () => {
  const cases: [string, Float64Array, [boolean, boolean, boolean], number, number, number][] = [
    ['tilted cell, cutoff beyond half the width', tilted, [true, true, true], 30, 6.5, 1],
    ['cutoff of four cells', small, [true, true, true], 2, 9, 1],
    ['one atom', small, [true, true, true], 1, 7, 1],
    ['slab', tilted, [true, true, false], 30, 6, 1],
    ['wire, atoms far outside the cell', tilted, [false, true, false], 25, 6, 3],
    ['open cell', tilted, [false, false, false], 40, 5, 2],
    ['isolated', new Float64Array(9), [false, false, false], 40, 5, 1],
    ['large cell, many bins', tilted.map((x) => 2 * x), [true, true, true], 50, 3.3, 1],
  ];
  test.each(cases)('%s', (_, cell, pbc, n, cutoff, spread) => {
    const positions = randomAtoms(n, cell.some((x) => x !== 0) ? cell : tilted, 11 + n, spread);
    const groups = Int32Array.from({ length: n }, (_, i) => (i % 4) - 1);
    if (n === 1) groups[0] = 0;
    const input = { positions, cell, pbc, groups, ngroups: 3, binWidth: 0.05, bins: Math.round(cutoff / 0.05) };
    const expected = pairHistogramOracle(input);
    for (const threads of [1, 2, 8]) {
      const counts = new Float64Array(expected.length);
      nativeAddon().pairHistogram(positions, cell, pbc, groups, 3, input.binWidth, input.bins, counts, threads);
      expect(counts).toEqual(expected);
    }
    // The isolated few atoms of a wire may have no pairs; everything else must count some.
    expect(expected.some((x) => x > 0)).toBe(true);
  });
});

/** Frame with atomic numbers from symbols. */
function frameOf(symbols: string[], positions: Float64Array, cell: Float64Array, time = 0): Frame {
  const [frame] = framesOf([positions], { symbols, interval: 1, cell });
  return { ...frame!, time, step: time };
}

test('shells of crystals from primitive cells', () => {
  const a = 4;
  const fcc = Float64Array.of(0, a / 2, a / 2, a / 2, 0, a / 2, a / 2, a / 2, 0);
  const curve = rdf([frameOf(['Cu'], new Float64Array(3), fcc)], { cutoff: 7.6, bin: 0.01 }).pairs['Cu-Cu']!;
  const shells = [...curve.counts].flatMap((n, k) => (n > 0 ? [[k * 0.01, n] as const] : []));
  expect(shells.map(([, n]) => n)).toEqual([12, 6, 24, 12, 24, 8, 48]);
  [0.5, 1, 1.5, 2, 2.5, 3, 3.5].forEach((square, i) => {
    expect(Math.abs(shells[i]![0] - a * Math.sqrt(square))).toBeLessThanOrEqual(0.0101);
  });
  expect(curve.running_coordination.at(-1)).toBe(134);
});

test('ideal gas: every bin within its counting error, g = 1', () => {
  const cell = Float64Array.of(20, 0, 0, 4, 19, 0, -3, 5, 21);
  const n = 400;
  const frames = Array.from({ length: 10 }, (_, t) => frameOf(Array(n).fill('Li'), randomAtoms(n, cell, 100 + t), cell, t));
  const { pairs } = rdf(frames, { cutoff: 8, bin: 0.1, normalisation: 'pairs' });
  const { g, counts, error } = pairs['Li-Li']!;
  const volume = 20 * 19 * 21;
  let tested = 0;
  for (let k = 0; k < counts.length; k++) {
    const expected = (10 * n * (n - 1) * ((4 * Math.PI) / 3) * 0.001 * ((k + 1) ** 3 - k ** 3)) / volume;
    if (expected <= 40) continue;
    // Ordered pairs come in twos, so the variance of n is 2 n: 4.5 standard deviations.
    expect(Math.abs(counts[k]! - expected)).toBeLessThan(4.5 * Math.sqrt(2 * expected));
    expect(g[k]).toBeCloseTo(counts[k]! / expected, 10);
    expect(error[k]).toBeGreaterThan(0.5 * Math.sqrt(2 / expected));
    tested += 1;
  }
  expect(tested).toBeGreaterThan(50);
});

test('a subset normalises by its own number: g of a random half is g of the whole', () => {
  const cell = Float64Array.of(14, 0, 0, 2, 13, 0, -1, 3, 15);
  const symbols = Array.from({ length: 150 }, (_, i) => (i < 60 ? 'Mg' : 'Cl'));
  const frames = Array.from({ length: 6 }, (_, t) => frameOf(symbols, randomAtoms(150, cell, 300 + t), cell, t));
  const even = Array.from({ length: 30 }, (_, i) => 2 * i);
  const odd = even.map((i) => i + 1);
  const all = rdf(frames, {
    pairs: ['Mg-Cl', 'Mg-Mg', 'even-Cl', 'odd-Cl', 'even-Mg'],
    sets: { even, odd },
    cutoff: 6,
    bin: 0.5,
  });
  const { 'Mg-Cl': whole, 'even-Cl': first, 'odd-Cl': second } = all.pairs;
  whole!.counts.forEach((n, k) => {
    expect(first!.counts[k]! + second!.counts[k]!).toBe(n);
    expect((first!.g[k]! + second!.g[k]!) / 2).toBeCloseTo(whole!.g[k]!, 10);
  });
  // Sets that move with time count as the sum of their moments.
  const moving = rdf(frames, {
    pairs: ['fast-Cl'],
    sets: { fast: (frame) => (frame.step % 2 ? even : odd) },
    cutoff: 6,
    bin: 0.5,
  });
  const byHand = frames.map((frame) =>
    rdf([frame], { pairs: ['fast-Cl'], sets: { fast: frame.step % 2 ? even : odd }, cutoff: 6, bin: 0.5 }),
  );
  moving.pairs['fast-Cl']!.counts.forEach((n, k) => {
    expect(n).toBe(byHand.reduce((sum, one) => sum + one.pairs['fast-Cl']!.counts[k]!, 0));
  });
});

test('volume stands inside the average', () => {
  const wide = tilted.map((x) => 1.2 * x);
  const frames = [tilted, wide].map((cell, t) => frameOf(Array(20).fill('Li'), randomAtoms(20, cell, 5), cell, t));
  const separate = frames.map((frame) => rdf([frame], { cutoff: 5, bin: 0.25 }).pairs['Li-Li']!.g);
  rdf(frames, { cutoff: 5, bin: 0.25 }).pairs['Li-Li']!.g.forEach((g, k) => {
    expect(g).toBeCloseTo((separate[0]![k]! + separate[1]![k]!) / 2, 12);
  });
});

test('doubling the cell, shifting, permuting and choosing another cell leave g and coordination as they are', () => {
  const n = 24;
  const positions = randomAtoms(n, tilted, 77);
  const symbols = Array.from({ length: n }, (_, i) => (i % 2 ? 'Li' : 'Cl'));
  const options = { cutoff: 7, bin: 0.5, normalisation: 'density' } as const;
  const want = rdf([frameOf(symbols, positions, tilted)], options).pairs['Cl-Li']!;
  const check = (frame: Frame, factor = 1) => {
    const got = rdf([frame], { ...options, pairs: ['Cl-Li'] }).pairs['Cl-Li']!;
    expect(got.counts).toEqual(want.counts.map((x) => factor * x));
    got.g.forEach((g, k) => {
      expect(g).toBeCloseTo(want.g[k]!, 9);
    });
    got.running_coordination.forEach((c, k) => {
      expect(c).toBeCloseTo(want.running_coordination[k]!, 9);
    });
  };
  const double = Float64Array.from(tilted, (x, i) => (i < 3 ? 2 * x : x));
  check(
    frameOf([...symbols, ...symbols], Float64Array.from([...positions, ...positions.map((x, i) => x + tilted[i % 3]!)]), double),
    2,
  );
  check(
    frameOf(
      symbols,
      positions.map((x, i) => x + [0.31, -4.7, 12.9][i % 3]!),
      tilted,
    ),
  );
  check(
    frameOf(
      symbols,
      positions.map((x, i) => x + ((i / 3) % 5 < 1 ? 3 * tilted[3 + (i % 3)]! - tilted[6 + (i % 3)]! : 0)),
      tilted,
    ),
  );
  // b -> b + a, c -> c - 2 b: the same lattice.
  const other = tilted.slice();
  for (let k = 0; k < 3; k++) {
    other[6 + k]! -= 2 * tilted[3 + k]!;
    other[3 + k]! += tilted[k]!;
  }
  check(frameOf(symbols, positions, other));
  const order = Array.from({ length: n }, (_, i) => (i * 7) % n);
  const permuted = Float64Array.from({ length: 3 * n }, (_, i) => positions[3 * order[Math.floor(i / 3)]! + (i % 3)]!);
  check(
    frameOf(
      order.map((i) => symbols[i]!),
      permuted,
      tilted,
    ),
  );
});

test('blocks merge without losing a count', () => {
  const cell = tilted;
  const frames = Array.from({ length: 150 }, (_, t) => frameOf(['Li', 'Li', 'Cl'], randomAtoms(3, cell, 1000 + t), cell, t));
  const observable = new Rdf({ cutoff: 5, bin: 0.5 });
  const sum = new Float64Array(10);
  for (const frame of frames) {
    observable.add(frame);
    rdf([frame], { cutoff: 5, bin: 0.5, pairs: ['Li-Cl'] }).pairs['Li-Cl']!.counts.forEach((n, k) => {
      sum[k]! += n;
    });
  }
  expect(observable.result().pairs['Li-Cl']!.counts).toEqual(sum);
});

describe('first minimum', () => {
  const dr = 0.02;
  const curve = (f: (r: number) => number) => Array.from({ length: 400 }, (_, k) => f((k + 0.5) * dr));
  const peak = (r: number, at: number, width: number, height: number) => height * Math.exp(-0.5 * ((r - at) / width) ** 2);

  test('between two peaks, to a fraction of a bin', () => {
    // The minimum of two equal Gaussians lies halfway.
    const found = firstShell(
      curve((r) => peak(r, 2.4, 0.35, 4) + peak(r, 4.4, 0.35, 4)),
      dr,
    );
    expect(found.minimum).toBeCloseTo(3.4, 2);
    expect(found.peak!.position).toBeCloseTo(2.4, 2);
  });
  test('a flat gap gives its middle', () => {
    const found = firstShell(
      curve((r) => peak(r, 2.2, 0.1, 8) + peak(r, 5, 0.1, 8)),
      dr,
    );
    expect(found.minimum).toBeCloseTo(3.6, 1);
  });
  test('no peak, or no minimum, is a reason', () => {
    expect(
      firstShell(
        curve(() => 1),
        dr,
      ),
    ).toEqual({ minimum: null, reason: 'no-first-minimum', peak: null });
    const falling = firstShell(
      curve((r) => (r < 2 ? 0 : 6 * Math.exp(-(r - 2) / 3))),
      dr,
    );
    expect(falling.minimum).toBeNull();
    expect(falling.reason).toBe('no-first-minimum');
    expect(falling.peak).not.toBeNull();
  });
});

describe('several times, and wrong requests', () => {
  const frames = Array.from({ length: 21 }, (_, t) => frameOf(['Li', 'Cl'], randomAtoms(2, tilted, 50 + t), tilted, 100 * t));
  test('windows around times', () => {
    const observable = new RdfAtTimes({ at: ['0.5 ps', '2 ps'], window: '0.4 ps', cutoff: 5, bin: 0.5 });
    for (const frame of frames) observable.add(frame);
    const [early, late] = observable.result();
    expect(early!.frames).toBe(5);
    expect(late!.frames).toBe(3);
    expect(early!.pairs['Li-Cl']!.counts).toEqual(rdf(frames.slice(3, 8), { cutoff: 5, bin: 0.5 }).pairs['Li-Cl']!.counts);
    const outside = new RdfAtTimes({ at: [5000] });
    for (const frame of frames) outside.add(frame);
    expect(() => outside.result()).toThrow(/no frame within/);
  });
  test.each([
    [{ pairs: ['Mg-Cl'] }, /no Mg/],
    [{ pairs: ['MgCl'] }, /not a pair/],
    [{ bin: -1 }, /bin/],
    [{ cutoff: '3 fs' }, /is a time/],
    [{ pairs: ['far-Cl'], sets: { far: [99] } }, /no atom 99/],
    [{ pairs: ['none-Cl'], sets: { none: [] } }, /empty/],
  ])('%j', (options, message) => {
    expect(() => rdf(frames, options)).toThrow(message);
  });
});

interface Crystal {
  readonly lattice_A: number[][];
  readonly basis: number[][];
  readonly species: string[];
  readonly pairs: Record<string, [number, number][]>;
}

describeReference('tilted cell and crystals (reference data)', () => {
  test('random atoms in a strongly tilted cell: counts, both normalisations, coordination, subsets', async () => {
    const expected = referenceJson('analysis', '04_rdf_triclinic', 'expected.json');
    const frames: Frame[] = [];
    for await (const frame of readTrajectory(referencePath('analysis', '04_rdf_triclinic', 'frames.extxyz'))) {
      frames.push({ ...frame, step: frame.index, time: frame.index });
    }
    const mg = [...frames[0]!.species].flatMap((z, i) => (SYMBOLS[z] === 'Mg' ? [i] : []));
    const sets = { even: mg.filter((_, k) => k % 2 === 0), odd: mg.filter((_, k) => k % 2 === 1) };
    const names: Record<string, string> = {
      'subset_even_Mg-Ga': 'even-Ga',
      'subset_even_Mg-all_Mg': 'even-Mg',
      'subset_odd_Mg-Ga': 'odd-Ga',
    };
    const pairs = Object.keys(expected.pairs).map((name) => names[name] ?? name);
    for (const normalisation of ['pairs', 'density'] as const) {
      const result = rdf(frames, { pairs, sets, cutoff: expected.r_max_A, bin: expected.dr_A, normalisation });
      for (const [name, want] of Object.entries<Record<string, number[]>>(expected.pairs)) {
        const got = result.pairs[names[name] ?? name]!;
        expect([...got.counts]).toEqual(want.counts);
        got.g.forEach((g, k) => {
          expect(Math.abs(g - want[`g_${normalisation}`]![k]!)).toBeLessThanOrEqual(1e-12 * Math.abs(g));
        });
        got.running_coordination.forEach((c, k) => {
          expect(Math.abs(c - want.running_cn![k]!)).toBeLessThanOrEqual(1e-12 * c);
        });
      }
    }
  });

  test('coordination shells of crystals', () => {
    const { crystals } = referenceJson('analysis', '05_crystals', 'expected.json');
    for (const crystal of Object.values<Crystal>(crystals)) {
      const cell = Float64Array.from(crystal.lattice_A.flat());
      const positions = Float64Array.from(
        crystal.basis.flatMap((s) => [0, 1, 2].map((k) => s[0]! * cell[k]! + s[1]! * cell[3 + k]! + s[2]! * cell[6 + k]!)),
      );
      // The data call the atom of an elemental crystal X.
      const symbol = (name: string) => (name === 'X' ? 'Cu' : name);
      const symbols = crystal.species.map(symbol);
      for (const [pair, shells] of Object.entries(crystal.pairs)) {
        const name = pair.split('-').map(symbol).join('-');
        const cutoff = shells.at(-1)![0] + 0.01;
        const curve = rdf([frameOf(symbols, positions, cell)], { pairs: [name], cutoff, bin: 0.005 }).pairs[name]!;
        const centres = symbols.filter((s) => s === name.split('-')[0]).length;
        for (const [distance, count] of shells) {
          // A shell on a bin edge may fall to either side by rounding.
          const bin = Math.floor(distance / 0.005);
          const got = [bin - 1, bin, bin + 1].reduce((sum, k) => sum + (curve.counts[k] ?? 0), 0);
          expect(got).toBe(count * centres);
        }
        const total = curve.counts.reduce((sum, n) => sum + n, 0);
        expect(total).toBe(shells.reduce((sum, [, n]) => sum + n, 0) * centres);
      }
    }
  });
});
