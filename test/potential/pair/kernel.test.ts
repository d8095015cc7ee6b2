/** The native pair kernel against the reference code and against exact relations; every test runs on every instruction set. */
import { determinant, inverse, multiply } from '../../../lib/cell.js';
import type { Isa } from '../../../lib/native/addon.js';
import { nativeAddon } from '../../../lib/native/loader.js';
import { pairPotential } from '../../../lib/potential/pair-potential.js';
import type { Evaluation } from '../../../lib/potential/potential.js';
import { makeStructure, type Structure, symbolsOf } from '../../../lib/structure.js';
import { EV_PER_A3_IN_GPA } from '../../../lib/units.js';
import { ReferencePairPotential } from '../../oracle/pair-potential.js';
import { largestDifference, optionsOf, quietStructure, rockSalt, type System, systems } from './systems.js';

const isas = nativeAddon().info().available;
const smooth = systems.filter((system) => system.smooth);
const onEachIsa = (list: readonly System[]) => list.flatMap((system) => isas.map((isa) => [system.name, isa, system] as const));
const make = (system: System, isa?: Isa) => pairPotential(optionsOf(system.spec), { isa });
const largest = (x: ArrayLike<number>) => Array.from(x).reduce((max, v) => Math.max(max, Math.abs(v)), 0);

describe('against the reference code', () => {
  test.each(onEachIsa(systems))('%s (%s)', async (_, isa, { spec, structure }) => {
    const expected = await new ReferencePairPotential(spec).evaluate(structure);
    const got = await pairPotential(optionsOf(spec), { isa }).evaluate(structure);
    expect(largest(expected.forces)).toBeGreaterThan(0.01);
    // Sums of about a thousand terms of at most 1e2 eV in double precision, in another order.
    expect(largestDifference(got.atomEnergies, expected.atomEnergies)).toBeLessThan(1e-11);
    expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-10);
    expect(largestDifference(got.forces, expected.forces)).toBeLessThan(1e-11);
    expect(largestDifference(got.virial, expected.virial)).toBeLessThan(1e-10);
    expect(largestDifference(got.stress!, expected.stress!)).toBeLessThan(1e-10);
    expect(got.warnings).toEqual([]);
  });

  test.each(isas)('any mix of periodic directions, and none at all (%s)', async (isa) => {
    for (const system of [systems[0]!, systems[3]!, systems[5]!]) {
      const { spec, structure } = system;
      const oracle = new ReferencePairPotential(spec);
      for (let bits = 0; bits < 8; bits++) {
        const pbc = [(bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0] as const;
        const some = makeStructure({ ...structure, pbc });
        const [got, expected] = await Promise.all([make(system, isa).evaluate(some), oracle.evaluate(some)]);
        expect(largestDifference(got.forces, expected.forces)).toBeLessThan(1e-11);
        expect(largestDifference(got.virial, expected.virial)).toBeLessThan(1e-10);
        expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-10);
      }
      const cluster = makeStructure({ species: structure.species, positions: structure.positions });
      const [got, expected] = await Promise.all([make(system, isa).evaluate(cluster), oracle.evaluate(cluster)]);
      expect(largestDifference(got.forces, expected.forces)).toBeLessThan(1e-11);
      expect(got.stress).toBeNull();
    }
  });

  test.each(isas)('one and two ions in cells far smaller than the cutoff (%s)', async (isa) => {
    const cell = Float64Array.of(0, 2.57, 2.62, 2.55, 0.1, 2.6, 2.6, 2.5, 0.05);
    const two = makeStructure({ species: Uint8Array.of(3, 17), positions: Float64Array.of(0.1, 0, 0, 2.6, 2.7, 2.5), cell });
    const one = makeStructure({
      species: Uint8Array.of(18),
      positions: Float64Array.of(0.2, 7.3, -9),
      cell: cell.map((x) => 1.1 * x),
    });
    for (const [spec, structure] of [
      [systems[2]!.spec, two],
      [systems[0]!.spec, one],
    ] as const) {
      const expected = await new ReferencePairPotential(spec).evaluate(structure);
      const got = await pairPotential(optionsOf(spec), { isa }).evaluate(structure);
      expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-11);
      expect(largestDifference(got.forces, expected.forces)).toBeLessThan(1e-12);
      expect(largestDifference(got.virial, expected.virial)).toBeLessThan(1e-11);
    }
  });
});

