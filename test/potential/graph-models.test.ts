/** Frozen graphs of every kind, written by the tests: what is written is what is read, and types that nets take are folded in exactly. */
import type { DeepPotentialParameters, Descriptor } from '../../lib/potential/deep-potential-parameters';
import { parseModel } from '../../lib/potential/model-file';
import { modelSummary } from '../../lib/potential/summary';
import { constant, node, stringTensor, tensor } from '../oracle/graph-nodes';
import { typedGraph } from '../oracle/graph-types-models';
import { type GraphOptions, writeGraph } from '../oracle/graph-writer';
import { embed, networkOutput } from '../oracle/networks';
import { type RandomKind, randomModel } from '../oracle/random-model';
import { RandomNetworks } from '../oracle/random-networks';

function error(code: string, message: string | RegExp) {
  return expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });
}

function plain(p: DeepPotentialParameters) {
  const { trainingScript, version, ...rest } = p;
  return rest;
}

const read = (p: DeepPotentialParameters, options?: GraphOptions) => parseModel(writeGraph(p, options), 'm.pb');

describe('what is written is what is read', () => {
  const kinds: RandomKind[] = [
    'se_e2_a',
    'se_e2_a, one-sided',
    'se_e2_a, excluded pair',
    'se_e2_a, tables',
    'se_e2_r',
    'se_e2_r, one-sided, excluded pair',
    'se_e2_r, two-sided, excluded pair',
    'se_e2_r, tables',
    'hybrid',
    'parameters',
    'pair table, graph',
  ];
  test.each(kinds.flatMap((kind) => [1, 2, 3, 4].map((seed) => [kind, seed] as const)))('%s %i', (kind, seed) => {
    const made = randomModel(seed, kind);
    // The attributes of the switch are float32, and the table ends with the neighbours of the descriptor.
    const pairTable = made.pairTable && {
      ...made.pairTable,
      alpha: Math.fround(made.pairTable.alpha),
      from: Math.fround(made.pairTable.from),
      to: Math.fround(made.pairTable.to),
      cutoff: made.cutoff,
    };
    const p = { ...made, pairTable };
    expect(plain(read(p))).toEqual(plain(p));
  });

  test('defaults of frame parameters', () => {
    const made = randomModel(1, 'parameters');
    const p = { ...made, frameParameters: { ...made.frameParameters!, defaults: Float64Array.of(0.5, -2) } };
    expect(plain(read(p))).toEqual(plain(p));
  });

  test('the axis of the only se_e2_a part follows from the fitting net', () => {
    const p = randomModel(4, 'parameters');
    const changed = read(p, {
      scriptChanges: (s) => {
        delete s.model.descriptor.axis_neuron;
      },
    });
    expect(changed.descriptors[0]!.axis).toBe(p.descriptors[0]!.axis);
    // Of a hybrid with two of them it does not.
    const twice = () =>
      read(randomModel(1, 'hybrid'), {
        scriptChanges: (s) => {
          for (const part of s.model.descriptor.list as Record<string, unknown>[]) delete part.axis_neuron;
        },
      });
    expect(twice).toThrow(error('MODEL_UNSUPPORTED', 'hybrid'));
  });
});

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, k) => Math.abs(x - b[k]!)));
};

