/**
 * The native kernels against the plain formulas, for models of every kind the parameters can describe and for cells of every kind:
 * each case on each instruction set.
 */
import { nativeAddon } from '../../lib/native/loader.js';
import { DeepPotential } from '../../lib/potential/deep-potential.js';
import type { Activation, DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters.js';
import { evaluateOnce } from '../../lib/potential/native-force-field.js';
import type { SelOverflow } from '../../lib/potential/potential.js';
import { makeStructure } from '../../lib/structure.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { type RandomModelOptions, randomModel, randomStream } from '../oracle/random-model.js';

const isas = nativeAddon().info().available;

const activations: Activation[] = [
  { name: 'tanh' },
  { name: 'gelu' },
  { name: 'relu' },
  { name: 'relu6' },
  { name: 'softplus' },
  { name: 'sigmoid' },
  { name: 'silu' },
  { name: 'silut', threshold: 1.3 },
  { name: 'linear' },
];

interface Case {
  name: string;
  model: RandomModelOptions;
  overflow?: SelOverflow;
  /** davg is set to zero: empty slots give nothing. */
  silentSlots?: boolean;
}

const models: Case[] = [
  ...activations.map((activation) => ({
    name: activation.name,
    model: { activation, fittingActivation: activation, sel: [40, 40] },
  })),
  { name: 'one-sided', model: { oneSided: true, sel: [40, 40] } },
  { name: 'one-sided, no timestep', model: { oneSided: true, resnetDt: false, sel: [40, 40] } },
  { name: 'widths that are no whole vectors', model: { neuron: [5, 10, 13], axis: 3, fittingNeuron: [7, 7, 9], sel: [40, 40] } },
  { name: 'first layer of width 1 and 2', model: { neuron: [1, 2, 4], axis: 4, sel: [40, 40] } },
  { name: 'no hidden fitting layer', model: { fittingNeuron: [], sel: [40, 40] } },
  { name: 'wide', model: { neuron: [16, 32, 64], axis: 8, fittingNeuron: [30, 30], sel: [40, 40] } },
  { name: 'exclusions, graph', model: { exclude: [[0, 1]], sel: [40, 40] } },
  { name: 'exclusions, graph, one-sided', model: { exclude: [[0, 1]], oneSided: true, sel: [40, 40] } },
  { name: 'exclusions, native', model: { family: 'native', exclude: [[0, 0]], sel: [40, 40] } },
  { name: 'three types, one never seen', model: { typeNames: ['A', 'B', 'C'], sel: [40, 0, 40] } },
  { name: 'statistics by slot', model: { perSlotStatistics: true, sel: [40, 40] } },
  { name: 'overflow, graph rule', model: { sel: [4, 3] } },
  { name: 'overflow, native rule', model: { family: 'native', sel: [4, 3] } },
  { name: 'overflow, statistics by slot', model: { perSlotStatistics: true, sel: [4, 3] } },
  { name: 'overflow, grown', model: { sel: [4, 3] }, overflow: 'grow', silentSlots: true },
];

const cells: { name: string; cell: number[] | null; pbc: [boolean, boolean, boolean]; atoms: number }[] = [
  { name: 'cluster', cell: null, pbc: [false, false, false], atoms: 7 },
  { name: 'tilted', cell: [9.1, 0, 0, 1.7, 8.4, 0, -2.3, 1.9, 7.7], pbc: [true, true, true], atoms: 9 },
  { name: 'smaller than the cutoff', cell: [3.4, 0.2, 0, 0.9, 3.1, 0.3, -0.6, 0.4, 3.7], pbc: [true, true, true], atoms: 3 },
  { name: 'slab', cell: [6.3, 0, 0.4, 1.1, 6.8, 0, 0.2, 0.3, 30], pbc: [true, true, false], atoms: 8 },
  { name: 'wire', cell: [5.2, 0.5, 0, 0, 25, 1, 2, 0, 25], pbc: [true, false, false], atoms: 6 },
];

/** Positions on a jittered grid (no pair closer than about 1 A), some outside the cell. */
function configuration(cell: number[] | null, atoms: number, ntypes: number, seed: number) {
  const random = randomStream(seed);
  const h = cell ?? [6, 0, 0, 0, 6, 0, 0, 0, 6];
  const side = Math.ceil(Math.cbrt(atoms));
  const positions = new Float64Array(3 * atoms);
  for (let i = 0; i < atoms; i++) {
    const s = [i % side, Math.floor(i / side) % side, Math.floor(i / side ** 2)].map((k) => (k + 0.4 * random()) / side);
    if (cell && i === 1) s[0]! += 3;
    // Non-periodic directions keep atoms near the middle of a long cell edge, as a slab has them.
    for (let c = 0; c < 3; c++)
      positions[3 * i + c] =
        s[0]! * h[c]! + Math.min(s[1]!, 8 / (h[4]! + 1)) * h[3 + c]! + Math.min(s[2]!, 8 / (h[8]! + 1)) * h[6 + c]!;
  }
  return { positions, types: Int32Array.from({ length: atoms }, (_, i) => (i * 7 + seed) % ntypes) };
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, k) => Math.max(most, Math.abs(x - b[k]!)), 0);

