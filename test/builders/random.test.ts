import { RandomStream, splitMix64 } from '../../lib/builders/random';
import { determinant } from '../../lib/cell';
import { describeReference, referenceJson } from '../reference';

const hex = (value: bigint) => `0x${value.toString(16).padStart(16, '0')}`;

describeReference('random numbers of the builders against reference data', () => {
  interface Case {
    seed: string;
    splitmix64_first4: string[];
    xoshiro256starstar_first8: string[];
    double_first4: number[];
    below_10_first12: number[];
    below_7_first12: number[];
    shuffle_0_to_11: number[];
    choose_6_of_20_sorted: number[];
    uniform_rotation_first: number[][];
    child_streams: Record<string, string>;
  }
  test.each(referenceJson<{ cases: Case[] }>('structures', 'prng.json').cases)('seed $seed', (expected) => {
    const seed = BigInt(expected.seed);
    const draw = <T>(count: number, next: (stream: RandomStream) => T) => {
      const stream = new RandomStream(seed);
      return Array.from({ length: count }, () => next(stream));
    };
    expect(splitMix64(seed, 4).map(hex)).toEqual(expected.splitmix64_first4);
    expect(draw(8, (s) => hex(s.u64()))).toEqual(expected.xoshiro256starstar_first8);
    expect(draw(4, (s) => s.double())).toEqual(expected.double_first4);
    expect(draw(12, (s) => s.below(10))).toEqual(expected.below_10_first12);
    expect(draw(12, (s) => s.below(7))).toEqual(expected.below_7_first12);
    expect(new RandomStream(seed).shuffle(Array.from({ length: 12 }, (_, i) => i))).toEqual(expected.shuffle_0_to_11);
    expect(new RandomStream(seed).choose(20, 6)).toEqual(expected.choose_6_of_20_sorted);
    // The reference matrix is printed with twelve decimals.
    const rotation = new RandomStream(seed).rotation();
    expected.uniform_rotation_first.flat().forEach((value, i) => {
      expect(Math.abs(rotation[i]! - value)).toBeLessThan(1e-12);
    });
    for (const [label, child] of Object.entries(expected.child_streams))
      expect(hex(new RandomStream(seed).child(label).seed)).toBe(child);
  });
});

/** The generator in one line of bigint arithmetic a step: the oracle of the fast one. */
function* oracle(seed: bigint): Generator<bigint, never> {
  const mask = (1n << 64n) - 1n;
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (64n - k))) & mask;
  const s = splitMix64(seed, 4);
  for (;;) {
    yield (rotl((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 17n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 45n);
  }
}

describe('random numbers of the builders', () => {
  test.each([0n, 1n, 987654321n, (1n << 64n) - 1n])('seed %s: 2,000 steps equal the textbook arithmetic', (seed) => {
    const stream = new RandomStream(seed);
    const exact = oracle(seed);
    const draws = Array.from({ length: 2000 }, () => stream.u64());
    expect(draws).toEqual(draws.map(() => exact.next().value));
  });

  test.each([3, 10, 65535, 2 ** 26, 2 ** 26 + 1, 2 ** 33 + 7, Number.MAX_SAFE_INTEGER])(
    'below(%s) is the remainder of 64 bits',
    (n) => {
      const stream = new RandomStream(5);
      const exact = oracle(5n);
      // No draw of these streams falls into the rejected last run (chance below 2e-10 a draw).
      for (let i = 0; i < 500; i++) expect(stream.below(n)).toBe(Number(exact.next().value % BigInt(n)));
    },
  );

  test('a rotation is proper, and rotations are uniform', () => {
    const stream = new RandomStream(3);
    const mean = new Float64Array(9);
    const draws = 4000;
    let worst = 0;
    for (let d = 0; d < draws; d++) {
      const r = stream.rotation();
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const dot = r[3 * i]! * r[3 * j]! + r[3 * i + 1]! * r[3 * j + 1]! + r[3 * i + 2]! * r[3 * j + 2]!;
          worst = Math.max(worst, Math.abs(dot - (i === j ? 1 : 0)));
        }
      }
      worst = Math.max(worst, Math.abs(determinant(r) - 1));
      for (let i = 0; i < 9; i++) mean[i]! += r[i]! / draws;
    }
    // A handful of roundings of numbers near one.
    expect(worst).toBeLessThan(1e-14);
    // Each element has the variance 1/3: five standard errors. A fixed axis would give 1.
    for (const element of mean) expect(Math.abs(element)).toBeLessThan(5 * Math.sqrt(1 / 3 / draws));
  });

  test.each([-1, 1.5, 2 ** 53, Number.NaN, -1n, 1n << 64n])('seed %s is refused', (seed) => {
    expect(() => new RandomStream(seed)).toThrow(expect.objectContaining({ code: 'E_SEEDS' }));
  });

  test('a child does not depend on what its parent drew', () => {
    const parent = new RandomStream(11);
    const before = parent.child('positions').u64();
    parent.double();
    expect(parent.child('positions').u64()).toBe(before);
    expect(parent.child('orientations').u64()).not.toBe(before);
  });
});
