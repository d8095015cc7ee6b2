/** The native pair kernel against the reference code and against exact relations; every test runs on every instruction set. */
import { determinant, inverse, multiply } from '../../lib/cell.js';
import { SYMBOLS } from '../../lib/elements.js';
import type { Isa } from '../../lib/native/addon.js';
import { nativeAddon } from '../../lib/native/loader.js';
import { type PairPotential, pairCurve, pairPotential } from '../../lib/potential/pair-potential.js';
import type { Evaluation } from '../../lib/potential/potential.js';
import { makeStructure, type Structure, symbolsOf } from '../../lib/structure.js';
import { EV_PER_A3_IN_GPA } from '../../lib/units.js';
import { type Fixtures, fixtureSpec } from '../oracle/pair-fixtures.js';
import { ReferencePairPotential } from '../oracle/pair-potential.js';
import { describeReference, referenceJson } from '../reference.js';
import { generator, optionsOf, quietStructure, rockSalt, type System, systems } from './pair/systems.js';

const isas = nativeAddon().info().available;
const smooth = systems.filter((system) => system.smooth);
const onEachIsa = (list: readonly System[]) => list.flatMap((system) => isas.map((isa) => [system.name, isa, system] as const));

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    // Written so that NaN fails.
    if (!(Math.abs(a[i]! - b[i]!) <= largest)) largest = Math.abs(a[i]! - b[i]!);
  }
  return largest;
};

const make = (system: System, isa?: Isa) => pairPotential(optionsOf(system.spec), { isa });
const largest = (x: ArrayLike<number>) => Array.from(x).reduce((max, v) => Math.max(max, Math.abs(v)), 0);

describe('against the reference code', () => {
  test.each(onEachIsa(systems))('%s (%s)', async (_, isa, { spec, structure }) => {
    const expected = await new ReferencePairPotential(spec).evaluate(structure);
    const got = await pairPotential(optionsOf(spec), { isa }).evaluate(structure);
    expect(largest(expected.forces)).toBeGreaterThan(0.01);
    // Sums of about a thousand terms of at most 1e2 eV in double precision, in another order.
    expect(worst(got.atomEnergies, expected.atomEnergies)).toBeLessThan(1e-11);
    expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-10);
    expect(worst(got.forces, expected.forces)).toBeLessThan(1e-11);
    expect(worst(got.virial, expected.virial)).toBeLessThan(1e-10);
    expect(worst(got.stress!, expected.stress!)).toBeLessThan(1e-10);
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
        expect(worst(got.forces, expected.forces)).toBeLessThan(1e-11);
        expect(worst(got.virial, expected.virial)).toBeLessThan(1e-10);
        expect(Math.abs(got.energy - expected.energy)).toBeLessThan(1e-10);
      }
      const cluster = makeStructure({ species: structure.species, positions: structure.positions });
      const [got, expected] = await Promise.all([make(system, isa).evaluate(cluster), oracle.evaluate(cluster)]);
      expect(worst(got.forces, expected.forces)).toBeLessThan(1e-11);
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
      expect(worst(got.forces, expected.forces)).toBeLessThan(1e-12);
      expect(worst(got.virial, expected.virial)).toBeLessThan(1e-11);
    }
  });
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
      worst(
        back,
        Float64Array.from({ length: 3 * n }, (_, k) => before.forces[3 * order[Math.floor(k / 3)]! + (k % 3)]!),
      ),
    ).toBeLessThan(1e-11);
    const transposed = Float64Array.from({ length: 9 }, (_, k) => turn[3 * (k % 3) + Math.floor(k / 3)]!);
    expect(worst(multiply(multiply(turn, after.virial), transposed), before.virial)).toBeLessThan(1e-10);
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
        expect(worst(got.stress!, one.stress!)).toBeLessThan(1e-10);
        expect(worst(got.forces.slice(0, one.forces.length), one.forces)).toBeLessThan(1e-11);
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
    expect(worst(result.forces, results.get('baseline')!.forces)).toBeLessThan(1e-11);
    expect(Math.abs(result.energy - results.get('baseline')!.energy)).toBeLessThan(1e-10);
  }
});

