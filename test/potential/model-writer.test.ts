/** `.dp` files of our own: reading them gives the parameters of the source, bit by bit; what the form cannot say is refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { PotentialError } from '../../lib/errors.js';
import type { DeepPotentialParameters, Network, StoredTables } from '../../lib/potential/deep-potential-parameters.js';
import { Hdf5File } from '../../lib/potential/formats/hdf5.js';
import { writeHdf5 } from '../../lib/potential/formats/hdf5-writer.js';
import { parseModel } from '../../lib/potential/model-file.js';
import { foreignDifferences, writeNativeModel } from '../../lib/potential/model-writer.js';
import { campaign } from '../oracle/damage.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { writeGraph } from '../oracle/graph-writer.js';
import { NATIVE_KINDS, nativeHdf5, nativeJson, nativeModel, nativeYaml } from '../oracle/native-trees.js';
import { type RandomModelOptions, randomModel, randomStream } from '../oracle/random-model.js';
import { describeReference, referencePath } from '../reference.js';

/** Everything but where it came from. */
const content = ({ format, version, ...rest }: DeepPotentialParameters) => rest;

function roundTrip(bytes: Uint8Array, name: string, tables: StoredTables | null = null): DeepPotentialParameters {
  const parameters = parseModel(bytes, name);
  const written = writeNativeModel({ parameters, bytes }, tables);
  // The same model gives the same bytes: no clock time, no order of chance.
  expect(Buffer.compare(written, writeNativeModel({ parameters, bytes }, tables))).toBe(0);
  const read = parseModel(written, 'written.dp');
  expect(content(read)).toEqual({ ...content(parameters), storedTables: tables });
  expect(read.format).toBe('dp');
  return read;
}

/** A random graph without scaled energies, which the native form has not. */
function graphModel(options: RandomModelOptions): Uint8Array {
  const p = randomModel(options);
  return writeGraph({ ...p, outStd: p.outStd.map(() => 1) });
}