function potentialOf(parameters: DeepPotentialParameters, isa: (typeof isas)[number]) {
  return new DeepPotential({ parameters, name: 'random', file: 'random', sha256: '' }, { isa });
}

describe.each(isas)('on %s', (isa) => {
  describe.each(models)('$name', ({ model, overflow = 'truncate', silentSlots }) => {
    const made = randomModel(model);
    const parameters = silentSlots
      ? { ...made, descriptors: made.descriptors.map((d) => ({ ...d, davg: new Float64Array(d.davg.length) })) }
      : made;
    const potential = potentialOf(parameters, isa);

    test.each(cells)('$name', async ({ cell, pbc, atoms }) => {
      const { positions, types } = configuration(cell, atoms, parameters.ntypes, 3);
      const expected = evaluateOracle(parameters, types, positions, cell, { selOverflow: overflow as 'truncate' | 'grow' }, pbc);
      const structure = makeStructure({
        species: new Uint8Array(atoms).fill(1),
        positions,
        cell: cell && Float64Array.from(cell),
        pbc,
      });
      const result = await evaluateOnce(structure, (arrays) =>
        potential.bind(types, pbc, arrays, { selOverflow: overflow, threads: 2 }),
      );
      // Energies are of order 1 eV, forces up to 100 eV/A in these rough random nets: 1e-12 of the size is rounding.
      const scale = 1 + Math.max(...expected.forces.map(Math.abs));
      expect(Math.abs(result.energy - expected.energy)).toBeLessThan(1e-12 * (1 + Math.abs(expected.energy) + scale));
      expect(largest(result.atomEnergies, expected.atomEnergies)).toBeLessThan(1e-12 * scale);
      expect(largest(result.forces, expected.forces)).toBeLessThan(1e-11 * scale);
      expect(largest(result.virial, expected.virial)).toBeLessThan(1e-10 * scale);
      // In the wire with excluded pairs nothing is left to interact; everywhere else the case must say something.
      if (!model.exclude) expect(scale).toBeGreaterThan(1 + 1e-6);
    });
  });
});

