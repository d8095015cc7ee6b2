import { SYMBOLS } from '../../lib/elements.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import ownFixtures from '../data/pair-fixtures.json';
import { describeReference, referenceJson } from '../reference.js';
import { erfc } from './erfc.js';
import { type Fixtures, fixturePotential } from './pair-fixtures.js';

const own = ownFixtures as unknown as Fixtures;

test('erfc agrees with high-precision values', () => {
  const exact: [number, number][] = [
    [0, 1],
    [0.3, 0.6713732405408726],
    [1, 0.15729920705028513],
    [2.4, 0.0006885138966450786],
    [5, 1.5374597944280349e-12],
    [10, 2.088487583762545e-45],
  ];
  for (const [x, value] of exact) expect(Math.abs(erfc(x) / value - 1)).toBeLessThan(2e-15);
});

test('the minimum of the force-shifted argon pair lies at zero force', async () => {
  const potential = fixturePotential('lj-ar', own);
  const pair = (r: number) => makeStructure({ species: Uint8Array.of(18, 18), positions: Float64Array.of(0, 0, 0, r, 0, 0) });
  const [before, after] = await Promise.all([3.8, 3.85].map((r) => potential.evaluate(pair(r))));
  expect(before!.forces[3]).toBeGreaterThan(0);
  expect(after!.forces[3]).toBeLessThan(0);
  expect((await potential.evaluate(pair(8.5125))).energy).toBe(0);
});

test('a list with a skin gives the same as one built each time, through a shear and a walk', () => {
  const potential = fixturePotential('bm-licl', own);
  const n = 8;
  const types = Int32Array.from({ length: n }, (_, i) => i % 2);
  const start = Float64Array.from({ length: 3 * n }, (_, k) => {
    const i = Math.floor(k / 3);
    // Rock salt of 8 ions, 5.1 A, each ion moved a little.
    const site = [(i >> 1) & 1, (i >> 2) & 1, ((i >> 1) + (i >> 2) + i) & 1][k % 3]!;
    return 2.55 * site + 0.1 * Math.sin(7 * k);
  });
  const make = (skin: number) => {
    const arrays = {
      positions: start.slice(),
      images: new Int32Array(3 * n),
      cell: Float64Array.of(5.1, 0, 0, 0.3, 5.1, 0, -0.2, 0.4, 5.1),
      forces: new Float64Array(3 * n),
      atomEnergies: new Float64Array(n),
      virial: new Float64Array(9),
    };
    return { arrays, field: potential.bind(types, [true, true, true], arrays, { skin }) };
  };
  const kept = make(1);
  const fresh = make(0);
  for (let step = 0; step < 60; step++) {
    for (const { arrays, field } of [kept, fresh]) {
      for (let k = 0; k < 3 * n; k++) arrays.positions[k]! += 0.05 * Math.sin(3 * k + step / 20);
      for (let i = 0; i < n; i++) arrays.positions[3 * i]! += 0.15;
      // b grows along x: every atom moves with it in proportion to its height, so that wrapping earlier or later is the same.
      for (let i = 0; i < n; i++)
        arrays.positions[3 * i]! += (0.004 / 5.1) * (arrays.positions[3 * i + 1]! - (0.4 / 5.1) * arrays.positions[3 * i + 2]!);
      arrays.cell[3]! += 0.004;
      field.computeSync();
    }
    // Same sum in another order; a lost pair costs 1e-4 eV/A and more (force jump of a shifted pair at the cutoff).
    expect(Math.abs(kept.field.energy - fresh.field.energy)).toBeLessThan(1e-11);
    for (let k = 0; k < 3 * n; k++) expect(Math.abs(kept.arrays.forces[k]! - fresh.arrays.forces[k]!)).toBeLessThan(1e-11);
  }
  expect(fresh.field.rebuilds).toBe(60);
  expect(kept.field.rebuilds).toBeGreaterThan(1);
  expect(kept.field.rebuilds).toBeLessThan(30);
  const unwrapped = ({ positions, images, cell }: ReturnType<typeof make>['arrays']) =>
    positions.map((p, k) => p + [0, 1, 2].reduce((sum, d) => sum + images[k - (k % 3) + d]! * cell[3 * d + (k % 3)]!, 0));
  const [a, b] = [unwrapped(kept.arrays), unwrapped(fresh.arrays)];
  expect(b[0]! - start[0]!).toBeGreaterThan(8);
  for (let k = 0; k < 3 * n; k++) expect(Math.abs(a[k]! - b[k]!)).toBeLessThan(1e-11);
});

describeReference('single points', () => {
  test.each(['lj32', 'licl64', 'licl64_disp', 'licl2'])('%s', async (id) => {
    const { initial, expected } = referenceJson('dynamics', 'single_point', `${id}.json`);
    const structure: Structure = makeStructure({
      species: Uint8Array.from(initial.species as string[], (symbol) => SYMBOLS.indexOf(symbol)),
      positions: Float64Array.from(initial.positions_A.flat()),
      cell: Float64Array.from(initial.cell.flat()),
    });
    const result = await fixturePotential(initial.fixture, referenceJson('dynamics', 'fixtures.json')).evaluate(structure);
    // Tolerances of the data (1e-10 eV, 1e-11 eV/A): two double-precision programs that sum in another order.
    expect(Math.abs(result.energy - expected.potential_energy_eV)).toBeLessThan(1e-10);
    expected.per_atom_energy_eV.forEach((e: number, i: number) => {
      expect(Math.abs(result.atomEnergies[i]! - e)).toBeLessThan(1e-10);
    });
    expected.forces_eV_per_A.flat().forEach((f: number, i: number) => {
      expect(Math.abs(result.forces[i]! - f)).toBeLessThan(1e-11);
    });
    expected.virial_eV.forEach((w: number, i: number) => {
      expect(Math.abs(result.virial[[0, 4, 8, 5, 2, 1][i]!]! - w)).toBeLessThan(1e-10);
    });
  });
});
