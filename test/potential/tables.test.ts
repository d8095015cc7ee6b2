/** Tables that stand for embedding nets, and nets in float: how far from the nets in double they are, and what they depend on. */
import { join } from 'node:path';
import { readStructure } from '../../lib/io/read.js';
import { nativeAddon } from '../../lib/native/loader.js';
import { DeepPotential } from '../../lib/potential/deep-potential.js';
import { nativeParameters } from '../../lib/potential/deep-potential-native.js';
import type { StoredTable } from '../../lib/potential/deep-potential-parameters.js';
import { loadPotential } from '../../lib/potential/load.js';
import { readModel } from '../../lib/potential/model-file.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { randomModel } from '../oracle/random-model.js';

const isas = nativeAddon().info().available;
const example = (name: string) => readStructure(join(__dirname, '../../examples/structures', name));

const cases = [
  { model: 'li-y-cl-br', file: 'Li3YCl6_trigonal_90_900K.extxyz' },
  { model: 'mg-ga-f-cl', file: 'mg_interface.xyz' },
];

function difference(a: Float64Array, b: Float64Array) {
  let sum = 0;
  let size = 0;
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    const d = a[k]! - b[k]!;
    sum += d * d;
    size += b[k]! ** 2;
    largest = Math.max(largest, Math.abs(d));
  }
  return { relative: Math.sqrt(sum / size), rms: Math.sqrt(sum / a.length), largest };
}

describe.each(isas)('on %s', (isa) => {
  test.each(cases)('$model: forces', async ({ model, file }) => {
    const structure = await example(file);
    const evaluate = async (precision: 'double' | 'mixed', compression: 'none' | 'auto') =>
      (await loadPotential(model, { isa, precision, compression })).evaluate(structure);
    const nets = await evaluate('double', 'none');
    const tables = await evaluate('double', 'auto');
    // What compression promises in double.
    expect(difference(tables.forces, nets.forces).relative).toBeLessThan(1e-8);
    expect(difference(tables.forces, nets.forces).relative).toBeGreaterThan(1e-13); // the tables were there
    expect(Math.abs(tables.energy - nets.energy) / structure.species.length).toBeLessThan(1e-9);
    const float = await evaluate('mixed', 'none');
    const both = await evaluate('mixed', 'auto');
    for (const mixed of [float, both]) {
      const { rms, largest } = difference(mixed.forces, nets.forces);
      expect(largest).toBeLessThan(1e-4);
      expect(rms).toBeLessThan(1e-5);
      // 1e-7 of each number, which nets and sums amplify: measured 2e-7 to 1e-6 of the force.
      expect(difference(mixed.forces, nets.forces).relative).toBeLessThan(2e-6);
      expect(Math.abs(mixed.energy - nets.energy) / structure.species.length).toBeLessThan(1e-6);
    }
  });
});

