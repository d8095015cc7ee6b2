/** What any potential must obey, for a bundled model (dynamics.md 19, A4 to A7 and A9). */

import { supercell } from '../../lib/builders/supercell.js';
import { inverse, multiply, timesMatrix } from '../../lib/cell.js';
import { atomicNumber } from '../../lib/elements.js';
import { loadPotential } from '../../lib/potential/load.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { randomStream } from '../oracle/random-model.js';

/** A rattled LiCl-like cell with a few bromides: tilted, smaller than the cutoff of 7 A. */
function sample(): Structure {
  const cell = Float64Array.of(5.3, 0, 0, 0.7, 5.1, 0, -0.5, 0.4, 5.4);
  const symbols = ['Li', 'Cl', 'Li', 'Cl', 'Y', 'Br', 'Li', 'Cl'];
  const random = randomStream(9);
  const positions = Float64Array.from(
    symbols.flatMap((_, i) => {
      const s = [i & 1, (i >> 1) & 1, (i >> 2) & 1].map((bit) => bit / 2 + 0.06 * random()) as [number, number, number];
      return timesMatrix(s, cell);
    }),
  );
  return makeStructure({ cell, positions, species: Uint8Array.from(symbols, (symbol) => atomicNumber(symbol)!) });
}

const potential = loadPotential('li-y-cl-br');
const energy = async (structure: Structure) => (await (await potential).evaluate(structure, { threads: 1 })).energy;
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, k) => Math.max(most, Math.abs(x - b[k]!)), 0);

test('forces are minus the gradient of the energy', async () => {
  const structure = sample();
  const { forces } = await (await potential).evaluate(structure);
  const h = 1e-3;
  for (const k of [0, 4, 11, 13, 17, 23]) {
    const moved = (d: number) => energy({ ...structure, positions: structure.positions.map((x, i) => (i === k ? x + d : x)) });
    // Four-point formula: truncation h^4 u'''''/30 with fifth derivatives of order 1e3 eV/A^5, rounding 1e-13/h: below 1e-8 for both.
    const slope = (8 * ((await moved(h)) - (await moved(-h))) - ((await moved(2 * h)) - (await moved(-2 * h)))) / (12 * h);
    expect(Math.abs(slope + forces[k]!)).toBeLessThan(1e-7);
  }
});

test('the virial is minus the strain derivative of the energy', async () => {
  const structure = sample();
  const { virial } = await (await potential).evaluate(structure);
  const d = 1e-4;
  for (const [a, b] of [
    [0, 0],
    [1, 1],
    [2, 2],
    [1, 2],
    [0, 2],
    [0, 1],
  ] as const) {
    const strained = (e: number) => {
      const deformation = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
      deformation[3 * a + b]! += e / 2;
      deformation[3 * b + a]! += e / 2;
      const positions = new Float64Array(structure.positions.length);
      for (let i = 0; i < positions.length; i += 3)
        positions.set(timesMatrix(structure.positions.subarray(i, i + 3), deformation), i);
      return energy({ ...structure, positions, cell: multiply(structure.cell!, deformation) });
    };
    const slope =
      (8 * ((await strained(d)) - (await strained(-d))) - ((await strained(2 * d)) - (await strained(-2 * d)))) / (12 * d);
    // Virials are of order 10 eV; rounding of the energy over d is 1e-9 eV.
    expect(Math.abs(slope + virial[3 * a + b]!)).toBeLessThan(1e-7);
  }
});

