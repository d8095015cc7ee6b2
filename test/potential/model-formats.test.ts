/** Readers of model files on files that the tests write themselves; the oracle against differences of its own energies. */
import { randomBytes } from 'node:crypto';
import type { DeepPotentialParameters, Descriptor } from '../../lib/potential/deep-potential-parameters';
import { halfToNumber } from '../../lib/potential/formats/tensor-proto';
import { parseModel } from '../../lib/potential/model-file';
import { evaluateOracle } from '../oracle/deep-potential';
import { bytesField, constant, node, stringTensor, tensor, varintField } from '../oracle/graph-nodes';
import { type GraphOptions, writeGraph } from '../oracle/graph-writer';
import { type Changes, textTree, writeHdf5Model, writeYaml } from '../oracle/native-writer';
import { embed, lookUp } from '../oracle/networks';
import { type RandomModelOptions, randomModel } from '../oracle/random-model';
import { randomStream, tabulate } from '../oracle/random-networks';

const cell = [5.1, 0, 0, 0.7, 4.8, 0, -0.4, 0.9, 5.4];
const types = [0, 1, 1, 0, 1];
const random = randomStream(7);
const positions = Float64Array.from({ length: 15 }, () => 5 * random());

function error(code: string, message: string | RegExp) {
  return expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });
}

/** What the file says of the training is not part of the model. */
function plain(p: DeepPotentialParameters) {
  const { trainingScript, version, format, ...rest } = p;
  return rest;
}

const variants: [string, RandomModelOptions][] = [
  ['two-sided', {}],
  ['one-sided', { oneSided: true }],
  ['one-sided, excluded pair', { oneSided: true, exclude: [[0, 1]] }],
  ['two-sided, excluded pair', { exclude: [[0, 0]] }],
  ['without timesteps', { resnetDt: false }],
  ['no hidden fitting layer', { fittingNeuron: [] }],
  ['statistics that differ from slot to slot', { perSlotStatistics: true }],
  [
    'silut with its own threshold',
    { activation: { name: 'silut', threshold: 2.5 }, fittingActivation: { name: 'silut', threshold: 3 } },
  ],
  ['a first layer of width 1 and one of width 2', { neuron: [1, 2, 4] }],
  ['three types, one without slots', { typeNames: ['Li', 'Y', 'Cl'], sel: [4, 0, 5] }],
];

