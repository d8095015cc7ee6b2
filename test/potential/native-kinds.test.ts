/** Native models of every kind: the four forms of a file say the same, type embeddings are folded exactly, the rest is refused. */
import type { DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters';
import { parseModel } from '../../lib/potential/model-file';
import { writeNativeModel } from '../../lib/potential/model-writer';
import { evaluateOracle } from '../oracle/deep-potential';
import {
  Leaf,
  NATIVE_KINDS,
  type NativeKind,
  nativeHdf5,
  nativeJson,
  nativeModel,
  nativeYaml,
  type Tree,
} from '../oracle/native-trees';
import { embed } from '../oracle/networks';
import { nativePth } from '../oracle/pth-writer';

function plain(p: DeepPotentialParameters) {
  const { trainingScript, version, format, ...rest } = p;
  return rest;
}

/** The model with values at paths (`model.descriptor.lmax`) changed; undefined takes a key away. */
function changed(kind: NativeKind, changes: Tree): Tree {
  const tree = structuredCloneOfTree(nativeModel(kind)) as Tree;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    const holder = keys.reduce((at, key) => at[key] as Tree, tree);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
  return tree;
}

function structuredCloneOfTree(value: unknown): unknown {
  if (value instanceof Leaf || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(structuredCloneOfTree);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, structuredCloneOfTree(entry)]));
}

const types = [0, 1, 1, 0, 1, 0];
const positions = [0, 0, 0, 1.3, 0.2, 0.1, 0.3, 1.5, 0.4, 1.4, 1.6, 1.2, 2.7, 0.5, 1.9, 0.2, 0.7, 2.4];

describe.each(NATIVE_KINDS)('%s', (kind) => {
  const tree = nativeModel(kind);
  const p = parseModel(nativeHdf5(tree), 'm.dp');

  test.each<[string, (tree: Tree) => Uint8Array]>([
    ['yaml', nativeYaml],
    ['json', nativeJson],
    ['pth', nativePth],
  ])('as .%s it is the same model', (extension, write) => {
    const read = parseModel(write(tree), `m.${extension}`);
    expect(read.format).toBe(extension);
    expect(plain(read)).toEqual(plain(p));
  });

  test('written as .dp from .pth it is the same model', () => {
    const bytes = nativePth(tree);
    const written = writeNativeModel({ parameters: parseModel(bytes, 'm.pth'), bytes });
    expect(plain(parseModel(written, 'm.dp'))).toEqual(plain(p));
  });

  test('as float32 .pth it is the same model, rounded', () => {
    const read = parseModel(nativePth(tree, { single: true }), 'm.pth');
    const bias = p.fitting[0]!.layers[0]!.bias;
    expect(read.fitting[0]!.layers[0]!.bias).toEqual(bias.map(Math.fround));
    expect(read.outBias).toEqual(p.outBias.map(Math.fround));
  });

  test('its energies depend on where the atoms are, and forces add up to nothing', () => {
    const options = { frameParameters: [0.3, 0.1], atomParameters: [1, 2, 3, 4, 5, 6] };
    const [a, b] = [positions, positions.map((x, k) => (k === 4 ? x + 0.05 : x))].map((x) =>
      evaluateOracle(p, types, x, null, options),
    );
    expect(Math.abs(a!.energy - b!.energy)).toBeGreaterThan(1e-6);
    // Each force is booked twice with opposite signs: what is left is rounding of sums of order 1 to 100.
    for (const c of [0, 1, 2])
      expect(Math.abs([...a!.forces].reduce((sum, f, k) => sum + (k % 3 === c ? f : 0), 0))).toBeLessThan(1e-11);
  });
});

/** The layers of a net of the tree on any input: y -> act(y W + b) idt + shortcut, by its definition. */
function forward(net: Tree, input: readonly number[]): number[] {
  let y = [...input];
  for (const layer of net.layers as Tree[]) {
    const { w, b, idt } = layer['@variables'] as { w: Leaf; b: Leaf; idt: Leaf | null };
    const [n, m] = w.shape as [number, number];
    expect(y.length).toBe(n);
    y = Array.from({ length: m }, (_, o) => {
      const h = y.reduce((sum, x, i) => sum + x * w.values[i * m + o]!, b.values[o]!);
      const a = (layer.activation_function === 'tanh' ? Math.tanh(h) : h) * (idt ? idt.values[o]! : 1);
      return layer.resnet === true && (m === n || m === 2 * n) ? a + y[o % n]! : a;
    });
  }
  return y;
}

