/** The native Deep Potential against reference numbers, the TypeScript oracle, and itself (threads, instruction sets, symmetries). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atomicNumber } from '../../lib/elements.js';
import type { Isa } from '../../lib/native/addon.js';
import { nativeAddon } from '../../lib/native/loader.js';
import { DeepPotential } from '../../lib/potential/deep-potential.js';
import { atomParametersOf } from '../../lib/potential/external-parameters.js';
import { loadPotential } from '../../lib/potential/load.js';
import { readModel } from '../../lib/potential/model-file.js';
import { evaluateOnce } from '../../lib/potential/native-force-field.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { referenceModels } from '../reference-models.js';

const isas = nativeAddon().info().available;

interface CaseFrame {
  types: number[];
  coord: number[][];
  cell: number[][] | null;
  fparam?: number[] | null;
  aparam?: number[][] | null;
  energy: number;
  atom_energy: number[];
  force: number[][];
  virial: number[][];
  tolerance: { energy_rel: number; atom_energy_abs: number; force_abs: number; virial_abs: number };
}

/** Evaluates by type numbers: reference models have names such as A, B, or none at all. */
async function byTypes(potential: DeepPotential, frame: Pick<CaseFrame, 'types' | 'coord' | 'cell'>, threads = 1) {
  const periodic = frame.cell !== null;
  const structure = makeStructure({
    species: new Uint8Array(frame.types.length).fill(1),
    positions: Float64Array.from(frame.coord.flat()),
    cell: frame.cell && Float64Array.from(frame.cell.flat()),
  });
  return evaluateOnce(structure, (arrays) =>
    potential.bind(Int32Array.from(frame.types), [periodic, periodic, periodic], arrays, { threads }),
  );
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.max(...Array.from(a, (x, k) => Math.abs(x - b[k]!)));

describeReference('reference cases', () => {
  const names = referenceModels();
  test.each(names.flatMap((name) => isas.map((isa) => [name, isa] as const)))('%s on %s', async (name, isa) => {
    const data = referenceJson<{ model: string; frames: CaseFrame[] }>('deep-potential', 'cases', `${name}.json`);
    const model = await readModel(referencePath('deep-potential', data.model));
    for (const frame of data.frames) {
      const potential = new DeepPotential(model, {
        isa,
        ...(frame.fparam ? { fparam: frame.fparam } : {}),
        ...(frame.aparam ? { aparam: atomParametersOf(frame.aparam) } : {}),
      });
      const result = await byTypes(potential, frame);
      expect(Math.abs(result.energy - frame.energy)).toBeLessThanOrEqual(frame.tolerance.energy_rel * Math.abs(frame.energy));
      expect(largest(result.atomEnergies, frame.atom_energy)).toBeLessThanOrEqual(frame.tolerance.atom_energy_abs);
      expect(largest(result.forces, frame.force.flat())).toBeLessThanOrEqual(frame.tolerance.force_abs);
      expect(largest(result.virial, frame.virial.flat())).toBeLessThanOrEqual(frame.tolerance.virial_abs);
    }
  });
});

interface BundledFrame {
  types: number[];
  cell: number[] | null;
  positions: number[];
  energy: number;
  forces: number[];
  virial: number[];
  atom_energies: number[];
}

const structureOf = (frame: BundledFrame, names: readonly string[]): Structure =>
  makeStructure({
    species: Uint8Array.from(frame.types, (type) => atomicNumber(names[type]!)!),
    positions: Float64Array.from(frame.positions),
    cell: frame.cell && Float64Array.from(frame.cell),
  });

const bundled = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, '..', 'data', 'models', `${name}.json`), 'utf8')) as { frames: BundledFrame[] };

describe.each(['mg-ga-f-cl', 'li-ga-f-cl', 'li-y-cl-br'])('bundled model %s', (name) => {
  test.each(isas)('agrees with DeePMD-kit 3.2 on %s', async (isa) => {
    const potential = await loadPotential(name, { isa });
    for (const frame of bundled(name).frames) {
      const result = await potential.evaluate(structureOf(frame, potential.species), { threads: 2 });
      // Rounding of sums of a few hundred terms of order 10 eV: 1e-13; the reference itself is that good.
      expect(Math.abs(result.energy - frame.energy)).toBeLessThan(1e-10);
      expect(largest(result.atomEnergies, frame.atom_energies)).toBeLessThan(1e-10);
      expect(largest(result.forces, frame.forces)).toBeLessThan(1e-10);
      expect(largest(result.virial, frame.virial)).toBeLessThan(1e-9);
    }
  });
});

describe('determinism', () => {
  test('1, 2, 3 and 8 threads give the same bits', async () => {
    const potential = await loadPotential('li-y-cl-br');
    const structure = structureOf(bundled('li-y-cl-br').frames[0]!, potential.species);
    const one = await potential.evaluate(structure, { threads: 1 });
    for (const threads of [2, 3, 8]) {
      const other = await potential.evaluate(structure, { threads });
      expect(other.energy).toBe(one.energy);
      expect(other.forces).toEqual(one.forces);
      expect(other.virial).toEqual(one.virial);
      expect(other.atomEnergies).toEqual(one.atomEnergies);
    }
  });

  test('instruction sets agree to rounding', async () => {
    const structure = structureOf(bundled('mg-ga-f-cl').frames[0]!, ['Mg', 'Ga', 'F', 'Cl']);
    const results = await Promise.all(
      isas.map(async (isa: Isa) => (await loadPotential('mg-ga-f-cl', { isa })).evaluate(structure)),
    );
    for (const result of results) {
      expect(largest(result.forces, results[0]!.forces)).toBeLessThan(1e-11);
      expect(Math.abs(result.energy / results[0]!.energy - 1)).toBeLessThan(1e-13);
    }
  });
});