describe('what is written is what is read', () => {
  test.each(variants)('frozen graph, %s', (_, options) => {
    const p = randomModel({ ...options, family: 'graph' });
    expect(plain(parseModel(writeGraph(p), 'model.pb'))).toEqual(plain(p));
  });

  test.each(variants)('HDF5 and YAML, %s', (_, options) => {
    const p = randomModel({ ...options, family: 'native' });
    expect(plain(parseModel(writeHdf5Model(p), 'model.dp'))).toEqual(plain(p));
    expect(plain(parseModel(writeYaml(p), 'model.yaml'))).toEqual(plain(p));
  });

  test('the name of a file does not matter', () => {
    const p = randomModel({ family: 'native' });
    expect(parseModel(writeHdf5Model(p), 'model.pb').format).toBe('dp');
    expect(parseModel(writeYaml(p), 'model').format).toBe('yaml');
    expect(parseModel(new TextEncoder().encode(JSON.stringify(textTree(p))), 'model.yaml').format).toBe('json');
    expect(parseModel(writeGraph(randomModel()), 'model.dp').format).toBe('pb');
  });

  test('every way of listing numbers in a graph', () => {
    const p = randomModel();
    for (const encoding of ['content', 'list', 'unpacked'] as const)
      expect(plain(parseModel(writeGraph(p, { encoding }), 'm.pb'))).toEqual(plain(p));
  });

  test('the last number of a list fills the rest', () => {
    const p = randomModel({ resnetDt: false });
    const filled = {
      ...p,
      outBias: new Float64Array([0.25, 0.25]),
      descriptors: p.descriptors.map((d) => ({ ...d, davg: new Float64Array(8) })),
      atomBias: new Float64Array([-3, -3]),
    };
    const bytes = writeGraph(filled, { encoding: 'splat' });
    expect(bytes.length).toBeLessThan(writeGraph(filled).length);
    expect(plain(parseModel(bytes, 'm.pb'))).toEqual(plain(filled));
  });

  test('float32 parameters are taken as they are', () => {
    const p = randomModel();
    const read = parseModel(writeGraph(p, { encoding: 'float32' }), 'm.pb');
    expect(read.precision).toBe('float32');
    const weights = (model: DeepPotentialParameters) => model.descriptors[0]!.nets[0]!.layers[0]!.weights;
    expect(weights(read)).toEqual(weights(p).map(Math.fround));
  });

  test('half precision bit patterns', () => {
    expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00].map(halfToNumber)).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      0.333251953125,
      Number.POSITIVE_INFINITY,
    ]);
  });

  test('the cutoffs of graphs are float32, of native models float64', () => {
    const [graph] = parseModel(writeGraph(randomModel()), 'm.pb').descriptors as [Descriptor];
    expect([graph.cutoff, graph.cutoffSmooth, graph.switchWidth]).toEqual([
      Math.fround(4.3),
      Math.fround(1.1),
      Math.fround(Math.fround(4.3) - Math.fround(1.1)),
    ]);
    const [native] = parseModel(writeYaml(randomModel({ family: 'native' })), 'm.yaml').descriptors as [Descriptor];
    expect([native.cutoff, native.cutoffSmooth, native.switchWidth]).toEqual([4.3, 1.1, 4.3 - 1.1]);
  });

  test('original_sel is the divisor, sel the slots', () => {
    const [read] = parseModel(writeGraph(randomModel(), { originalSel: [20, 30] }), 'm.pb').descriptors as [Descriptor];
    expect([read.slots, [...read.sel]]).toEqual([50, [9, 7]]);
  });

  test('activations are found in the operations where there is no training input', () => {
    const p = randomModel({ activation: { name: 'gelu' }, fittingActivation: { name: 'sigmoid' } });
    expect(plain(parseModel(writeGraph(p, { script: false }), 'm.pb'))).toEqual({ ...plain(p), minNeighbourDistance: null });
  });

  test('pairs without nets in either order are excluded where there is no training input', () => {
    const p = randomModel({ exclude: [[0, 1]] });
    expect([...parseModel(writeGraph(p, { script: false }), 'm.pb').descriptors[0]!.excluded]).toEqual([0, 2, 2, 0]);
  });

  test('exclusions and vacuum energies of native models', () => {
    const p = {
      ...randomModel({ family: 'native', exclude: [[0, 1]] }),
      pairExcluded: Uint8Array.of(1, 0, 0, 0),
      atomExcluded: Uint8Array.of(0, 1),
      fittingExcluded: Uint8Array.of(1, 0),
      subtractVacuum: Uint8Array.of(0, 1),
    };
    expect(plain(parseModel(writeYaml(p), 'm.yaml'))).toEqual(plain(p));
    // Native: types beyond the list count, null does not; graph: only what is listed.
    const beyond = parseModel(writeYaml(p, { 'model.fitting.atom_ener': [-2] }), 'm.yaml');
    expect([...beyond.subtractVacuum]).toEqual([1, 1]);
    const none = parseModel(writeYaml(p, { 'model.fitting.atom_ener': [null, null] }), 'm.yaml');
    expect([...none.subtractVacuum]).toEqual([0, 0]);
    const graph = parseModel(
      writeGraph(randomModel(), {
        scriptChanges: (s) => {
          s.model.fitting_net.atom_ener = [-2];
        },
      }),
      'm.pb',
    );
    expect([...graph.subtractVacuum]).toEqual([1, 0]);
  });

  test('element names that YAML could take for truth values', () => {
    const p = randomModel({ family: 'native', typeNames: ['Y', 'No'] });
    const text = new TextDecoder().decode(writeYaml(p));
    // As other writers put it: Y is a plain scalar there.
    expect(parseModel(new TextEncoder().encode(text.replace('- "Y"', '- Y')), 'm.yaml').typeNames).toEqual(['Y', 'No']);
  });
});

const grid = { lower: -1, upper: 4, max: 20, step: 0.02, coarseStep: 0.2 };

/** The model with the nets of its one descriptor tabulated; every pair has a net. */
function tabulated(p: DeepPotentialParameters): DeepPotentialParameters {
  const [d] = p.descriptors as [Descriptor];
  return { ...p, descriptors: [{ ...d, tables: d.nets.map((net) => tabulate(net, grid)), tableOf: d.netOf }] };
}