describe('bound to arrays', () => {
  function bound(potential: PairPotential, structure: Structure, skin: number, threads = 1) {
    const n = structure.species.length;
    const arrays = {
      positions: structure.positions.slice(),
      images: new Int32Array(3 * n),
      cell: structure.cell!.slice(),
      forces: new Float64Array(3 * n),
      atomEnergies: new Float64Array(n),
      virial: new Float64Array(9),
    };
    return { arrays, field: potential.bind(potential.typesOf(structure), structure.pbc, arrays, { skin, threads }) };
  }

  test.each(isas)('a kept list gives what a fresh one gives, through a walk and a shear (%s)', async (isa) => {
    const system = systems[2]!;
    const potential = make(system, isa);
    const { arrays, field } = bound(potential, system.structure, 1);
    const random = generator(3);
    for (let step = 0; step < 40; step++) {
      for (let k = 0; k < arrays.positions.length; k++) arrays.positions[k]! += 0.05 * (2 * random() - 1);
      arrays.cell[3]! += 0.002;
      if (step % 2) field.computeSync();
      else await field.compute();
      const fresh = await new ReferencePairPotential(system.spec).evaluate(
        makeStructure({ species: system.structure.species, positions: arrays.positions, cell: arrays.cell }),
      );
      expect(Math.abs(field.energy - fresh.energy)).toBeLessThan(1e-10);
      expect(worst(arrays.forces, fresh.forces)).toBeLessThan(1e-11);
    }
    expect(field.rebuilds).toBeGreaterThan(1);
    expect(field.rebuilds).toBeLessThan(20);
    field.dispose();
  });

  test('the skin changes no bit as long as nothing is wrapped', () => {
    const potential = make(systems[2]!);
    const energies = [0, 0.5, 2].map((skin) => {
      const { arrays, field } = bound(potential, systems[2]!.structure, skin);
      field.computeSync();
      return [field.energy, arrays.forces.join()];
    });
    expect(energies[1]).toEqual(energies[0]);
    expect(energies[2]).toEqual(energies[0]);
  });

  // Li-Cl of Fumi and Tosi: r_b = 0.8868 A (coulomb.md 5).
  const closeIons = (r: number) => makeStructure({ species: Uint8Array.of(17, 3), positions: Float64Array.of(0, 0, 0, 0, r, 0) });
  const asCell = (structure: Structure) => makeStructure({ ...structure, cell: Float64Array.of(30, 0, 0, 0, 30, 0, 0, 0, 30) });
  // biome-ignore lint/suspicious/noExplicitAny: options in the study's spelling
  const salt = (more: any = {}) => pairPotential({ ...optionsOf(systems[2]!.spec), ...more });

  test.each([0.5, 0.88])('a pair inside its barrier stops a run: %s A', async (r) => {
    const { field } = bound(salt(), asCell(closeIons(r)), 1);
    const error = await field.compute().then(
      () => null,
      (e) => e,
    );
    expect(error).toMatchObject({ code: 'PAIR_COLLAPSE', atom: 0 });
    expect(error.message).toMatch(/Cl \(atom 0\) and Li \(atom 1\)/);
    expect(error.message).toContain(`${r} A`);
    expect(error.message).toMatch(/r_b = 0\.886\d/);
    expect(() => field.computeSync()).toThrow(expect.objectContaining({ code: 'PAIR_COLLAPSE' }));
  });

  test('no pair outside its barrier does, and none with inner: off', async () => {
    const outside = bound(salt(), asCell(closeIons(0.89)), 1);
    await outside.field.compute();
    const off = bound(salt({ inner: 'off' }), asCell(closeIons(0.5)), 1);
    await off.field.compute();
    expect(Number.isFinite(off.field.energy)).toBe(true);
  });

  test('a single evaluation gives the numbers of the formulas and a warning', async () => {
    const structure = closeIons(0.6);
    const result = await salt().evaluate(structure);
    const expected = await new ReferencePairPotential(systems[2]!.spec).evaluate(structure);
    expect(Math.abs(result.energy / expected.energy - 1)).toBeLessThan(1e-13);
    expect(result.warnings).toEqual([{ code: 'PAIR_COLLAPSE', message: expect.stringContaining('Cl (atom 0) and Li (atom 1)') }]);
  });

  test('the pair that is named is the deepest, for any number of threads', async () => {
    const crystal = rockSalt('Li', 'Cl', 5.14, 3, 0);
    crystal.positions.set(
      [crystal.positions[3 * 100]! + 0.8, crystal.positions[3 * 100 + 1]!, crystal.positions[3 * 100 + 2]!],
      3 * 103,
    );
    crystal.positions.set(
      [crystal.positions[3 * 10]!, crystal.positions[3 * 10 + 1]! + 0.7, crystal.positions[3 * 10 + 2]!],
      3 * 11,
    );
    for (const threads of [1, 2, 8]) {
      const { field } = bound(salt(), crystal, 1, threads);
      await expect(field.compute()).rejects.toMatchObject({ code: 'PAIR_COLLAPSE', atom: 10 });
    }
  });
});