function netsOf(tree: Tree): { net: Tree; strip: Tree | null; te: number[][] } {
  const model = tree.model as Tree;
  const descriptor = (model.descriptor ?? (model.models as Tree[])[0]!.descriptor) as Tree;
  const first = (key: string) => ((descriptor[key] as Tree | undefined)?.networks as Tree[] | undefined)?.[0] ?? null;
  const embedding = (descriptor.type_embedding as Tree).embedding as Tree;
  return {
    net: first('embeddings')!,
    strip: first('embeddings_strip'),
    te: [
      [1, 0],
      [0, 1],
    ].map((hot) => forward(embedding, hot)),
  };
}

// Two orders of the same sums.
const rounding = 13;

describe('type embeddings', () => {
  test.each<[NativeKind, boolean]>([
    ['dpa1, concat', false],
    ['dpa1, concat, one-sided', true],
  ])('%s: the net of a pair is the net of (s, te_j, te_i)', (kind, oneSided) => {
    const tree = nativeModel(kind);
    const { net, te } = netsOf(tree);
    const d = parseModel(nativeHdf5(tree), 'm.dp').descriptors[0]!;
    // The first layers are as wide as their inputs, 7 and 8 = 2 * 4: their shortcuts carry the type embeddings on.
    expect(d.nets[0]!.layers[0]!.shortcut).toMatchObject({ slope: expect.any(Float64Array), constant: expect.any(Float64Array) });
    for (const [ti, tj] of [0, 1, 2, 3].map((k) => [k >> 1, k & 1] as const)) {
      for (const s of [-0.7, 0.05, 1.9]) {
        const { g } = embed(d.nets[d.netOf[2 * ti + tj]!]!, s);
        const expected = forward(net, [s, ...te[tj]!, ...(oneSided ? [] : te[ti]!)]);
        for (const [m, value] of expected.entries()) expect(g[m]!).toBeCloseTo(value, rounding);
      }
    }
  });

  test('later layers are shared by the nets of all pairs', () => {
    const d = parseModel(nativeHdf5(nativeModel('dpa1, concat')), 'm.dp').descriptors[0]!;
    expect(new Set(d.nets.map((net) => net.layers[0])).size).toBe(4);
    expect(new Set(d.nets.map((net) => net.layers[1])).size).toBe(1);
  });

  test.each<[NativeKind, boolean]>([
    ['dpa1, strip', false],
    ['dpa1, strip, smooth, davg', true],
    ['zbl', false],
  ])('%s: factors of a pair are the strip net of (te_j, te_i)', (kind, oneSided) => {
    const tree = nativeModel(kind);
    const { strip, te } = netsOf(tree);
    const d = parseModel(nativeHdf5(tree), 'm.dp').descriptors[0]!;
    for (const [ti, tj] of [0, 1, 2, 3].map((k) => [k >> 1, k & 1] as const)) {
      const expected = forward(strip!, oneSided ? te[tj]! : [...te[tj]!, ...te[ti]!]);
      for (const [m, value] of expected.entries())
        expect(d.strip!.factors[(2 * ti + tj) * d.width + m]!).toBeCloseTo(value, rounding);
    }
  });

  test('that of the centre follows D where the model says so', () => {
    const tree = nativeModel('dpa1, concat');
    const { te } = netsOf(tree);
    const d = parseModel(nativeHdf5(tree), 'm.dp').descriptors[0]!;
    for (const [k, value] of te.flat().entries()) expect(d.constants![k]!).toBeCloseTo(value, rounding);
    expect(parseModel(nativeHdf5(nativeModel('dpa1, concat, one-sided')), 'm.dp').descriptors[0]!.constants).toBeNull();
  });

  test('empty slots give nothing where davg is zero, else they go through the net', () => {
    const padOf = (kind: NativeKind) => [...parseModel(nativeHdf5(nativeModel(kind)), 'm.dp').descriptors[0]!.padNetOf];
    expect(padOf('dpa1, concat')).toEqual([-1, -1]);
    expect(padOf('dpa1, strip')).toEqual([-1, -1]);
    expect(padOf('dpa1, strip, smooth, davg')).toEqual([0, 0]);
  });
});