describe('tables are a function of model and options alone', () => {
  const tablesOf = async (name: string, isa: (typeof isas)[number]) => {
    const { parameters } = await readModel(name);
    const handle = nativeAddon().createDeepPotential(nativeParameters(parameters), isa, {
      precision: 'double',
      compression: true,
    });
    return handle.tables() as StoredTable[];
  };
  const plain = (tables: StoredTable[]) =>
    tables
      .map((t) => ({ ...t, edges: [...t.edges], coefficients: [...t.coefficients], expansion: [...t.expansion] }))
      .sort((a, b) => a.centre - b.centre || a.neighbour - b.neighbour);

  test('not of the instruction set', async () => {
    const [first, ...others] = await Promise.all(isas.map((isa) => tablesOf('li-y-cl-br', isa)));
    expect(first).toHaveLength(16);
    for (const other of others) expect(plain(other)).toEqual(plain(first!));
  });

  test('each says its error, which is small', async () => {
    for (const { valueError, slopeError } of await tablesOf('li-y-cl-br', isas.at(-1)!)) {
      expect(valueError).toBeGreaterThan(0);
      expect(valueError).toBeLessThan(1e-9);
      expect(slopeError).toBeLessThan(1e-8);
    }
  });

  test('not of the types that were met first', async () => {
    const structure = await example('Li3YCl6_trigonal_90_900K.extxyz');
    const some = (symbols: number[]): Structure =>
      makeStructure({
        species: structure.species.filter((z) => symbols.includes(z)),
        positions: Float64Array.from(
          [...structure.species].flatMap((z, i) =>
            symbols.includes(z) ? [...structure.positions.subarray(3 * i, 3 * i + 3)] : [],
          ),
        ),
        cell: structure.cell,
      });
    const one = await loadPotential('li-y-cl-br', { compression: 'auto' });
    await one.evaluate(some([3]));
    await one.evaluate(some([3, 17]));
    const other = await loadPotential('li-y-cl-br', { compression: 'auto' });
    expect([...(await one.evaluate(structure)).forces]).toEqual([...(await other.evaluate(structure)).forces]);
  });
});

/** A few atoms of a random model at given distances along a line. */
async function line(potential: DeepPotential, distances: number[]) {
  const positions = [0, 0, 0];
  for (const d of distances) {
    const x = positions.at(-3)! + d;
    positions.push(x, 0.1 * x, 0);
  }
  const structure = makeStructure({
    species: new Uint8Array(distances.length + 1).fill(1),
    positions: Float64Array.from(positions),
    cell: null,
  });
  return potential.evaluate(structure);
}

const potentialOf = (parameters: ReturnType<typeof randomModel>, compression: 'none' | 'auto') =>
  new DeepPotential({ parameters, name: 'random', file: 'random', sha256: '' }, { compression, types: { H: 0 } });

test('below its first panel a table gives way to the net itself', async () => {
  const parameters = { ...randomModel({ sel: [40, 40] }), minNeighbourDistance: 1.5 };
  const [nets, tables] = [potentialOf(parameters, 'none'), potentialOf(parameters, 'auto')];
  for (const d of [0.3, 1.2, 1.3499999, 1.35, 1.3500001]) {
    const expected = await line(nets, [d, 2]);
    const result = await line(tables, [d, 2]);
    const size = Math.max(...expected.forces.map(Math.abs));
    expect(difference(result.forces, expected.forces).largest).toBeLessThan(1e-7 * size);
  }
});

test('nets with kinks are kept', async () => {
  const parameters = randomModel({ activation: { name: 'relu' }, sel: [40, 40] });
  const handle = nativeAddon().createDeepPotential(nativeParameters(parameters), isas.at(-1)!, {
    precision: 'double',
    compression: true,
  });
  expect(handle.tables()).toEqual([]);
  const [nets, tables] = await Promise.all((['none', 'auto'] as const).map((c) => line(potentialOf(parameters, c), [1.4, 1.1])));
  expect([...tables!.forces]).toEqual([...nets!.forces]);
});

test('forces are the slope of the tabulated energy, across the edges of panels too', async () => {
  const potential = potentialOf(randomModel({ sel: [40, 40] }), 'auto');
  const h = 1e-4;
  for (let d = 0.8; d < 4.2; d += 0.0371) {
    const energies = await Promise.all([-2, -1, 1, 2].map(async (k) => (await line(potential, [d + k * h, 1.7])).energy));
    const slope = (energies[0]! - 8 * energies[1]! + 8 * energies[2]! - energies[3]!) / (12 * h);
    const { forces } = await line(potential, [d, 1.7]);
    // All atoms but the first move along (1, 0.1, 0).
    const along = [1, 2].reduce((sum, i) => sum + forces[3 * i]! + 0.1 * forces[3 * i + 1]!, 0);
    expect(Math.abs(slope + along)).toBeLessThan(1e-7 * (1 + Math.abs(along)));
  }
});
