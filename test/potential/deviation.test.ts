/** Model deviation: numbers by hand, reference data, and the limits of the definition (deep-potential.md 3.6). */
import { modelDeviation } from '../../lib/potential/deviation.js';
import { loadPotential } from '../../lib/potential/load.js';
import { makeStructure } from '../../lib/structure.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';

const prediction = (energy: number, forces: number[], virial: number[]) => ({
  energy,
  forces: Float64Array.from(forces),
  virial: Float64Array.from(virial),
});

test('numbers by hand', () => {
  const models = [
    prediction(2, [1, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 0]),
    prediction(6, [3, 0, 0, 0, 3, 4], [6, 0, 0, 0, 0, 0, 0, 0, 8]),
  ];
  // Half of the differences: |(2, 0, 0)|/2 and |(0, 3, 4)|/2; energy 4/2 and virial 4/2, 8/2 over 2 atoms.
  expect(modelDeviation(models)).toEqual({
    forceMax: 2.5,
    forceMin: 1,
    forceMean: 1.75,
    energy: 1,
    virialMax: 2,
    virialMin: 0,
    virialMean: Math.sqrt((1 + 4) / 9),
  });
});

test('three models: the population standard deviation', () => {
  const models = [0, 3, 6].map((x) => prediction(x, [x, 0, 0], new Array(9).fill(x)));
  const { forceMax, forceMin, energy, virialMean } = modelDeviation(models);
  // sqrt((9 + 0 + 9)/3).
  for (const value of [forceMax, forceMin, energy, virialMean]) expect(value).toBeCloseTo(Math.sqrt(6), 14);
});

test('models that agree deviate by nothing; what is not a number is not hidden', () => {
  const one = prediction(-3, [0.1, -0.2, 0.3, 1e5, 2e-7, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(Object.values(modelDeviation([one, one]))).toEqual([0, 0, 0, 0, 0, 0, 0]);
  const broken = { ...one, forces: Float64Array.of(Number.NaN, 0, 0, 0, 0, 0) };
  expect(modelDeviation([one, broken]).forceMax).toBeNaN();
});

describeReference('ensembles of the reference data', () => {
  const { cases } = referenceJson('deep-potential', 'cases', 'model_deviation.json');
  for (const { models, frames } of cases) {
    for (const { label, types, coord, cell, expected, upstream } of frames) {
      test(`${models.join(', ')}: ${label}`, async () => {
        const elements = [8, 1];
        const committee = await loadPotential(
          models.map((name: string) => referencePath('deep-potential', name)),
          { threads: 1, types: { O: 0, H: 1 } },
        );
        const structure = makeStructure({
          species: types.map((t: number) => elements[t]!),
          positions: coord.flat(),
          cell: cell.flat(),
        });
        const { deviation } = await committee.evaluate(structure);
        const got = {
          max_devi_v: deviation!.virialMax,
          min_devi_v: deviation!.virialMin,
          avg_devi_v: deviation!.virialMean,
          max_devi_f: deviation!.forceMax,
          min_devi_f: deviation!.forceMin,
          avg_devi_f: deviation!.forceMean,
          devi_e: deviation!.energy,
        };
        for (const [name, value] of Object.entries(got)) {
          // Two evaluations in double precision that sum in different orders.
          expect(Math.abs(value - expected[name])).toBeLessThan(1e-11);
          // Printed with twelve digits.
          if (upstream?.[name] !== undefined) expect(Math.abs(value - upstream[name])).toBeLessThan(1e-12);
        }
      });
    }
  }
});
