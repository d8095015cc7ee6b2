/**
 * The native kernels against the plain formulas, for every kind of model and on each instruction set: nets in double, tables of our own
 * instead of nets, and nets and tables in float. And that threads never change a bit.
 */
import { nativeAddon } from '../../lib/native/loader.js';
import { DeepPotential, type DeepPotentialOptions } from '../../lib/potential/deep-potential.js';
import { evaluateOnce } from '../../lib/potential/native-force-field.js';
import { makeStructure } from '../../lib/structure.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { RANDOM_KINDS, randomModel, randomStream } from '../oracle/random-model.js';

const isas = nativeAddon().info().available;
const natoms = 15;
const cell = [7.1, 0, 0, 0.7, 6.8, 0, -0.4, 0.9, 7.4];
const pbc = [true, true, true] as const;

/** A jittered grid: no pair closer than about 1 A, where rough random nets would dwarf everything else. */
function positionsOf(seed: number): Float64Array {
  const random = randomStream(seed);
  const out = new Float64Array(3 * natoms);
  for (let i = 0; i < natoms; i++) {
    const s = [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)].map((k) => (k + 0.45 * random()) / 3);
    for (let c = 0; c < 3; c++) out[3 * i + c] = s[0]! * cell[c]! + s[1]! * cell[3 + c]! + s[2]! * cell[6 + c]!;
  }
  return out;
}

const frameParameters = [0.3, -0.6];
const atomParameters = Float64Array.from({ length: natoms }, (_, i) => Math.sin(i));

function caseOf(seed: number, kind: (typeof RANDOM_KINDS)[number]) {
  const parameters = randomModel(seed, kind);
  const types = Int32Array.from({ length: natoms }, (_, i) => (i * 7 + seed) % parameters.ntypes);
  const positions = positionsOf(seed);
  const given = parameters.frameParameters !== null && parameters.frameParameters.defaults === null;
  const aparam = parameters.atomParameters ? atomParameters : null;
  const expected = evaluateOracle(parameters, types, positions, cell, {
    ...(given ? { frameParameters } : {}),
    ...(aparam ? { atomParameters: aparam } : {}),
  });
  const structure = makeStructure({
    species: new Uint8Array(natoms).fill(1),
    positions,
    cell: Float64Array.from(cell),
  });
  const external = {
    ...(given ? { fparam: frameParameters } : {}),
    ...(aparam ? { aparam: { values: aparam, rows: natoms, columns: 1, file: null } } : {}),
  };
  const evaluate = (options: DeepPotentialOptions, threads = 2) => {
    const potential = new DeepPotential({ parameters, name: 'random', file: 'random', sha256: '' }, { ...external, ...options });
    return evaluateOnce(structure, (arrays) => potential.bind(types, pbc, arrays, { selOverflow: 'truncate', threads }));
  };
  return { expected, evaluate };
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, k) => Math.max(most, Math.abs(x - b[k]!)), 0);

describe.each(isas)('on %s', (isa) => {
  describe.each(RANDOM_KINDS)('%s', (kind) => {
    test.each([1, 2, 3])('model %i', async (seed) => {
      const { expected, evaluate } = caseOf(seed, kind);
      const size = 1 + Math.max(...expected.forces.map(Math.abs));
      const energy = 1 + Math.max(...expected.atomEnergies.map(Math.abs));
      const check = async (options: DeepPotentialOptions, relative: number) => {
        const result = await evaluate({ isa, ...options });
        expect(largest(result.atomEnergies, expected.atomEnergies)).toBeLessThan(relative * (energy + size));
        expect(largest(result.forces, expected.forces)).toBeLessThan(10 * relative * size);
        expect(largest(result.virial, expected.virial)).toBeLessThan(100 * relative * size);
      };
      // Rounding of double.
      await check({}, 1e-12);
      // Tables are made to an error of 1e-8 of the typical force; the largest of a few may be some times that.
      await check({ compression: 'auto' }, 3e-8);
      // Float has 6e-8 of each number; random nets amplify it by up to a hundred.
      await check({ precision: 'mixed' }, 3e-6);
      await check({ precision: 'mixed', compression: 'auto' }, 3e-6);
    });
  });
});

describe('threads', () => {
  test.each([
    ['double', 'none'],
    ['double', 'auto'],
    ['mixed', 'auto'],
  ] as const)('%s, compression %s: 1, 2, 3 and 8 threads give the same bits', async (precision, compression) => {
    for (const kind of ['hybrid', 'pair table, native'] as const) {
      const { evaluate } = caseOf(2, RANDOM_KINDS.includes(kind as never) ? (kind as never) : RANDOM_KINDS[0]!);
      const first = await evaluate({ precision, compression }, 1);
      for (const threads of [2, 3, 8]) {
        const other = await evaluate({ precision, compression }, threads);
        expect([...other.forces]).toEqual([...first.forces]);
        expect([...other.virial]).toEqual([...first.virial]);
        expect(other.energy).toBe(first.energy);
      }
    }
  });
});