test('nothing depends on rotation, translation, order of the atoms or choice of the lattice vectors', async () => {
  const structure = sample();
  const reference = await (await potential).evaluate(structure);
  const n = structure.species.length;
  const sum = [0, 1, 2].map((c) => Array.from({ length: n }, (_, i) => reference.forces[3 * i + c]!).reduce((x, y) => x + y, 0));
  for (const total of sum) expect(Math.abs(total)).toBeLessThan(1e-12);
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    expect(Math.abs(reference.virial[3 * a + b]! - reference.virial[3 * b + a]!)).toBeLessThan(1e-11);
  }
  const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
  const rotation = multiply(Float64Array.of(c, s, 0, -s, c, 0, 0, 0, 1), Float64Array.of(1, 0, 0, 0, c, s, 0, -s, c));
  const rotate = (vectors: Float64Array) => {
    const out = new Float64Array(vectors.length);
    for (let i = 0; i < vectors.length; i += 3) out.set(timesMatrix(vectors.subarray(i, i + 3), rotation), i);
    return out;
  };
  const rotated = await (await potential).evaluate({
    ...structure,
    cell: multiply(structure.cell!, rotation),
    positions: rotate(structure.positions),
  });
  expect(Math.abs(rotated.energy - reference.energy)).toBeLessThan(1e-11);
  expect(largest(rotated.forces, rotate(reference.forces))).toBeLessThan(1e-11);

  const order = [3, 0, 7, 5, 1, 6, 2, 4];
  const m = Float64Array.of(1, 0, 0, 2, 1, 0, -1, 1, 1);
  const changed = await (await potential).evaluate({
    ...structure,
    cell: multiply(m, structure.cell!),
    species: Uint8Array.from(order, (i) => structure.species[i]!),
    positions: Float64Array.from(
      order.flatMap((i) => [...structure.positions.subarray(3 * i, 3 * i + 3)].map((x, k) => x + [11.3, -4.7, 0.9][k]!)),
    ),
  });
  expect(Math.abs(changed.energy - reference.energy)).toBeLessThan(1e-11);
  order.forEach((i, k) => {
    expect(largest(changed.forces.subarray(3 * k, 3 * k + 3), reference.forces.subarray(3 * i, 3 * i + 3))).toBeLessThan(1e-11);
  });
});

test('supercells have the energy, forces and virial of their cells', async () => {
  const structure = sample();
  const one = await (await potential).evaluate(structure);
  for (const repeat of [
    [2, 1, 1],
    [2, 2, 2],
  ] as [number, number, number][]) {
    const copies = repeat.reduce((x, y) => x * y, 1);
    const many = await (await potential).evaluate(supercell(structure, repeat));
    // 1e-12 eV an atom, 64 atoms.
    expect(Math.abs(many.energy / copies - one.energy)).toBeLessThan(1e-11);
    expect(largest(many.forces.subarray(0, 24), one.forces)).toBeLessThan(1e-11);
    expect(
      largest(
        many.virial.map((w) => w / copies),
        one.virial,
      ),
    ).toBeLessThan(1e-10);
  }
});

describe('the kept neighbour list (dynamics.md 3.3)', () => {
  /** A random walk of the atoms in a cell that is sheared and compressed: forces with the kept list against fresh ones. */
  async function walk(strain: (step: number) => number[], steps: number, stride: number) {
    const start = sample();
    const n = start.species.length;
    const arrays = {
      positions: Float64Array.from(start.positions),
      images: new Int32Array(3 * n),
      cell: Float64Array.from(start.cell!),
      forces: new Float64Array(3 * n),
      atomEnergies: new Float64Array(n),
      virial: new Float64Array(9),
    };
    const model = await potential;
    const field = model.bind(model.typesOf(start), start.pbc, arrays, { skin: 0.6, threads: 1 });
    const random = randomStream(4);
    let kept = 0;
    for (let step = 1; step <= steps; step++) {
      const f = multiply(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), Float64Array.from(strain(step)));
      const before = Float64Array.from(arrays.cell);
      arrays.cell.set(multiply(start.cell!, f));
      for (let i = 0; i < 3 * n; i += 3) {
        // Affine motion with the cell, then a random step.
        const s = timesMatrix(arrays.positions.subarray(i, i + 3), inverse(before));
        const x = timesMatrix(s, arrays.cell);
        for (let k = 0; k < 3; k++) arrays.positions[i + k] = x[k]! + stride * (2 * random() - 1);
      }
      field.computeSync();
      if (!field.rebuilt) kept++;
      const fresh = await model.evaluate({ ...start, positions: arrays.positions, cell: arrays.cell }, { threads: 1 });
      expect(largest(arrays.forces, fresh.forces)).toBeLessThan(1e-11);
    }
    field.dispose();
    return { kept, images: arrays.images };
  }

  test('misses no pair while atoms wander', async () => {
    const { kept } = await walk(() => [1, 0, 0, 0, 1, 0, 0, 0, 1], 120, 0.02);
    expect(kept).toBeGreaterThan(60);
  });

  test('misses no pair in pure compression, where no atom moves against the others', async () => {
    const { kept } = await walk((step) => [1 - 0.001 * step, 0, 0, 0, 1 - 0.001 * step, 0, 0, 0, 1 - 0.001 * step], 60, 0);
    expect(kept).toBeGreaterThan(30);
  });

  test('misses no pair in pure shear', async () => {
    const { kept } = await walk((step) => [1, 0, 0, 0.002 * step, 1, 0, 0, 0.001 * step, 1], 60, 0.002);
    expect(kept).toBeGreaterThan(20);
  });
});