describe('tables', () => {
  const p = randomModel({ family: 'native', activation: { name: 'silu' } });
  const compressed = tabulated(p);
  const [{ nets, tables }] = compressed.descriptors as [Descriptor];

  test('follow the net they were made of', () => {
    for (const s of [-0.99, 0.013, 1.9, 3.999, 4.0, 11.3]) {
      const [table, net] = [lookUp(tables![1]!, s), embed(nets[1]!, s)];
      // Quintic panels of 0.02: h^6 times a sixth derivative of order 1e3 is below 1e-8; coarse panels lie where the net is nearly linear.
      for (const [m, g] of net.g.entries()) expect(Math.abs(table.g[m]! - g)).toBeLessThan(1e-6);
    }
  });

  test('are read back from HDF5 and YAML, two-sided order included', () => {
    expect(plain(parseModel(writeHdf5Model(compressed), 'm.dp'))).toEqual(plain(compressed));
    expect(plain(parseModel(writeYaml(compressed), 'm.yaml'))).toEqual(plain(compressed));
  });

  test('are matched to pairs by the slots they read in a graph, never by order', () => {
    const q = randomModel();
    const [{ sel, width, tables }] = tabulated(q).descriptors as [Descriptor];
    const extra: Uint8Array[] = [];
    // Written in an order, and with names of constants, that mean nothing.
    for (const index of [2, 0, 3, 1]) {
      const [centre, neighbour] = [index >> 1, index & 1];
      const t = tables![index]!;
      const name = `filter_type_${centre}/TabulateFusionSeA${neighbour ? '' : '_1'}`;
      const offset = neighbour ? 4 * sel[0]! : 0;
      extra.push(
        constant(`Const_${7 - index}`, tensor([t.rows, 6 * width], t.coefficients)),
        constant(`${name}/table_info`, tensor([6], [t.lower, t.upper, t.max, t.step, t.coarseStep, -1])),
        constant(`begin_${index}`, tensor([2], [0, offset], 'int32', 'list')),
        constant(`size_${index}`, tensor([2], [-1, 4 * sel[neighbour]!], 'int32', 'unpacked')),
        node(`filter_type_${centre}/Slice_${neighbour}`, 'Slice', ['Reshape_9', `begin_${index}`, `size_${index}`]),
        node(`filter_type_${centre}/Reshape_${neighbour}`, 'Reshape', [`filter_type_${centre}/Slice_${neighbour}`]),
        node(
          name,
          'TabulateFusionSeA',
          [`Const_${7 - index}`, `${name}/table_info`, 'x', `filter_type_${centre}/Reshape_${neighbour}:0`],
          {
            last_layer_size: varintField(3, width),
            T: varintField(6, 2),
          },
        ),
      );
    }
    const read = parseModel(writeGraph(q, { extra }), 'm.pb');
    expect(read.descriptors[0]!.tables).toEqual(tables);
    expect([...read.descriptors[0]!.tableOf!]).toEqual([0, 1, 2, 3]);
    expect([...read.descriptors[0]!.netOf]).toEqual([-1, -1, -1, -1]);
    const without = () => parseModel(writeGraph(q, { extra: extra.slice(0, -1) }), 'm.pb');
    expect(without).toThrow(error('MODEL_MISSING_TENSOR', 'filter_type_0/TabulateFusionSeA'));
  });
});