test.each(isas)('the damped sum keeps its digits from 1 eV down to 1e-15 eV (%s)', async (isa) => {
  // x = 0.8 r runs through all of [0, 6.4], erfc from 1 to 1e-19; the limit is that of rounding x itself, 2 x^2 times 1e-16.
  const charged = {
    charges: { Li: 1, Cl: 1 },
    electrostatics: { dampedShiftedForce: { damping: 0.8, cutoff: 8 } },
    pairs: [],
    missingPairs: 'none',
  };
  const spec = { name: 'ions', species: ['Li', 'Cl'], charges: charged.charges, terms: [], damped: { damping: 0.8, cutoff: 8 } };
  const potential = pairPotential(charged, { isa });
  const oracle = new ReferencePairPotential(spec);
  const self = oracle.selfEnergies[0]! + oracle.selfEnergies[1]!;
  for (let r = 0.05; r < 8; r += 0.131) {
    const pair = makeStructure({ species: Uint8Array.of(3, 17), positions: Float64Array.of(0, 0, 0, r, 0, 0) });
    const [got, expected] = await Promise.all([potential.evaluate(pair), oracle.evaluate(pair)]);
    expect(Math.abs(got.forces[3]! - expected.forces[3]!)).toBeLessThan(5e-14 * Math.abs(expected.forces[3]!));
    expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-14 * (Math.abs(self) + Math.abs(expected.energy)));
  }
  // Far beyond the range of the polynomial: x up to 24.
  const far = pairPotential({ ...charged, electrostatics: { dampedShiftedForce: { damping: 3, cutoff: 8 } } }, { isa });
  const pair = makeStructure({ species: Uint8Array.of(3, 17), positions: Float64Array.of(0, 0, 0, 7, 0, 0) });
  expect(Math.abs((await far.evaluate(pair)).forces[3]!)).toBeLessThan(1e-22);
});

describe('forces and virial are derivatives of the energy', () => {
  test.each(onEachIsa(smooth))('forces: %s (%s)', async (_, isa, system) => {
    const potential = make(system, isa);
    const { structure } = system;
    const { forces } = await potential.evaluate(structure);
    const energy = async (k: number, d: number) => {
      const positions = structure.positions.slice();
      positions[k]! += d;
      return (await potential.evaluate({ ...structure, positions })).energy;
    };
    const h = 1e-3;
    for (let k = 0; k < 12; k++) {
      const [a, b, c, d] = [await energy(k, h), await energy(k, -h), await energy(k, 2 * h), await energy(k, -2 * h)];
      // Four points, h = 1e-3 A: truncation h^4 f''''/30 and rounding 1e-14 x 1e2 eV / h both stay below 1e-8 eV/A.
      expect(Math.abs(-(8 * (a - b) - (c - d)) / (12 * h) - forces[k]!)).toBeLessThan(1e-8);
    }
  });

  test.each(onEachIsa(smooth))('virial: %s (%s)', async (_, isa, system) => {
    const potential = make(system, isa);
    const d = 1e-4;
    // A strain of 2 d moves the ends of a pair of length r_c apart by no more than 2 d r_c.
    const structure = quietStructure(system, 2 * d * potential.cutoff);
    const cell = structure.cell!;
    const volume = determinant(cell);
    const { virial, stress } = await potential.evaluate(structure);
    const strained = async (a: number, b: number, d: number) => {
      const f = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
      f[3 * a + b]! += d / 2;
      f[3 * b + a]! += d / 2;
      const moved = { ...structure, cell: multiply(cell, f), positions: times(structure.positions, f) };
      return (await potential.evaluate(moved)).energy;
    };
    for (const [a, b] of [
      [0, 0],
      [1, 1],
      [2, 2],
      [1, 2],
      [0, 2],
      [0, 1],
    ] as const) {
      const slope =
        (8 * ((await strained(a, b, d)) - (await strained(a, b, -d))) -
          ((await strained(a, b, 2 * d)) - (await strained(a, b, -2 * d)))) /
        (12 * d);
      // Limit of dynamics.md A5: 1e-9 eV/A^3; rounding of the energy is 1e-13 eV / d / V.
      expect(Math.abs(slope + virial[3 * a + b]!) / volume).toBeLessThan(1e-9);
      expect(Math.abs(stress![3 * a + b]! / EV_PER_A3_IN_GPA - slope / volume)).toBeLessThan(1e-9);
    }
  });
});