describe('a structure that does not fit', () => {
  // biome-ignore lint/suspicious/noExplicitAny: options that are wrong on purpose
  const change = (edit: (options: any) => void) => {
    const options = structuredClone(optionsOf(systems[2]!.spec));
    edit(options);
    return pairPotential(options);
  };
  const species = (...symbols: string[]) => ({ species: Uint8Array.from(symbols, (s) => SYMBOLS.indexOf(s)) });

  test('PAIR_MISSING names all missing pairs at once', () => {
    const potential = change((o) => {
      delete o.pairs[0].parameters['Li-Li'];
      delete o.pairs[0].parameters['Cl-Cl'];
    });
    expect(() => potential.typesOf(species('Li', 'Cl', 'Cl'))).toThrow(
      expect.objectContaining({
        code: 'PAIR_MISSING',
        message: expect.stringMatching(/Li-Li, Cl-Cl/),
        hint: expect.stringContaining('missingPairs: none'),
      }),
    );
    expect(() => potential.typesOf(species('Cl', 'Li'))).toThrow(expect.objectContaining({ code: 'PAIR_MISSING' }));
  });

  test('missing pairs act by charge alone where that is said', async () => {
    const potential = change((o) => {
      o.missingPairs = 'none';
      delete o.pairs[0].parameters['Li-Li'];
    });
    const pair = makeStructure({ species: Uint8Array.of(3, 3), positions: Float64Array.of(0, 0, 0, 0, 0, 3.1) });
    const spec = { ...systems[2]!.spec, terms: [] };
    const expected = await new ReferencePairPotential(spec).evaluate(pair);
    expect(Math.abs((await potential.evaluate(pair)).energy - expected.energy)).toBeLessThan(1e-13);
  });

  test('SPECIES_WITHOUT_CHARGE names species and count', () => {
    const potential = change((o) => {
      delete o.charges.Cl;
    });
    expect(() => potential.typesOf(species('Li', 'Cl', 'Cl'))).toThrow(
      expect.objectContaining({ code: 'SPECIES_WITHOUT_CHARGE', message: expect.stringContaining('Cl (2 atoms)') }),
    );
  });

  test('MODEL_UNKNOWN_SPECIES names species and atom', () => {
    const potential = pairPotential(optionsOf(systems[0]!.spec));
    expect(() => potential.typesOf(species('Ar', 'Ar', 'Kr'))).toThrow(
      expect.objectContaining({ code: 'MODEL_UNKNOWN_SPECIES', atom: 2, message: expect.stringMatching(/Kr.*knows Ar/) }),
    );
  });

  test('CELL_CHARGED names charge and composition, and can be overridden', async () => {
    const structure = makeStructure({
      species: Uint8Array.of(3, 3, 17),
      positions: Float64Array.of(0, 0, 0, 2.7, 0, 0, 0, 2.7, 0),
      cell: Float64Array.of(6, 0, 0, 0, 6, 0, 0, 0, 6),
    });
    const potential = change(() => {});
    await expect(potential.evaluate(structure)).rejects.toMatchObject({
      code: 'CELL_CHARGED',
      message: expect.stringMatching(/Li2 Cl1 .*Q = \+1 e.*background: neutralise/),
    });
    const accepted = change((o) => {
      o.electrostatics.dampedShiftedForce.acceptApproximation = true;
    });
    expect(Number.isFinite((await accepted.evaluate(structure)).energy)).toBe(true);
    // A cluster has no images whose charge could add up.
    expect(
      Number.isFinite(
        (await potential.evaluate(makeStructure({ species: structure.species, positions: structure.positions }))).energy,
      ),
    ).toBe(true);
  });

  test('PAIR_UNBOUNDED names the pair and its curve, whatever inner says', () => {
    for (const inner of ['error', 'off']) {
      const build = () =>
        change((o) => {
          o.inner = inner;
          o.pairs[0].parameters['Li-Cl'].A = 0;
        });
      expect(build).toThrow(
        expect.objectContaining({
          code: 'PAIR_UNBOUNDED',
          message: expect.stringMatching(/Li and Cl.*at 0\.5 A.*at 1 A.*at 2 A/),
        }),
      );
    }
    expect(() => change((o) => Object.assign(o, { missingPairs: 'none', pairs: [] }))).toThrow(
      expect.objectContaining({ code: 'PAIR_UNBOUNDED' }),
    );
  });
});