describe('damaged and foreign files', () => {
  const p = randomModel({ typeNames: ['Li', 'Cl'] });
  const good = writeGraph(p);

  test('a missing tensor is named, with what it is', () => {
    expect(() => parseModel(writeGraph(p, { without: ['filter_type_1/matrix_2_0'] }), 'm.pb')).toThrow(
      error(
        'MODEL_MISSING_TENSOR',
        /m\.pb: the model has no tensor "filter_type_1\/matrix_2_0" \(weights Li -> Cl, layer 2\).*\(Li Cl\), so 4 embedding nets/,
      ),
    );
    const missing = (name: string, meaning: string, options: GraphOptions = {}) =>
      expect(() => parseModel(writeGraph(p, { ...options, without: [name] }), 'm.pb')).toThrow(
        error('MODEL_MISSING_TENSOR', new RegExp(`"${name}".*${meaning}`)),
      );
    missing('filter_type_0/bias_1_1', 'bias Cl -> Li, layer 1');
    missing('filter_type_0/idt_3_1', 'timestep');
    missing('layer_1_type_0/matrix', 'weights of the fitting net of Li, layer 1');
    missing('final_layer_type_1/bias', 'output bias');
    missing('descrpt_attr/t_std', 'standard deviation');
    expect(() => parseModel(writeGraph(p, { without: ['ProdEnvMatA'] }), 'm.pb')).toThrow(
      error('MODEL_MISSING_TENSOR', 'environment operation'),
    );
  });

  test('a native model names the path of what is missing', () => {
    const q = randomModel({ family: 'native' });
    const drop = (changes: Changes) => () => parseModel(writeYaml(q, changes), 'm.yaml');
    expect(drop({ 'model.descriptor.@variables.dstd': undefined })).toThrow(
      error('MODEL_MISSING_TENSOR', 'model.descriptor.@variables.dstd'),
    );
    expect(drop({ 'model.fitting.nets.networks.1.layers.2.@variables.w': null })).toThrow(
      error('MODEL_MISSING_TENSOR', 'model.fitting.nets.networks[1].layers[2].@variables.w'),
    );
    expect(drop({ 'model.descriptor.rcut': undefined })).toThrow(error('MODEL_SHAPE', 'model.descriptor.rcut'));
    expect(drop({ 'model.descriptor.embeddings.networks.2': null })).toThrow(
      error('MODEL_MISSING_TENSOR', 'centre type 0, neighbour type 1'),
    );
    expect(drop({ 'model.descriptor.embeddings.networks': [] })).toThrow(error('MODEL_SHAPE', 'a list of 4 nets'));
    expect(() => parseModel(writeHdf5Model(q, { 'model.descriptor.@variables.davg': '/variable_9999' }), 'm.dp')).toThrow(
      error('MODEL_MISSING_TENSOR', '/variable_9999'),
    );
  });

  test('a cut file says at which byte it ends', () => {
    expect(() => parseModel(good.subarray(0, good.length - 100), 'm.pb')).toThrow(
      error('MODEL_TRUNCATED', `the file ends at byte ${good.length - 100}`),
    );
    const hdf5 = writeHdf5Model(randomModel({ family: 'native' }));
    expect(() => parseModel(hdf5.subarray(0, hdf5.length >> 1), 'm.dp')).toThrow(
      error('MODEL_TRUNCATED', `the file ends at byte ${hdf5.length >> 1}`),
    );
    expect(() => parseModel(new Uint8Array(0), 'm.pb')).toThrow(error('MODEL_FORMAT_UNKNOWN', 'empty'));
  });

  test('wrong shapes and numbers that are none', () => {
    const replace = (name: string, shape: number[], values: number[]) => () =>
      parseModel(writeGraph(p, { replace: { [name]: { shape, values } } }), 'm.pb');
    expect(replace('filter_type_0/matrix_2_0', [3, 5], new Array(15).fill(0.1))).toThrow(
      error('MODEL_SHAPE', 'filter_type_0/matrix_2_0'),
    );
    expect(replace('layer_1_type_0/matrix', [4, 5], new Array(20).fill(0.1))).toThrow(error('MODEL_SHAPE', 'fitting net of Li'));
    expect(replace('fitting_attr/t_bias_atom_e', [3], [1, 2, 3])).toThrow(error('MODEL_SHAPE', 't_bias_atom_e'));
    expect(replace('layer_0_type_1/bias', [5], [1, 2, Number.NaN, 4, 5])).toThrow(error('MODEL_NONFINITE', 'value 2 is NaN'));
    expect(replace('descrpt_attr/t_std', [2, 64], new Array(128).fill(0))).toThrow(error('MODEL_SHAPE', 'dstd'));
  });

  test('a shape that claims more than the file holds allocates nothing', () => {
    const huge = constant(
      'descrpt_attr/t_avg',
      bytesField(2, [...bytesField(2, varintField(1, 2 ** 31 - 1)), ...bytesField(2, varintField(1, 2 ** 31 - 1))]).length > 0
        ? tensor([2 ** 30, 2 ** 30], [1], 'float64', 'list')
        : tensor([], []),
    );
    const bytes = writeGraph(p, {
      without: ['descrpt_attr/t_avg'],
      extra: [huge, node('descrpt_attr/t_avg/read', 'Identity', ['descrpt_attr/t_avg'])],
    });
    expect(() => parseModel(bytes, 'm.pb')).toThrow(error('MODEL_CORRUPT', 'descrpt_attr/t_avg'));
  });

  test('files of other kinds', () => {
    const text = (s: string) => () => parseModel(new TextEncoder().encode(s), 'file');
    expect(text('node {\n  name: "o_energy"\n}')).toThrow(error('MODEL_UNSUPPORTED', 'pbtxt'));
    expect(text('2\nLattice="1 0 0"\nLi 0 0 0')).toThrow(error('MODEL_FORMAT_UNKNOWN', 'not a model file'));
    expect(text('{"model": {')).toThrow(error('MODEL_TRUNCATED', 'JSON'));
    expect(text('model:\n  - [1, 2\n')).toThrow(error('MODEL_CORRUPT', 'YAML'));
    expect(() => parseModel(Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), 'm.pt2')).toThrow(error('MODEL_UNSUPPORTED', 'pt2'));
    expect(() => parseModel(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1), 'photo.jpg')).toThrow(
      error('MODEL_FORMAT_UNKNOWN', 'ffd8ffe0'),
    );
    const newer = writeHdf5Model(randomModel({ family: 'native' }));
    newer[8] = 2;
    expect(() => parseModel(newer, 'm.dp')).toThrow(error('MODEL_UNSUPPORTED', 'HDF5 superblock 2'));
  });
});

