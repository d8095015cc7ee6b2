/** Pair potentials against the reference data. */
import { SYMBOLS } from '../../../lib/elements.js';
import { nativeAddon } from '../../../lib/native/loader.js';
import { pairPotential } from '../../../lib/potential/pair-potential.js';
import { makeStructure } from '../../../lib/structure.js';
import { EV_PER_A3_IN_GPA } from '../../../lib/units.js';
import { type Fixtures, fixtureSpec } from '../../oracle/pair-fixtures.js';
import { describeReference, referenceJson } from '../../reference.js';
import { largestDifference, optionsOf } from './systems.js';

const isas = nativeAddon().info().available;

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
      expect(largestDifference(result.atomEnergies, expected.per_atom_energy_eV)).toBeLessThan(1e-10);
      expect(largestDifference(result.forces, expected.forces_eV_per_A.flat())).toBeLessThan(1e-11);
      expect(
        largestDifference(
          [0, 4, 8, 5, 2, 1].map((k) => result.virial[k]!),
          expected.virial_eV,
        ),
      ).toBeLessThan(1e-10);
      expect(
        largestDifference(
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

  test.each(isas)('the Morse part of the pair forms (%s)', async (isa) => {
    // The data hold Morse and B/r^12 together: the second is added here in closed form.
    const { forms } = referenceJson('coulomb', 'pair_forms.json');
    let checked = 0;
    for (const { form, parameters: p, cutoff_A: cutoff, r_A, ...treatments } of forms) {
      if (form !== 'morse+power-12') continue;
      const power = (r: number) => [p.B_eV_A12 / r ** 12, (-12 * p.B_eV_A12) / r ** 13] as const;
      const [end, tilt] = power(cutoff);
      for (const atCutoff of ['plain', 'shift', 'force-shift'] as const) {
        const parameters = { 'Li-Li': { D: p.D_eV, a: p.a_per_A, r0: p.r0_A } };
        const potential = pairPotential({ pairs: [{ form: 'morse', cutoff, atCutoff, parameters }] }, { isa });
        for (let k = 0; k < r_A.length; k++) {
          const r = r_A[k];
          const pair = makeStructure({ species: Uint8Array.of(3, 3), positions: Float64Array.of(0, 0, 0, 0, 0, r) });
          const { energy, forces } = await potential.evaluate(pair);
          const [u, du] = power(r);
          const total = energy + u - (atCutoff === 'plain' ? 0 : end) - (atCutoff === 'force-shift' ? (r - cutoff) * tilt : 0);
          const slope = -forces[5]! + du - (atCutoff === 'force-shift' ? tilt : 0);
          // 1e-13 of the larger part: the two nearly cancel where their sum changes sign.
          const near = (got: number, expected: number, part: number) =>
            expect(Math.abs(got - expected)).toBeLessThanOrEqual(
              Math.max(1e-13 * Math.max(Math.abs(expected), Math.abs(part)), 1e-14),
            );
          near(total, treatments[atCutoff].energy_eV[k], u);
          near(slope, treatments[atCutoff].slope_eV_per_A[k], du);
          checked++;
        }
      }
    }
    expect(checked).toBe(2 * 3 * 9);
  });
});