describe('invariances', () => {
  test.each(onEachIsa(systems))('%s (%s)', async (_, isa, system) => {
    const potential = make(system, isa);
    const { structure } = system;
    const n = structure.species.length;
    const before = await potential.evaluate(structure);
    const zero = [0, 1, 2].map((c) => before.forces.reduce((sum, f, k) => sum + (k % 3 === c ? f : 0), 0));
    expect(largest(zero)).toBeLessThan(1e-11);
    expect(before.virial[1]).toBe(before.virial[3]);
    expect(before.virial[2]).toBe(before.virial[6]);
    expect(before.virial[5]).toBe(before.virial[7]);
    expect(Math.abs(before.atomEnergies.reduce((sum, e) => sum + e, 0) - before.energy)).toBeLessThan(
      1e-12 * Math.abs(before.energy) + 1e-13,
    );

    // Another basis of the lattice, a rotation, a shift, and the atoms in another order and other images.
    const basis = Float64Array.of(1, 1, 0, 0, 1, 0, 0, -1, 1);
    const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
    const turn = multiply(Float64Array.of(c, s, 0, -s, c, 0, 0, 0, 1), Float64Array.of(1, 0, 0, 0, 0.6, 0.8, 0, -0.8, 0.6));
    const cell = multiply(multiply(basis, structure.cell!), turn);
    const order = Array.from({ length: n }, (_, i) => (5 * i + 3) % n);
    expect(new Set(order).size).toBe(n);
    const rotated = times(structure.positions, turn);
    const positions = new Float64Array(3 * n);
    order.forEach((from, to) => {
      for (let k = 0; k < 3; k++)
        positions[3 * to + k] = rotated[3 * from + k]! + [0.3, -1.7, 2.2][k]! + (from % 3) * cell[k]! - (from % 2) * cell[6 + k]!;
    });
    const after = await potential.evaluate({
      ...structure,
      cell,
      positions,
      species: Uint8Array.from(order, (i) => structure.species[i]!),
    });
    expect(Math.abs(after.energy - before.energy)).toBeLessThan(1e-11 * Math.max(1, Math.abs(before.energy)));
    const back = turned(after.forces, turn);
    expect(
      largestDifference(
        back,
        Float64Array.from({ length: 3 * n }, (_, k) => before.forces[3 * order[Math.floor(k / 3)]! + (k % 3)]!),
      ),
    ).toBeLessThan(1e-11);
    const transposed = Float64Array.from({ length: 9 }, (_, k) => turn[3 * (k % 3) + Math.floor(k / 3)]!);
    expect(largestDifference(multiply(multiply(turn, after.virial), transposed), before.virial)).toBeLessThan(1e-10);
  });

  test.each(isas)('supercells of cells smaller than the cutoff (%s)', async (isa) => {
    for (const system of [systems[0]!, systems[2]!, systems[6]!]) {
      const potential = make(system, isa);
      const [a, b] = symbolsOf(system.structure).slice(0, 2) as [string, string];
      const small = rockSalt(a, b, a === 'Ar' ? 7.2 : a === 'Li' ? 5.14 : 4.3, 1, 0.2);
      const one = await potential.evaluate(small);
      for (const copies of [2, 3]) {
        const many = repeated(small, copies);
        const got = await potential.evaluate(many);
        const count = copies ** 3;
        expect(Math.abs(got.energy / many.species.length - one.energy / small.species.length)).toBeLessThan(1e-12);
        expect(largestDifference(got.stress!, one.stress!)).toBeLessThan(1e-10);
        expect(largestDifference(got.forces.slice(0, one.forces.length), one.forces)).toBeLessThan(1e-11);
        expect(many.species.length).toBe(count * small.species.length);
      }
    }
  });
});

test('the same bits for any number of threads, nearly the same on any instruction set', async () => {
  const { spec } = systems[2]!;
  const structure = rockSalt('Li', 'Cl', 5.14, 3, 0.3);
  const results = new Map<Isa, Evaluation>();
  for (const isa of isas) {
    const potential = pairPotential(optionsOf(spec), { isa });
    const first = await potential.evaluate(structure, { threads: 1 });
    for (const threads of [2, 3, 8]) {
      const again = await potential.evaluate(structure, { threads });
      expect(again.energy).toBe(first.energy);
      expect(again.forces).toEqual(first.forces);
      expect(again.atomEnergies).toEqual(first.atomEnergies);
      expect(again.virial).toEqual(first.virial);
    }
    results.set(isa, first);
  }
  for (const result of results.values()) {
    // 216 ions: energies of the order of 1e3 eV, rounding in another order of the lanes.
    expect(largestDifference(result.forces, results.get('baseline')!.forces)).toBeLessThan(1e-11);
    expect(Math.abs(result.energy - results.get('baseline')!.energy)).toBeLessThan(1e-10);
  }
});

/** Row vectors times a matrix. */
function times(vectors: Float64Array, m: Float64Array): Float64Array {
  const out = new Float64Array(vectors.length);
  for (let i = 0; i < vectors.length; i += 3) {
    for (let k = 0; k < 3; k++) out[i + k] = vectors[i]! * m[k]! + vectors[i + 1]! * m[3 + k]! + vectors[i + 2]! * m[6 + k]!;
  }
  return out;
}

const turned = (vectors: Float64Array, turn: Float64Array) => times(vectors, inverse(turn));

/** n x n x n copies; the first atoms are those of the original. */
function repeated(structure: Structure, n: number): Structure {
  const cell = structure.cell!;
  const species: number[] = [];
  const positions: number[] = [];
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      for (let c = 0; c < n; c++) {
        species.push(...structure.species);
        structure.positions.forEach((x, k) => {
          positions.push(x + a * cell[k % 3]! + b * cell[3 + (k % 3)]! + c * cell[6 + (k % 3)]!);
        });
      }
    }
  }
  return makeStructure({
    species: Uint8Array.from(species),
    positions: Float64Array.from(positions),
    cell: cell.map((x) => n * x),
  });
}