describe('parameters beside D', () => {
  test('averages, defaults and the case are read', () => {
    const p = parseModel(nativeHdf5(nativeModel('se_e2_a, parameters')), 'm.dp');
    expect(p.frameParameters).toMatchObject({ count: 2, defaults: Float64Array.of(0.25, -1.5) });
    expect(p.atomParameters).toMatchObject({ count: 1, defaults: null });
    expect([...p.caseConstants!]).toEqual([0, 1]);
  });

  test('a shared fitting net makes no difference of types in the vacuum', () => {
    expect([...parseModel(nativeHdf5(nativeModel('dpa1, concat, one-sided')), 'm.dp').subtractVacuum]).toEqual([1, 1]);
    expect([...parseModel(nativeHdf5(nativeModel('se_e2_a')), 'm.dp').subtractVacuum]).toEqual([0, 1]);
  });

  test('excluded types and pairs of every level are told apart', () => {
    const p = parseModel(nativeHdf5(nativeModel('se_e2_a')), 'm.dp');
    expect([...p.descriptors[0]!.excluded]).toEqual([0, 1, 1, 0]);
    expect([...p.pairExcluded]).toEqual([1, 0, 0, 0]);
    expect([...p.atomExcluded]).toEqual([1, 0]);
    expect([...p.fittingExcluded]).toEqual([0, 0]);
    expect([...parseModel(nativeHdf5(nativeModel('se_e2_a, one-sided')), 'm.dp').fittingExcluded]).toEqual([0, 1]);
  });

  test('a pair table with its switch', () => {
    const p = parseModel(nativeHdf5(nativeModel('zbl')), 'm.dp');
    expect(p.pairTable).toMatchObject({
      smallest: 0,
      step: 0.1,
      cells: 40,
      cutoff: 4,
      alpha: 0.1,
      from: 1.1,
      to: 1.9,
      addBias: false,
    });
    expect(p.cutoff).toBe(4.3);
    // The list with more slots counts for the softmin distance: that of the table, which ends at 4 A, then that of the net.
    expect(p.pairTable!.softminCutoff).toBe(4);
    const wide = parseModel(nativeHdf5(changed('zbl', { 'model.models.1.sel': 11 })), 'm.dp');
    expect(wide.pairTable!.softminCutoff).toBeUndefined();
  });

  test('a hybrid in a hybrid is taken apart in order', () => {
    const p = parseModel(nativeHdf5(nativeModel('hybrid')), 'm.dp');
    expect(p.descriptors.map((d) => [d.label, d.cutoff])).toEqual([
      ['se_e2_a', 3.3],
      ['se_e2_r', 4.1],
      ['se_e2_a', 4.1],
    ]);
    expect(p.cutoff).toBe(4.1);
  });
});

describe('tables', () => {
  const tablesOf = (kind: NativeKind) => parseModel(nativeHdf5(nativeModel(kind)), 'm.dp').descriptors[0]!;

  test('two-sided ones are stored by neighbour and centre, and a pair without one gives nothing', () => {
    const tree = nativeModel('se_e2_a, compressed');
    const stored = (
      ((((tree.model as Tree).descriptor as Tree).compress as Tree)['@variables'] as Tree).compress_data as Leaf[]
    ).map((leaf) => leaf.values);
    const d = tablesOf('se_e2_a, compressed');
    expect([...d.tableOf!]).toEqual([0, -1, -1, 1]);
    expect([...d.padNetOf]).toEqual([0, -1, -1, 1]);
    expect([...d.excluded]).toEqual([0, 2, 2, 0]);
    expect(d.tables!.map((table) => table.coefficients)).toEqual([stored[0], stored[3]]);
  });

  test('one table of g(s) serves all pairs of a strip model', () => {
    const d = tablesOf('dpa1, compressed');
    expect([...d.tableOf!]).toEqual([0, 0, 0, 0]);
    expect(d.tables).toHaveLength(1);
    expect(d.strip!.smoothing).toBe('switch');
  });

  test('a pair that is not excluded needs one', () => {
    const tree = changed('se_e2_a, compressed', { 'model.descriptor.exclude_types': [] });
    expect(() => parseModel(nativeHdf5(tree), 'm.dp')).toThrow(
      expect.objectContaining({ code: 'MODEL_SHAPE', message: expect.stringContaining('a table for every pair') }),
    );
  });
});