describe('nets that take types', () => {
  const choices = [
    { oneSided: true, tebd: [3] },
    { oneSided: false, tebd: [4] },
    { oneSided: true, tebd: [2, 4], first: 'identity' as const },
    { oneSided: false, tebd: [2], first: 'identity' as const },
    { oneSided: true, tebd: [3, 3], first: 'double' as const },
    { oneSided: false, tebd: [2, 2], first: 'double' as const },
  ];

  test.each(
    choices.flatMap((choice, n) => (['type embedding', 'se_atten, concat'] as const).map((kind) => [kind, n, choice] as const)),
  )('%s %i: the net of a pair is the raw net at the types of the pair', (kind, seed, choice) => {
    const { bytes, raw, rows, p } = typedGraph(kind, seed, { ...choice, strip: false });
    const model = parseModel(bytes, 'm.pb');
    const [d] = model.descriptors as [Descriptor];
    expect([d.mixed, d.oneSided, d.label]).toEqual([
      p.descriptors[0]!.mixed,
      choice.oneSided,
      kind === 'type embedding' ? 'se_e2_a with type embedding' : 'se_atten',
    ]);
    expect(largest(model.typeConstants!, p.typeConstants!)).toBeLessThan(1e-14);
    const T = model.ntypes;
    const groups = d.sel.length;
    const direct = (s: number, neighbour: ArrayLike<number>, centre: number) =>
      networkOutput(raw.nets[0]!.s, [s, ...Array.from(neighbour), ...(choice.oneSided ? [] : rows[centre]!)]);
    for (let centre = 0; centre < T; centre++) {
      for (let neighbour = 0; neighbour < T; neighbour++)
        for (const s of [-0.4, 0, 2.3]) {
          const net = d.nets[d.netOf[centre * T + neighbour]!]!;
          // The types enter a sum in another order: rounding.
          expect(largest(embed(net, s).g, direct(s, rows[neighbour]!, centre))).toBeLessThan(1e-13);
          const h = 1e-5;
          const slope = direct(s + h, rows[neighbour]!, centre).map(
            (g, m) => (g - direct(s - h, rows[neighbour]!, centre)[m]!) / (2 * h),
          );
          // Central differences: h^2 times third derivatives of order 10.
          expect(largest(embed(net, s).dg, slope)).toBeLessThan(1e-7);
        }
      for (let group = 0; group < groups; group++) {
        // Empty slots: the type of their group, or the row of zeros where groups are mixed.
        const row = d.mixed ? new Float64Array(choice.tebd.at(-1)!) : rows[group]!;
        const net = d.nets[d.padNetOf[centre * groups + group]!]!;
        expect(largest(embed(net, -0.4).g, direct(-0.4, row, centre))).toBeLessThan(1e-13);
      }
    }
    // Only the first layers differ between the pairs.
    const later = new Set(d.nets.flatMap((net) => net.layers.slice(1)));
    expect(later.size).toBe(1);
    expect(new Set(d.nets.map((net) => net.layers[0]!.weights)).size).toBe(1);
  });

  test.each([
    [true, 'one'],
    [true, 'cubic'],
    [false, 'one'],
    [false, 'cubic'],
  ] as const)('strip, one-sided %s, smoothing %s', (oneSided, smoothing) => {
    const kind = smoothing === 'one' ? 'strip, not smooth' : 'strip, smooth, graph';
    const graph = { family: 'graph' as const };
    const { bytes, raw, rows } = typedGraph(kind, 1, { oneSided, strip: true, tebd: [3] });
    const model = { ...parseModel(bytes, 'm.pb'), ...graph };
    const [d] = model.descriptors as [Descriptor];
    expect(d.strip!.smoothing).toBe(smoothing);
    expect(d.label).toBe('se_atten, strip');
    expect(d.nets).toHaveLength(1);
    expect(embed(d.nets[0]!, 0.7).g).toEqual(embed(raw.nets[0]!.s, 0.7).g);
    const T = model.ntypes;
    const M = d.width;
    const none = new Float64Array(3);
    for (let centre = 0; centre < T; centre++)
      for (let neighbour = 0; neighbour <= T; neighbour++) {
        const te = rows[neighbour] ?? none;
        const expected = networkOutput(raw.nets[0]!.strip!, oneSided ? te : [...te, ...rows[centre]!]);
        const stored =
          neighbour < T
            ? d.strip!.factors.subarray((centre * T + neighbour) * M, (centre * T + neighbour + 1) * M)
            : d.strip!.padFactors.subarray(centre * M, (centre + 1) * M);
        expect(largest(stored, expected)).toBeLessThan(1e-13);
      }
  });

  test.each([true, false])('strip, compressed, one-sided %s: factors from the constant', (oneSided) => {
    const made = randomModel(1, 'strip, tables');
    const [d] = made.descriptors as [Descriptor];
    const T = made.ntypes;
    const M = d.width;
    const spread = (values: Float64Array, groups: number) =>
      oneSided ? values.map((_, at) => values[(Math.floor(at / M) % groups) * M + (at % M)]!) : values;
    const strip = { ...d.strip!, factors: spread(d.strip!.factors, T), padFactors: spread(d.strip!.padFactors, 1) };
    const make = new RandomNetworks(5);
    const embedding = make.embedding([3], { name: 'tanh' }, T);
    const raw = { embedding, nets: [{ s: make.embedding([M], { name: 'tanh' }), strip: null }] };
    const p = {
      ...made,
      descriptors: [{ ...d, oneSided, strip }],
      typeConstants: new Float64Array(3 * T),
      fitting: Array(T).fill(make.fitting(M * d.axis + 3, [4], { name: 'tanh' })),
    };
    const [back] = parseModel(writeGraph(p, { types: raw }), 'm.pb').descriptors as [Descriptor];
    expect(back.strip).toEqual(strip);
    expect(back.tables).toEqual(d.tables);
    expect([back.oneSided, [...back.tableOf!], [...back.padNetOf]]).toEqual([oneSided, [...d.tableOf!], [...d.padNetOf]]);
    // A look-up in something computed is not taken for a constant.
    const without = () => parseModel(writeGraph(p, { types: raw, without: ['Const_factors'] }), 'm.pb');
    expect(without).toThrow(error('MODEL_MISSING_TENSOR', 'look-up in a constant'));
  });

  test('what cannot be told from the graph is refused', () => {
    const { raw, p } = typedGraph('strip, smooth, graph', 1, { oneSided: false, strip: true, tebd: [3] });
    expect(() => read(p, { types: raw, script: false })).toThrow(error('MODEL_UNSUPPORTED', 'smooth_type_embedding unknown'));
    const [d] = p.descriptors;
    const excluded = { ...p, descriptors: [{ ...d!, excluded: Uint8Array.of(0, 1, ...new Array(p.ntypes ** 2 - 2).fill(0)) }] };
    expect(() => read(excluded, { types: raw })).toThrow(error('MODEL_UNSUPPORTED', 'exclude_types'));
    const concat = typedGraph('se_atten, concat', 1, { oneSided: false, strip: false, tebd: [3] });
    const extra = [node('Reshape_7', 'Reshape', ['ProdEnvMatAMix', 's']), node('mul_9', 'Mul', ['Reshape_7', 'mask'])];
    expect(() => read(concat.p, { types: concat.raw, script: false, extra })).toThrow(
      error('MODEL_UNSUPPORTED', 'exclude_types unknown'),
    );
    expect(() =>
      read(concat.p, {
        types: concat.raw,
        scriptChanges: (s) => {
          (s.model.type_embedding as Record<string, unknown>).use_econf_tebd = true;
        },
      }),
    ).toThrow(error('MODEL_UNSUPPORTED', 'use_econf_tebd'));
    // Without a type embedding its nets have no input.
    expect(() => read(concat.p, { types: concat.raw, without: ['type_embed_net/matrix_1'] })).toThrow(
      error('MODEL_SHAPE', 'type embedding'),
    );
  });

  test('without a training input the activations come from the operations', () => {
    const { raw, p, rows } = typedGraph('se_atten, concat', 4, { oneSided: false, strip: false, tebd: [3] });
    const none = {
      ...p,
      subtractVacuum: new Uint8Array(p.ntypes),
      descriptors: p.descriptors.map((d) => ({ ...d, excluded: d.excluded.map(() => 0) })),
    };
    const model = read(none, { types: raw, script: false });
    expect(
      largest(
        model.typeConstants!,
        rows.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-14);
    expect(model.descriptors[0]!.nets[0]!.layers[0]!.activation).toEqual({ name: 'tanh' });
    expect(model.descriptors[0]!.axis).toBe(p.descriptors[0]!.axis);
  });
});

describe('what is said of a model', () => {
  const summaryOf = (parameters: DeepPotentialParameters) => modelSummary({ parameters, name: 'm', file: 'm.pb', sha256: '' });

  test('the parts of a hybrid, the first at the top', () => {
    const p = randomModel(1, 'hybrid');
    const summary = summaryOf(p);
    expect(summary.descriptor).toBe('se_e2_a + se_e2_r + se_e2_a');
    expect(summary.descriptors.map((d) => [d.descriptor, d.cutoff_A, d.axis_neuron])).toEqual(
      p.descriptors.map((d) => [d.label, d.cutoff, d.axis]),
    );
    expect(summary.sel_meaning).toBe(summary.descriptors[0]!.sel_meaning);
    // Radial descriptors add G(s) of empty slots, whatever their means are.
    expect(summary.descriptors[1]!.sel_meaning).toMatch(/no grow/);
  });

  test('a net that takes types is one net', () => {
    const { bytes, raw } = typedGraph('se_atten, concat', 1, { oneSided: false, strip: false, tebd: [3] });
    const summary = summaryOf(parseModel(bytes, 'm.pb'));
    expect(summary.embedding).toMatchObject({ nets: 1, layers: raw.nets[0]!.s.layers.map((l) => l.outputs) });
    expect(summary.sel_meaning).toMatch(/for all types together/);
  });

  test('parameters and pair tables', () => {
    expect(summaryOf(randomModel(1, 'parameters'))).toMatchObject({ fparam: 2, aparam: 1, frame_parameters: { default: null } });
    const p = randomModel(1, 'pair table, graph');
    expect(summaryOf(p).pair_table).toEqual({
      shortest_A: 0,
      cutoff_A: p.pairTable!.cutoff,
      switch_from_A: p.pairTable!.from,
      switch_to_A: p.pairTable!.to,
    });
  });
});

describe('hybrids', () => {
  const p = randomModel(1, 'hybrid');
  test('parts are ordered by their numbers, not by their place in the file', () => {
    const bytes = writeGraph({ ...p, descriptors: p.descriptors });
    expect(parseModel(bytes, 'm.pb').descriptors.map((d) => d.label)).toEqual(['se_e2_a', 'se_e2_r', 'se_e2_a']);
  });

  test('a missing part, or one too many, is named', () => {
    expect(() => read(p, { without: ['ProdEnvMatA_2'] })).toThrow(error('MODEL_SHAPE', '3, one for each descriptor'));
    const extra = [node('ProdEnvMatA_9', 'ProdEnvMatA', ['c', 't', 'n', 'b', 'm', 'descrpt_attr_1/t_avg/read', 'x'])];
    expect(() => read(p, { script: false, extra })).toThrow(error('MODEL_SHAPE', /statistics descrpt_attr_\d\/t_avg/));
  });

  test('a part that the fitting net does not know', () => {
    const [a, b, c] = p.descriptors as [Descriptor, Descriptor, Descriptor];
    expect(() => read({ ...p, descriptors: [a, b, { ...c, axis: c.axis === 1 ? 2 : c.axis - 1 }] })).toThrow(
      error('MODEL_SHAPE', 'first fitting matrix'),
    );
  });
});

describe('pair tables and parameters that do not fit', () => {
  const table = randomModel(1, 'pair table, graph');
  test('a table without its switch, of other types, of another size', () => {
    expect(() => read(table, { without: ['SoftMinSwitch'] })).toThrow(error('MODEL_MISSING_TENSOR', 'operation "SoftMinSwitch"'));
    expect(() => read(table, { without: ['model_attr/t_tab_data'] })).toThrow(error('MODEL_MISSING_TENSOR', 't_tab_data'));
    const replace = (values: number[]) => () =>
      read(table, { replace: { 'model_attr/t_tab_info': { shape: [values.length], values } } });
    expect(replace([0, 0.1, 40, 7])).toThrow(error('MODEL_SHAPE', 't_tab_info'));
    expect(replace([0, 0.1, 39, table.ntypes])).toThrow(error('MODEL_SHAPE', 't_tab_data'));
    expect(replace([0, 0.1, 2 ** 40, table.ntypes])).toThrow(error('MODEL_SHAPE', 't_tab_info'));
  });

  test('parameters without their statistics', () => {
    const p = randomModel(1, 'parameters');
    expect(() => read(p, { without: ['fitting_attr/t_fparam_istd'] })).toThrow(
      error('MODEL_SHAPE', 'inverse standard deviation'),
    );
    const count = constant('fitting_attr/daparam', tensor([], [5], 'int32', 'list'));
    expect(() => read(p, { without: ['fitting_attr/daparam'], extra: [count] })).toThrow(error('MODEL_SHAPE', 'atom parameters'));
  });

  test('an empty list of type names is completed from the training input', () => {
    const extra = [constant('model_attr/tmap', stringTensor(''))];
    expect(read(table, { without: ['model_attr/tmap'], extra }).typeNames).toEqual(table.typeNames);
  });
});

test('128 types share all but the folded layers', () => {
  const make = new RandomNetworks(3);
  const T = 128;
  const typeNames = Array.from({ length: T }, (_, t) => `T${t}`);
  const embedding = make.embedding([8], { name: 'tanh' }, T);
  const s = make.embedding([8, 16, 32], { name: 'tanh' }, 17);
  const base = randomModel({ typeNames: ['A'], sel: [20], oneSided: true, neuron: [32], axis: 4, fittingNeuron: [] });
  const [d] = base.descriptors as [Descriptor];
  const p: DeepPotentialParameters = {
    ...base,
    typeNames,
    ntypes: T,
    descriptors: [
      {
        ...d,
        mixed: true,
        davg: new Float64Array(4 * T),
        dstd: new Float64Array(4 * T).fill(0.1),
        excluded: new Uint8Array(T * T),
      },
    ],
    typeConstants: new Float64Array(8 * T),
    fitting: Array(T).fill(make.fitting(32 * 4 + 8, [5], { name: 'tanh' })),
    subtractVacuum: new Uint8Array(T),
    atomBias: new Float64Array(T),
    outStd: new Float64Array(T).fill(1),
    outBias: new Float64Array(T),
  };
  const bytes = writeGraph(p, { types: { embedding, nets: [{ s, strip: null }] } });
  const started = performance.now();
  const model = parseModel(bytes, 'm.pb');
  // A quarter of a second at most for 16,000 pairs; what is left out by sharing would take minutes.
  expect(performance.now() - started).toBeLessThan(3000);
  expect(model.descriptors[0]!.nets).toHaveLength(T * T + T);
  // Only what the file holds: the net of s and types with timesteps of its doubling layers, the embedding, the fitting net.
  expect(model.parameterCount).toBe(17 * 8 + 8 + 8 * 16 + 2 * 16 + 16 * 32 + 2 * 32 + (T * 8 + 8) + (136 * 5 + 5 + 5 + 1));
});

test('a table operation of a radial part is matched to its type by the slots it reads', () => {
  const p = randomModel(1, 'se_e2_r, tables');
  const [d] = p.descriptors as [Descriptor];
  expect(d.tables!.length).toBeGreaterThan(1);
  const wrong = constant('filter_type_0/Slice_1/begin', tensor([2], [0, d.sel[0]! + 1], 'int32', 'list'));
  expect(() => read(p, { without: ['filter_type_0/Slice_1/begin'], extra: [wrong] })).toThrow(
    error('MODEL_CORRUPT', 'slots of no type'),
  );
});