describe('frozen graphs', () => {
  test.each<[string, RandomModelOptions]>([
    ['two-sided', {}],
    ['one-sided', { oneSided: true }],
    ['without names', { typeNames: ['A', 'B'] }],
    ['statistics by slot', { perSlotStatistics: true }],
    ['excluded pairs, two-sided', { exclude: [[0, 1]] }],
    ['no timesteps', { resnetDt: false }],
    ['fitting widths that double', { fittingNeuron: [4, 8, 8] }],
    ['a fitting net without hidden layers', { fittingNeuron: [] }],
    ['other activations', { activation: { name: 'gelu' }, fittingActivation: { name: 'softplus' } }],
  ])('%s', (_, options) => {
    const read = roundTrip(graphModel(options), 'model.pb');
    expect(read.family).toBe('graph');
  });

  test('the rules of graphs are kept for us, and told for others', () => {
    const bytes = graphModel({});
    const read = roundTrip(bytes, 'model.pb');
    const [d] = read.descriptors;
    // 4.3 and 1.1 are no float32 numbers: the switch has a width of its own.
    expect(d!.switchWidth).not.toBe(d!.cutoff - d!.cutoffSmooth);
    expect(foreignDifferences(parseModel(bytes, 'model.pb')).join(' ')).toMatch(/float64.*more neighbours than sel/);
    // A file without our section is a native model, with the rules of these.
    const plain = parseModel(nativeHdf5(nativeModel(NATIVE_KINDS[0]!)), 'native.dp');
    expect(foreignDifferences(plain)).toEqual([]);
  });

  test('float32 stays float32', () => {
    const random = randomStream(5);
    const single = (values: Float64Array) => values.map(() => Math.fround(random() - 0.5));
    const p = parseModel(graphModel({}), 'model.pb');
    const nets = (net: Network): Network => ({
      layers: net.layers.map((l) => ({ ...l, weights: single(l.weights), bias: single(l.bias), idt: l.idt && single(l.idt) })),
    });
    const q: DeepPotentialParameters = {
      ...p,
      precision: 'float32',
      fitting: p.fitting.map(nets),
      descriptors: p.descriptors.map((d) => ({ ...d, nets: d.nets.map(nets) })),
    };
    const written = writeNativeModel({ parameters: q, bytes: new Uint8Array() });
    const file = new Hdf5File(written);
    const kinds = new Set(file.names().map((name) => file.dataset(name)!.kind));
    expect(kinds).toEqual(new Set(['float32', 'float64']));
    expect(parseModel(written, 'written.dp').fitting).toEqual(q.fitting);
    expect(parseModel(written, 'written.dp').precision).toBe('float32');
  });

  test.each<[string, (p: DeepPotentialParameters) => DeepPotentialParameters, RegExp]>([
    ['out_std', (p) => ({ ...p, outStd: p.outStd.map(() => 2) }), /out_std/],
    ['an edited sel', (p) => ({ ...p, descriptors: p.descriptors.map((d) => ({ ...d, slots: 99 })) }), /divisor \(99\)/],
    ['masked empty slots', (p) => withExcluded(p), /empty slots are masked/],
    ['type embeddings', (p) => ({ ...p, typeConstants: new Float64Array(4) }), /type embeddings/],
    ['mixed slots', (p) => ({ ...p, descriptors: p.descriptors.map((d) => ({ ...d, mixed: true })) }), /type embeddings in them/],
  ])('refused: %s', (_, change, reason) => {
    const parameters = change(parseModel(graphModel({ oneSided: true }), 'model.pb'));
    expect(() => writeNativeModel({ parameters, bytes: new Uint8Array() })).toThrow(
      expect.objectContaining({ code: 'MODEL_NOT_EXPRESSIBLE', message: expect.stringMatching(reason) }),
    );
  });

  function withExcluded(p: DeepPotentialParameters): DeepPotentialParameters {
    return { ...p, descriptors: p.descriptors.map((d) => ({ ...d, excluded: Uint8Array.of(0, 2, 2, 0) })) };
  }

  test('one-sided exclusions are the same in both families where means are zero', () => {
    const p = parseModel(graphModel({ oneSided: true, exclude: [[0, 1]] }), 'model.pb');
    const zero = { ...p, descriptors: p.descriptors.map((d) => ({ ...d, davg: d.davg.map(() => 0) })) };
    const read = parseModel(writeNativeModel({ parameters: zero, bytes: new Uint8Array() }), 'written.dp');
    expect(content(read)).toEqual(content(zero));
  });
});

describe('native models keep their tree, whatever they are', () => {
  test.each(NATIVE_KINDS)('%s', (kind) => {
    const tree = nativeModel(kind);
    const forms: [Uint8Array, string][] = [
      [nativeHdf5(tree), 'model.dp'],
      [nativeYaml(tree), 'model.yaml'],
      [nativeJson(tree), 'model.json'],
    ];
    for (const [bytes, name] of forms) roundTrip(bytes, name);
  });
});