describe('what is not evaluated is refused by name', () => {
  const d = 'model.descriptor';
  const davg = new Leaf([2, 12, 4], new Float64Array(96).fill(0.1));
  test.each<[NativeKind, string, Tree]>([
    ['dpa1, concat', 'davg', { [`${d}.@variables.davg`]: davg }],
    ['dpa1, strip', 'davg', { [`${d}.@variables.davg`]: davg }],
    ['dpa1, concat', 'attention', { [`${d}.attn_layer`]: 2 }],
    ['dpa1, concat', 'attention', { [`${d}.attn_layer`]: undefined }],
    ['dpa1, concat', 'use_econf_tebd', { [`${d}.use_econf_tebd`]: true }],
    ['dpa1, concat', 'use_econf_tebd', { [`${d}.type_embedding.use_econf_tebd`]: true }],
    ['dpa1, concat', 'lmax', { [`${d}.lmax`]: 2 }],
    ['dpa1, concat', 'tebd_input_mode', { [`${d}.tebd_input_mode`]: 'dot_residual_s' }],
    ['dpa1, concat', 'compress', { [`${d}.compress`]: { geo_compress: false } }],
    ['dpa1, concat', 'DescrptDPA1 of version 5', { [`${d}.@version`]: 5 }],
    ['dpa1, concat', 'TypeEmbedNet of version 3', { [`${d}.type_embedding.@version`]: 3 }],
    ['se_e2_r', 'use_exp_switch', { [`${d}.env_mat`]: { use_exp_switch: true } }],
    ['se_e2_r', 'se_t_tebd', { [`${d}.type`]: 'se_t_tebd' }],
    ['hybrid', 'dpa3', { [`${d}.list.1.list.0.type`]: 'dpa3' }],
    ['hybrid', 'DescrptHybrid of version 2', { [`${d}.@version`]: 2 }],
    ['se_e2_a, parameters', 'case_embd', { 'model.fitting.@variables.case_embd': null }],
    ['se_e2_a, parameters', 'use_aparam_as_mask', { 'model.fitting.use_aparam_as_mask': true }],
    ['se_e2_a', 'float16', { 'model.fitting.precision': 'float16' }],
    ['zbl', 'dpa2', { 'model.models.0.descriptor.type': 'dpa2' }],
    ['zbl', 'linear', { 'model.models.0.type': 'linear' }],
    ['zbl', 'pair_exclude_types', { 'model.models.0.pair_exclude_types': [[0, 1]] }],
    ['zbl', 'type_map', { 'model.models.1.type_map': ['B', 'A'] }],
    ['zbl', 'pairtab', { 'model.type': 'pairtab' }],
    ['zbl', 'PairTab of version 2', { 'model.models.1.tab.@version': 2 }],
  ])('%s: %s', (kind, word, changes) => {
    expect(() => parseModel(nativeHdf5(changed(kind, changes)), 'm.dp')).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining(word) }),
    );
  });

  test.each<[NativeKind, RegExp, Tree]>([
    ['dpa1, concat', /tebd_dim.*an integer from 1/, { [`${d}.tebd_dim`]: '3' }],
    ['dpa1, concat', /type_embedding\.embedding.*2 outputs, 3|type_embedding\.embedding.*outputs/, { [`${d}.tebd_dim`]: 2 }],
    ['dpa1, concat', /type_one_side: expected true or false/, { [`${d}.type_one_side`]: null }],
    ['se_e2_a', /descriptor\.type: expected the name of a descriptor, got nothing/, { [`${d}.type`]: undefined }],
    ['hybrid', /list of 1 to 63 descriptors/, { [`${d}.list`]: [] }],
    ['hybrid', /one env_protection/, { [`${d}.list.0.env_protection`]: 0.1 }],
    ['se_e2_a, parameters', /default of .*fparam: expected 2 values, got 1/, { 'model.fitting.default_fparam': [1] }],
    ['zbl', /sw_rmin < sw_rmax/, { 'model.sw_rmax': 0.5 }],
    ['zbl', /tab_data: expected 2 x 2 x 40 x 4/, { 'model.models.1.tab.@variables.tab_data': new Leaf([4], [1, 2, 3, 4]) }],
    ['zbl', /a standard model and a pairtab model/, { 'model.models': [] }],
  ])('%s: %s', (kind, message, changes) => {
    expect(() => parseModel(nativeHdf5(changed(kind, changes)), 'm.dp')).toThrow(
      expect.objectContaining({ code: 'MODEL_SHAPE', message: expect.stringMatching(message) }),
    );
  });
});