describe('what it tells', () => {
  test('info has the hash, the pair table and the barrier table', () => {
    const info = make(systems[2]!).info();
    expect(info).toMatchObject({ type: 'pair', species: ['Li', 'Cl'], cutoff: 9, precision: 'double', file: null });
    expect(info.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(isas).toContain(info.isa);
    const details = info.details as {
      barriers: { pair: string; r_A: number; height_eV: number }[];
      pairs: { pair: string; origin: string }[];
    };
    expect(details.pairs.map(({ pair, origin }) => [pair, origin])).toEqual([
      ['Li-Li', 'given'],
      ['Li-Cl', 'given'],
      ['Cl-Cl', 'given'],
    ]);
    const barrier = details.barriers.find(({ pair }) => pair === 'Cl-Li')!;
    // Coefficients of the test force field are rounded in the sixth digit.
    expect(barrier.r_A).toBeCloseTo(0.8868, 3);
    expect(barrier.height_eV).toBeCloseTo(1.564 + 6.374, 2);
  });

  test('pairCurve gives w(r) with and without charges', () => {
    const potential = make(systems[2]!);
    const curve = pairCurve(potential, 'Cl-Li', { from: '0.5 A', to: 6.5, points: 61 });
    expect(curve).toEqual(pairCurve(potential, 'Li-Cl', { from: 0.5, to: '0.65 nm', points: 61 }));
    expect(curve.r_A[0]).toBe(0.5);
    expect(curve.r_A[60]).toBe(6.5);
    curve.r_A.forEach((r, i) => {
      expect(Math.abs(curve.with_charges_eV[i]! - curve.without_charges_eV[i]! + 14.399645478425672 / r)).toBeLessThan(1e-12);
    });
    const minimum = curve.r_A[curve.with_charges_eV.indexOf(Math.min(...curve.with_charges_eV.slice(8)))]!;
    expect(Math.abs(minimum - 1.8356)).toBeLessThan(0.1);
    expect(() => pairCurve(potential, 'Li-Na', { from: 1, to: 2, points: 3 })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_VALUE' }),
    );
    expect(() => pairCurve(potential, 'Li-Cl', { from: 2, to: 1, points: 3 })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_RANGE' }),
    );
  });

  test('warnings for a use', () => {
    const plain = make(systems[3]!);
    expect(plain.warnings({ ensemble: 'nvt' })).toEqual([]);
    const [warning] = plain.warnings({ ensemble: 'nve' });
    expect(warning).toMatchObject({ code: 'PLAIN_CUTOFF', message: expect.stringMatching(/Cl-Cl .* eV at 7 A/) });
    expect(plain.warnings({ cellWork: true }).map(({ code }) => code)).toEqual(['PLAIN_CUTOFF']);
    expect(
      make(systems[2]!)
        .warnings({ ensemble: 'nve' })
        .map(({ code }) => code),
    ).toEqual(['DAMPED_SUM']);
    // The Li-Cl barrier is 7.9 eV: 40 kT at 2300 K.
    expect(
      make(systems[2]!)
        .warnings({ temperature: 2200 })
        .map(({ code }) => code),
    ).toEqual(['DAMPED_SUM']);
    expect(
      make(systems[2]!)
        .warnings({ temperature: 2400 })
        .map(({ code }) => code),
    ).toEqual(['DAMPED_SUM', 'LOW_BARRIER']);
    const options = optionsOf(systems[3]!.spec);
    options.pairs![0]!.parameters['Li-Cl']!.D = -1.5;
    expect(pairPotential(options).warnings()).toEqual([
      { code: 'NEGATIVE_D', message: expect.stringMatching(/Li-Cl.*LAMMPS sign\? see docs/) },
    ]);
  });

  test('masses of the options, and a name', () => {
    expect(make(systems[1]!).masses).toEqual({ Li: 6.94, Cl: 35.45 });
    expect(make(systems[2]!).masses).toBeUndefined();
    expect(make(systems[1]!).name).toBe('born-mayer-huggins + damped-shifted-force');
    expect(pairPotential(optionsOf(systems[1]!.spec), { name: 'licl' }).info().name).toBe('licl');
  });
});

describeReference('reference data', () => {
  const fixtures = () => referenceJson<Fixtures>('dynamics', 'fixtures.json');

  test.each(['lj32', 'licl64', 'licl64_disp', 'licl2'].flatMap((id) => isas.map((isa) => [id, isa] as const)))(
    '%s (%s)',
    async (id, isa) => {
      const { initial, expected } = referenceJson('dynamics', 'single_point', `${id}.json`);
      const structure = makeStructure({
        species: Uint8Array.from(initial.species as string[], (symbol) => SYMBOLS.indexOf(symbol)),
        positions: Float64Array.from(initial.positions_A.flat()),
        cell: Float64Array.from(initial.cell.flat()),
      });
      const result = await pairPotential(optionsOf(fixtureSpec(initial.fixture, fixtures())), { isa }).evaluate(structure);
      // Limits of the data.
      expect(Math.abs(result.energy - expected.potential_energy_eV)).toBeLessThan(1e-10);
      expect(worst(result.atomEnergies, expected.per_atom_energy_eV)).toBeLessThan(1e-10);
      expect(worst(result.forces, expected.forces_eV_per_A.flat())).toBeLessThan(1e-11);
      expect(
        worst(
          [0, 4, 8, 5, 2, 1].map((k) => result.virial[k]!),
          expected.virial_eV,
        ),
      ).toBeLessThan(1e-10);
      expect(
        worst(
          [0, 4, 8, 5, 2, 1].map((k) => result.stress![k]! / EV_PER_A3_IN_GPA),
          expected.static_stress_eV_per_A3,
        ),
      ).toBeLessThan(1e-12);
    },
  );

  test.each(isas)('pair forms (%s)', async (isa) => {
    const { forms } = referenceJson('coulomb', 'pair_forms.json');
    let checked = 0;
    for (const { form, parameters, cutoff_A, r_A, ...treatments } of forms) {
      if (form !== 'lennard-jones' && form !== 'born-mayer-huggins' && form !== 'buckingham') continue;
      const plain = Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key.replace(/_.*/, ''), value]));
      for (const atCutoff of ['plain', 'shift', 'force-shift'] as const) {
        const potential = pairPotential(
          { pairs: [{ form, cutoff: cutoff_A, atCutoff, parameters: { 'Li-Li': plain } }] },
          { isa },
        );
        for (let k = 0; k < r_A.length; k++) {
          const pair = makeStructure({ species: Uint8Array.of(3, 3), positions: Float64Array.of(0, 0, 0, 0, 0, r_A[k]) });
          const { energy, forces } = await potential.evaluate(pair);
          // 1e-13 relative, 1e-14 absolute: the limit of the data.
          const near = (got: number, expected: number) =>
            expect(Math.abs(got - expected)).toBeLessThanOrEqual(Math.max(1e-13 * Math.abs(expected), 1e-14));
          near(energy, treatments[atCutoff].energy_eV[k]);
          near(-forces[5]!, treatments[atCutoff].slope_eV_per_A[k]);
          checked++;
        }
      }
    }
    expect(checked).toBe(5 * 3 * 9);
  });
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