describe('kinds that are not evaluated are refused by name', () => {
  const p = randomModel();
  const graph = (options: GraphOptions) => () => parseModel(writeGraph(p, options), 'm.pb');
  const text = (name: string, value: string) => constant(name, stringTensor(value));
  const int = (name: string, value: number) => constant(name, tensor([], [value], 'int32', 'list'));

  test.each<[string, GraphOptions]>([
    ['polar', { modelType: 'polar' }],
    ['dos', { modelType: 'dos' }],
    ['spin', { extra: [int('spin_attr/ntypes_spin', 1)] }],
    ['dipole_charge', { extra: [text('modifier_attr/type', 'dipole_charge')] }],
    ['attention', { extra: [int('attention_layer_0/c_query/matrix', 1)] }],
    ['multi-task', { extra: [int('fitting_attr_water/dfparam', 0)] }],
    ['loc_frame', { extra: [node('Descrpt', 'Descrpt')] }],
    ['se_a_mask', { extra: [node('x', 'DescrptSeAMask')] }],
    ['se_a_ef', { extra: [node('x', 'DescrptSeAEfPara')] }],
    ['se_e3', { extra: [node('x', 'TabulateFusionSeT')] }],
    ['nvnmd', { extra: [node('x', 'MapFltNvnmd')] }],
    ['pairwise_dprc', { extra: [node('x', 'DprcPairwiseIdx')] }],
    ['layer_name', { extra: [node('share_0_type_0/matrix', 'Const')] }],
    ['model_version', { modelVersion: '2.0' }],
    [
      'tot_ener_zero',
      {
        scriptChanges: (s) => {
          s.model.fitting_net.tot_ener_zero = true;
        },
      },
    ],
    [
      'activation',
      {
        scriptChanges: (s) => {
          s.model.descriptor.activation_function = 'swish9';
        },
      },
    ],
    [
      'attention',
      {
        scriptChanges: (s) => {
          s.model.descriptor.type = 'se_atten';
          s.model.descriptor.attn_layer = 2;
        },
      },
    ],
    [
      'se_a_tpe',
      {
        scriptChanges: (s) => {
          s.model.descriptor = { type: 'hybrid', list: [s.model.descriptor, { type: 'se_a_tpe' }] };
        },
      },
    ],
  ])('graph: %s', (word, options) => {
    expect(graph(options)).toThrow(error('MODEL_UNSUPPORTED', word));
  });

  const q = randomModel({ family: 'native' });
  test.each<[string, Changes]>([
    ['linear', { 'model.type': 'linear' }],
    ['frozen', { 'model.type': 'frozen' }],
    ['dpa2', { 'model.descriptor.type': 'dpa2' }],
    ['se_e3', { 'model.descriptor.type': 'se_e3' }],
    ['attention', { 'model.descriptor.type': 'dpa1', 'model.descriptor.attn_layer': 2 }],
    ['use_exp_switch', { 'model.descriptor.env_mat': { use_exp_switch: true } }],
    ['property', { 'model.fitting.type': 'property' }],
    ['case_embd', { 'model.fitting.dim_case_embd': 3 }],
    ['bfloat16', { 'model.descriptor.precision': 'bfloat16' }],
    ['layer_name', { 'model.fitting.layer_name': ['a', null] }],
    ['Fitting of version 5', { 'model.fitting.@version': 5 }],
    ['Layer of version 3', { 'model.fitting.nets.networks.0.layers.0.@version': 3 }],
  ])('native: %s', (word, changes) => {
    expect(() => parseModel(writeYaml(q, changes), 'm.yaml')).toThrow(error('MODEL_UNSUPPORTED', word));
  });

  test('functions built of several operations are not guessed', () => {
    const base = randomModel({ activation: { name: 'linear' } });
    const linear = 'filter_type_0/add_0_0';
    const silu = [
      node('filter_type_0/Sigmoid', 'Sigmoid', [linear]),
      node('filter_type_0/mul', 'Mul', [linear, 'filter_type_0/Sigmoid']),
    ];
    const geluTf = [node('filter_type_0/mul_3', 'Mul', ['a', 'b']), node('filter_type_0/Tanh', 'Tanh', ['filter_type_0/mul_3'])];
    for (const extra of [silu, geluTf, []]) {
      expect(() => parseModel(writeGraph(base, { script: false, extra }), 'm.pb')).toThrow(
        error('MODEL_UNSUPPORTED', 'activation'),
      );
    }
  });

  test('masked pairs without a list of them are not guessed', () => {
    const oneSided = randomModel({ oneSided: true });
    const extra = [
      node('Reshape_7', 'Reshape', ['ProdEnvMatA', 'shape']),
      node('mul_1', 'Mul', ['Reshape_7', 'mask']),
      node('filter_type_all/Slice', 'Slice', ['mul_1', 'b', 's']),
    ];
    expect(() => parseModel(writeGraph(oneSided, { script: false, extra }), 'm.pb')).toThrow(
      error('MODEL_UNSUPPORTED', 'exclude_types unknown'),
    );
    expect(parseModel(writeGraph(oneSided, { script: false }), 'm.pb').descriptors[0]!.oneSided).toBe(true);
  });
});