describe('stored tables', () => {
  const p = randomModel({ oneSided: true });
  const random = randomStream(9);
  const numbers = (n: number) => Float64Array.from({ length: n }, () => random() - 0.5);
  const table = (centre: number, neighbour: number, columns: number, panels: number) => ({
    descriptor: 0,
    centre,
    neighbour,
    columns,
    degree: 5,
    edges: Float64Array.from({ length: panels + 1 }, (_, k) => 0.5 + (3.5 * k) / panels),
    coefficients: numbers(panels * 6 * columns),
    expansion: numbers(columns * p.descriptors[0]!.width),
    valueError: 1e-12,
    slopeError: 3e-11,
  });
  const tables: StoredTables = { version: 3, precision: 'mixed', tables: [table(0, 0, 3, 8), table(1, 0, 2, 5)] };

  test('come back bit by bit, also when the file is written again', () => {
    const bytes = graphModel({ oneSided: true });
    roundTrip(bytes, 'model.pb', tables);
    const once = writeNativeModel({ parameters: parseModel(bytes, 'model.pb'), bytes }, tables);
    const twice = writeNativeModel({ parameters: parseModel(once, 'once.dp'), bytes: once }, tables);
    expect(content(parseModel(twice, 'twice.dp'))).toEqual(content(parseModel(once, 'once.dp')));
    const without = writeNativeModel({ parameters: parseModel(once, 'once.dp'), bytes: once }, null);
    expect(parseModel(without, 'without.dp').storedTables).toBeNull();
  });

  test.each<[string, Partial<StoredTables['tables'][0]>]>([
    ['a pair that is not there', { neighbour: 2 }],
    ['another descriptor', { descriptor: 1 }],
    ['too few coefficients', { coefficients: new Float64Array(5) }],
    ['edges that fall', { edges: Float64Array.of(1, 2, 1.5, 3, 3.5, 3.6, 3.7, 3.8, 3.9) }],
    ['edges beyond the cutoff', { edges: Float64Array.of(1, 2, 2.5, 3, 3.5, 3.6, 3.7, 3.8, 9) }],
    ['numbers that are none', { expansion: new Float64Array(18).fill(Number.NaN) }],
    ['more columns than the net', { columns: 7, expansion: new Float64Array(42) }],
  ])('%s is refused when it is read', (_, change) => {
    const bytes = graphModel({ oneSided: true });
    const parameters = parseModel(bytes, 'model.pb');
    const broken = { ...tables, tables: [{ ...tables.tables[0]!, ...change }] };
    const written = writeNativeModel({ parameters, bytes }, broken);
    expect(() => parseModel(written, 'broken.dp')).toThrow(expect.objectContaining({ code: expect.stringMatching(/^MODEL_/) }));
  });
});

/** The same file with another tree. */
function withTree(bytes: Uint8Array, change: (tree: Record<string, unknown>) => unknown): Uint8Array {
  const file = new Hdf5File(bytes);
  const tree = change(JSON.parse(file.rootAttribute('json')!));
  const datasets = file.names().map((name) => {
    const { kind, shape, values } = file.dataset(name)!;
    return { name, shape, values, single: kind === 'float32' };
  });
  return writeHdf5(JSON.stringify(tree), datasets);
}

describe('the tree alone, as others read it, means the same', () => {
  const cell = [6.2, 0, 0, 0.4, 5.9, 0, -0.5, 0.3, 6.1];
  const positions = [0.1, 0.2, 0.3, 2.1, 0.4, 0.3, 1.2, 2.2, 0.4, 3.4, 2.6, 1.9, 4.4, 0.7, 3.1, 0.9, 3.8, 4.2];
  const types = [0, 1, 1, 0, 1, 0];

  test.each<[string, RandomModelOptions, boolean]>([
    ['two-sided', {}, false],
    ['one-sided, statistics by slot', { oneSided: true, perSlotStatistics: true }, false],
    ['excluded pairs, two-sided, empty slots that contribute', { exclude: [[0, 1]] }, false],
    ['excluded pairs, two-sided, softplus', { exclude: [[1, 1]], activation: { name: 'softplus' } }, false],
    ['excluded pairs, one-sided', { oneSided: true, exclude: [[0, 1]] }, true],
    ['fitting widths that double, where graphs take no shortcut', { fittingNeuron: [4, 8, 8] }, false],
    ['a first fitting layer as wide as its input', { fittingNeuron: [12, 12] }, false],
    ['no hidden layers', { fittingNeuron: [] }, false],
  ])('%s', (_, options, silent) => {
    // Slots for all, and cutoffs that are float32 numbers: what then differs between the families are the nets and exclusions alone.
    const random = randomModel({ ...options, sel: [60, 60] });
    const parameters: DeepPotentialParameters = {
      ...random,
      outStd: random.outStd.map(() => 1),
      cutoff: 4.25,
      descriptors: random.descriptors.map((d) => ({
        ...d,
        cutoff: 4.25,
        cutoffSmooth: 1.25,
        switchWidth: 3,
        davg: silent ? d.davg.map(() => 0) : d.davg,
      })),
    };
    const written = writeNativeModel({ parameters, bytes: new Uint8Array() });
    const native = parseModel(
      withTree(written, ({ '@ionclay': _, ...tree }) => tree),
      'plain.dp',
    );
    expect(native.family).toBe('native');
    const [a, b] = [parameters, native].map((p) => evaluateOracle(p, types, positions, cell));
    // The same sums in the same order, but for pads that are added as zeros or left out.
    expect(Math.abs(a!.energy - b!.energy)).toBeLessThan(1e-12 * Math.abs(a!.energy));
    a!.forces.forEach((f, k) => {
      expect(Math.abs(f - b!.forces[k]!)).toBeLessThan(1e-12);
    });
  });
});

