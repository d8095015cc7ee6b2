/** The pair potential as its users see it: bound to arrays, structures that do not fit, and what it tells about itself. */
import { SYMBOLS } from '../../lib/elements.js';
import type { Isa } from '../../lib/native/addon.js';
import { nativeAddon } from '../../lib/native/loader.js';
import { type PairPotential, pairCurve, pairPotential } from '../../lib/potential/pair-potential.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { ReferencePairPotential } from '../oracle/pair-potential.js';
import { generator, largestDifference, optionsOf, rockSalt, type System, systems } from './pair/systems.js';

const isas = nativeAddon().info().available;
const make = (system: System, isa?: Isa) => pairPotential(optionsOf(system.spec), { isa });

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
      expect(largestDifference(arrays.forces, fresh.forces)).toBeLessThan(1e-11);
    }
    expect(field.rebuilds).toBeGreaterThan(1);
    expect(field.rebuilds).toBeLessThan(20);
    field.dispose();
  });

  test('a coordinate that is not a number is an error, not a quiet zero', async () => {
    for (const when of ['before', 'after'] as const) {
      const { arrays, field } = bound(make(systems[2]!), systems[2]!.structure, 1);
      if (when === 'after') await field.compute();
      arrays.positions[16] = NaN;
      await expect(field.compute()).rejects.toMatchObject({ code: 'NONFINITE_POSITION', atom: 5 });
    }
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