describe('slots of the oracle', () => {
  test('statistics that do not differ give the same per slot as per type', () => {
    const p = randomModel();
    const N = 16;
    const wide = (values: Float64Array) =>
      Float64Array.from({ length: 2 * N * 4 }, (_, k) => values[Math.floor(k / (4 * N)) * 4 + (k % 4)]!);
    const [d] = p.descriptors as [Descriptor];
    const perSlot = { ...p, descriptors: [{ ...d, perSlotStatistics: true, davg: wide(d.davg), dstd: wide(d.dstd) }] };
    const [a, b] = [evaluateOracle(p, types, positions, cell), evaluateOracle(perSlot, types, positions, cell)];
    // Sums in another order.
    expect(Math.abs(a.energy - b.energy)).toBeLessThan(1e-12);
  });

  test('growing is exact where empty slots give nothing', () => {
    const model = randomModel({ sel: [3, 2] });
    const [d] = model.descriptors as [Descriptor];
    const p = { ...model, descriptors: [{ ...d, davg: new Float64Array(8) }] };
    const wide = { ...p, descriptors: [{ ...d, davg: new Float64Array(8), sel: [60, 60] }] };
    const [small, large] = [
      evaluateOracle(p, types, positions, cell, { selOverflow: 'grow' }),
      evaluateOracle(wide, types, positions, cell),
    ];
    expect(small.overflow[0]!.some((n) => n > 0)).toBe(true);
    expect(Math.abs(small.energy - large.energy)).toBeLessThan(1e-12);
    expect(evaluateOracle(p, types, positions, cell).energy).not.toBeCloseTo(large.energy, 6);
  });
});

test('random bytes are no model', () => {
  for (let k = 0; k < 20; k++)
    expect(() => parseModel(randomBytes(500), 'noise')).toThrow(expect.objectContaining({ name: 'PotentialError' }));
});