describe('too many neighbours for sel', () => {
  const dense = [5, 0, 0, 0, 5, 0, 0, 0, 5];
  const { positions, types } = configuration(dense, 12, 2, 5);
  const structure = makeStructure({ species: new Uint8Array(12).fill(1), positions, cell: Float64Array.from(dense) });
  const evaluate = (potential: DeepPotential, selOverflow: SelOverflow) =>
    evaluateOnce(structure, (arrays) => potential.bind(types, [true, true, true], arrays, { selOverflow, threads: 1 }));

  test('truncate warns once for each type, with counts', async () => {
    const { warnings } = await evaluate(potentialOf(randomModel({ sel: [4, 3] }), 'baseline'), 'truncate');
    expect(warnings.map(({ code }) => code).sort()).toEqual(['SEL_TRUNCATED_0', 'SEL_TRUNCATED_1']);
    expect(warnings[0]!.message).toMatch(/more than 4 neighbours of A \(up to \d+\).*nearest 4 count/);
  });

  test('grow is refused where empty slots contribute', async () => {
    await expect(evaluate(potentialOf(randomModel({ sel: [4, 3] }), 'baseline'), 'grow')).rejects.toMatchObject({
      code: 'SEL_CANNOT_GROW',
    });
  });

  test('of several descriptors, each is named', async () => {
    const { warnings } = await evaluate(potentialOf(randomModel(5, 'hybrid, native, overflow'), 'baseline'), 'truncate');
    expect(warnings.map(({ code }) => code).sort()).toEqual([
      'SEL_TRUNCATED_0_0',
      'SEL_TRUNCATED_0_1',
      'SEL_TRUNCATED_1_0',
      'SEL_TRUNCATED_1_1',
    ]);
    const radial = warnings.find(({ code }) => code === 'SEL_TRUNCATED_1_1')!;
    expect(radial.message).toMatch(/more than 4 neighbours of B \(up to \d+\) of descriptor 1 \(se_e2_r\).*nearest 4 count/);
    await expect(evaluate(potentialOf(randomModel(5, 'hybrid, native, overflow'), 'baseline'), 'stop')).rejects.toMatchObject({
      code: 'SEL_OVERFLOW',
      message: expect.stringMatching(/slots for neighbours of . of descriptor . \(se_e2_.\), atom \d+ has \d+/),
    });
  });

  test('of groups that all types share, no type is named', async () => {
    const model = randomModel(5, 'dpa1, concat, overflow');
    const { warnings } = await evaluate(potentialOf(model, 'baseline'), 'truncate');
    expect(warnings.map(({ code }) => code)).toEqual(['SEL_TRUNCATED_0']);
    expect(warnings[0]!.message).toMatch(/more than 4 neighbours \(up to \d+\): only the nearest 4 count/);
    await expect(evaluate(potentialOf(model, 'baseline'), 'stop')).rejects.toMatchObject({
      code: 'SEL_OVERFLOW',
      message: expect.stringMatching(/4 slots for neighbours, atom \d+ has \d+/),
    });
  });

  test('stop names type and count', async () => {
    await expect(evaluate(potentialOf(randomModel({ sel: [4, 90] }), 'baseline'), 'stop')).rejects.toMatchObject({
      code: 'SEL_OVERFLOW',
      message: expect.stringMatching(/4 slots for neighbours of A, atom \d+ has \d+/),
    });
  });
});

test('virtual atoms are neither centres nor neighbours', async () => {
  const parameters = randomModel({ sel: [40, 40] });
  const cell = [9, 0, 0, 1, 9, 0, 0, 2, 9];
  const { positions, types } = configuration(cell, 9, 2, 8);
  types[4] = -1;
  const expected = evaluateOracle(parameters, types, positions, cell);
  const structure = makeStructure({ species: new Uint8Array(9).fill(1), positions, cell: Float64Array.from(cell) });
  const result = await evaluateOnce(structure, (arrays) =>
    potentialOf(parameters, isas.at(-1)!).bind(types, [true, true, true], arrays),
  );
  expect(largest(result.forces, expected.forces)).toBeLessThan(1e-11);
  expect(result.atomEnergies[4]).toBe(0);
  expect(Array.from(result.forces.subarray(12, 15))).toEqual([0, 0, 0]);
});

test('two atoms in one place are an error that names them', async () => {
  const structure = makeStructure({ species: new Uint8Array(3).fill(1), positions: Float64Array.of(0, 0, 0, 2, 0, 0, 2, 0, 0) });
  const potential = potentialOf(randomModel({ sel: [40, 40] }), 'baseline');
  await expect(
    evaluateOnce(structure, (arrays) => potential.bind(Int32Array.of(0, 0, 1), [false, false, false], arrays)),
  ).rejects.toMatchObject({ code: 'ATOMS_OVERLAP', atom: 1, message: expect.stringContaining('atoms 1 and 2') });
});