describe('a section that was edited or damaged', () => {
  const bytes = graphModel({ oneSided: true });
  const parameters = parseModel(bytes, 'model.pb');
  const coefficients = Float64Array.from({ length: 2 * 4 * 2 }, (_, k) => k / 7);
  const expansion = Float64Array.from({ length: 2 * parameters.descriptors[0]!.width }, (_, k) => k / 9);
  const table = { descriptor: 0, centre: 0, neighbour: 1, columns: 2, degree: 3, valueError: 1e-9, slopeError: 1e-8 };
  const tables = [{ ...table, edges: Float64Array.of(0.5, 2, 4), coefficients, expansion }];
  const written = writeNativeModel({ parameters, bytes }, { version: 1, precision: 'double', tables });

  function paths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
    if (typeof value !== 'object' || value === null) return [path];
    return [path, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))];
  }

  test('is read or refused, never more', () => {
    const tree = JSON.parse(new Hdf5File(written).rootAttribute('json')!);
    const { training_script: _, ...rules } = tree['@ionclay'].rules;
    const places = paths({ ...tree['@ionclay'], rules });
    expect(places.length).toBeGreaterThan(25);
    let refused = 0;
    for (const path of places) {
      for (const junk of [null, -1, 0, 1e99, 7.5, 'x', '/variable_0000', [], {}, true, [1, [2]], 2 ** 31]) {
        const edited = withTree(written, (whole) => {
          let at = whole as Record<string | number, unknown>;
          for (const key of ['@ionclay', ...path].slice(0, -1)) at = at[key] as typeof at;
          at[['@ionclay', ...path].at(-1)!] = junk;
          return whole;
        });
        try {
          parseModel(edited, 'edited.dp');
        } catch (error) {
          refused++;
          if (!(error instanceof PotentialError)) throw error;
        }
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  test('a damaged file is no danger', () => {
    const { foreign, refused, slowest, memory } = campaign(written, 400, (damaged) => void parseModel(damaged, 'damaged.dp'));
    expect(foreign).toEqual([]);
    expect(refused).toBeGreaterThan(100);
    // Bounds as for the other formats.
    expect(slowest).toBeLessThan(5000);
    expect(memory).toBeLessThan(256e6);
  });

  test('a later version is refused', () => {
    const later = withTree(written, (tree) => ({ ...tree, '@ionclay': { '@version': 2 } }));
    expect(() => parseModel(later, 'later.dp')).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }));
  });
});

describeReference('models of the reference data', () => {
  const folder = referencePath('deep-potential', 'models');
  const others = /_no_atten_|tebd|virtual_type|^synth_|^refuse_|\.txt$/;
  test.each(readdirSync(folder).filter((name) => !others.test(name)))('%s', (name) => {
    roundTrip(readFileSync(referencePath('deep-potential', 'models', name)), name);
  });

  test.each([
    ['synth_one_side.pb', /empty slots are masked/],
    ['synth_compressed.pb', /tables without the nets/],
    ['se_e2_a_tebd.pb', /type embeddings/],
    ['se_atten_no_atten_1.pb', /type embeddings/],
  ])('%s is refused with a reason', (name, reason) => {
    const bytes = readFileSync(referencePath('deep-potential', 'models', name));
    expect(() => writeNativeModel({ parameters: parseModel(bytes, name), bytes })).toThrow(reason);
  });
});
