/** Random numbers (dynamics.md 10.3, 10.4, 19 I) and start velocities (10.1). */
import { kineticEnergy, momentum } from '../../lib/dynamics/kinetic.js';
import { fillNormals, gammaDeviate, normalPair, PURPOSE, philox4x32, seedFrom, uniformPair } from '../../lib/dynamics/random.js';
import { maxwellVelocities } from '../../lib/dynamics/velocities.js';
import { AMU, BOLTZMANN } from '../../lib/units.js';
import { describeReference, referenceJson } from '../reference.js';
import { largestDifference } from './systems.js';

const hex = (words: Int32Array) => Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0'));

function philox(counter: readonly string[], key: readonly string[]): string[] {
  const [c0, c1, c2, c3] = counter.map((word) => Number.parseInt(word, 16)) as [number, number, number, number];
  const [k0, k1] = key.map((word) => Number.parseInt(word, 16)) as [number, number];
  const out = new Int32Array(4);
  philox4x32(out, c0, c1, c2, c3, k0, k1);
  return hex(out);
}

describe('Philox4x32-10', () => {
  // Known answers of the authors' distribution (Random123), also in dynamics.md 10.3.
  test.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('%s / %s', (counter, key, out) => {
    expect(philox(counter.split(' '), key.split(' '))).toEqual(out.split(' '));
  });

  test('seeds and steps beyond 32 bits make other streams', () => {
    const at = (seed: bigint, step: number) => uniformPair({ seed, purpose: 2, step }, 0, 0)[0];
    const values = [at(1n, 1), at(1n + (1n << 32n), 1), at(1n, 1 + 2 ** 32), at(1n + (1n << 63n), 1)];
    expect(new Set(values).size).toBe(4);
    expect(seedFrom(2n ** 64n)).toBeUndefined();
    expect(seedFrom(-1)).toBeUndefined();
    expect(seedFrom(0.5)).toBeUndefined();
    expect(seedFrom(2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
  });
});

describe('deviates', () => {
  const natoms = 20_000;
  const normals = new Float64Array(3 * natoms);
  fillNormals({ seed: 20260101n, purpose: PURPOSE.user, step: 3 }, 0, normals);

  test('the array holds the pairs of the blocks', () => {
    for (const atom of [0, 1, 17_777]) {
      const stream = { seed: 20260101n, purpose: PURPOSE.user, step: 3 };
      expect(Array.from(normals.subarray(3 * atom, 3 * atom + 2))).toEqual(normalPair(stream, atom, 0));
      expect(normals[3 * atom + 2]).toBe(normalPair(stream, atom, 1)[0]);
    }
  });

  test('moments, and no correlation between atoms, components and steps', () => {
    const n = normals.length;
    const mean = normals.reduce((sum, x) => sum + x, 0) / n;
    const variance = normals.reduce((sum, x) => sum + x * x, 0) / n;
    const fourth = normals.reduce((sum, x) => sum + x ** 4, 0) / n;
    // Standard errors of the mean, the variance and the fourth moment of n standard normals: 1, sqrt(2), sqrt(96) over sqrt(n).
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n));
    expect(Math.abs(fourth - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(n));
    // An amplitude that is off by 2 % would not pass.
    expect(Math.abs(variance * 1.02 ** 2 - 1)).toBeGreaterThan((4 * Math.SQRT2) / Math.sqrt(n));
    const other = new Float64Array(3 * natoms);
    fillNormals({ seed: 20260101n, purpose: PURPOSE.user, step: 4 }, 0, other);
    for (const lag of [1, 2, 3, 6]) {
      let sum = 0;
      for (let k = lag; k < n; k++) sum += normals[k]! * normals[k - lag]!;
      expect(Math.abs(sum / n)).toBeLessThan(4 / Math.sqrt(n));
    }
    expect(Math.abs(normals.reduce((sum, x, k) => sum + x * other[k]!, 0) / n)).toBeLessThan(4 / Math.sqrt(n));
  });

  test.each([0.5, 1, 2.5, 94])('gamma deviates of shape %d: mean and variance are the shape', (shape) => {
    const n = 20_000;
    const values = Array.from({ length: n }, (_, step) => gammaDeviate({ seed: 5n, purpose: PURPOSE.csvr, step }, 0, 1, shape));
    const mean = values.reduce((sum, x) => sum + x, 0) / n;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    expect(Math.abs(mean - shape)).toBeLessThan(4 * Math.sqrt(shape / n));
    // Var(variance) = (mu4 - sigma^4)/n with mu4 = 3 a^2 + 6 a.
    expect(Math.abs(variance - shape)).toBeLessThan(4 * Math.sqrt((2 * shape ** 2 + 6 * shape) / n));
  });
});

describe('start velocities', () => {
  const masses = Float64Array.of(6.94, 35.45, 6.94, 35.45, 22.98976928, 88.9).map((m) => m * AMU);
  const mobile = new Uint8Array(6);

  test('exact temperature and no momentum', () => {
    const velocities = maxwellVelocities(masses, mobile, { temperature: 300, seed: 9n });
    expect((2 * kineticEnergy(masses, velocities)) / (15 * BOLTZMANN)).toBeCloseTo(300, 10);
    const { total, mass } = momentum(masses, velocities);
    expect(Math.hypot(...total)).toBeLessThan(1e-14 * Math.sqrt(mass * BOLTZMANN * 300));
    const twice = maxwellVelocities(masses, mobile, { temperature: 300, seed: 9n, doubleForLattice: true });
    expect(kineticEnergy(masses, twice) / kineticEnergy(masses, velocities)).toBeCloseTo(2, 12);
  });

  test('a sampled temperature has the canonical spread', () => {
    // 2K/kT of 15 degrees of freedom: mean 15, variance 30 over draws at different steps.
    const draws = 2000;
    const samples = Array.from({ length: draws }, (_, step) => {
      const velocities = maxwellVelocities(masses, mobile, { temperature: 300, seed: 9n, step, exact: false });
      return (2 * kineticEnergy(masses, velocities)) / (BOLTZMANN * 300);
    });
    const mean = samples.reduce((sum, x) => sum + x, 0) / draws;
    const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
    expect(Math.abs(mean - 15)).toBeLessThan(4 * Math.sqrt(30 / draws));
    // Variance of a chi-squared variance: (2 * 30^2 + 12 * 4 * 15 * 4)/n, with mu4 = 12 f (f + 4).
    expect(Math.abs(variance - 30)).toBeLessThan(4 * Math.sqrt((12 * 15 * 19 - 900) / draws));
    // 3N instead of 3N - 3 would not pass.
    expect(Math.abs(mean - 18)).toBeGreaterThan(4 * Math.sqrt(36 / draws));
  });

  test('frozen atoms rest and hold the frame', () => {
    const frozen = Uint8Array.of(1, 0, 0, 1, 0, 0);
    const velocities = maxwellVelocities(masses, frozen, { temperature: 300, seed: 9n });
    expect(Array.from(velocities.subarray(0, 3))).toEqual([0, 0, 0]);
    expect((2 * kineticEnergy(masses, velocities)) / (12 * BOLTZMANN)).toBeCloseTo(300, 10);
    expect(Math.hypot(...momentum(masses, velocities).total)).toBeGreaterThan(1e-3);
  });

  test('one atom cannot have a temperature', () => {
    const one = () => maxwellVelocities(Float64Array.of(1), Uint8Array.of(0), { temperature: 300, seed: 1n });
    expect(one).toThrow(expect.objectContaining({ code: 'ONE_ATOM' }));
  });
});

describeReference('reference numbers', () => {
  interface Draw {
    purpose: number;
    step: number;
    atom: number;
    draw: number;
  }
  const reference = () =>
    referenceJson<{
      philox4x32_10: { counter: string[]; key: string[]; out: string[] }[];
      seed: number;
      uniform_pairs: (Draw & { u: [number, number] })[];
      gauss_pairs: (Draw & { g: [number, number] })[];
      gamma: { purpose: number; step: number; shape: number; value: number }[];
      velocities: { T_K: number; masses_amu: number[]; velocities_A_per_fs: number[][] };
    }>('dynamics', 'rng.json');

  test('words and uniforms bit for bit', () => {
    const { philox4x32_10, uniform_pairs, seed } = reference();
    for (const { counter, key, out } of philox4x32_10) expect(philox(counter, key)).toEqual(out);
    for (const { u, atom, draw, ...stream } of uniform_pairs)
      expect(uniformPair({ seed: BigInt(seed), ...stream }, atom, draw)).toEqual(u);
  });

  test('normals, gamma deviates and velocities to the last digits of log, sin and cos', () => {
    const { gauss_pairs, gamma, velocities, seed } = reference();
    const key = BigInt(seed);
    for (const { g, atom, draw, ...stream } of gauss_pairs) {
      for (const [k, x] of normalPair({ seed: key, ...stream }, atom, draw).entries()) {
        expect(Math.abs(x - g[k]!)).toBeLessThan(2e-15 * Math.max(1, Math.abs(g[k]!)));
      }
    }
    for (const { shape, value, ...stream } of gamma) {
      expect(Math.abs(gammaDeviate({ seed: key, ...stream }, 0, 1, shape) / value - 1)).toBeLessThan(4e-15);
    }
    const masses = Float64Array.from(velocities.masses_amu, (m) => m * AMU);
    const drawn = maxwellVelocities(masses, new Uint8Array(masses.length), { temperature: velocities.T_K, seed: key });
    expect(largestDifference(drawn, velocities.velocities_A_per_fs.flat())).toBeLessThan(1e-17);
  });
});
