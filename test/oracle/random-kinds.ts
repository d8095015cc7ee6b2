/**
 * Random models of every kind that the parameters describe. Sizes, activations and the number of types (1 to 5) follow the seed; slots
 * are enough for some twenty neighbours of each type unless the kind says overflow.
 */
import type {
  Activation,
  DeepPotentialParameters,
  Descriptor,
  ExternalParameters,
  Network,
  PairTable,
} from '../../lib/potential/deep-potential-parameters';
import { descriptorWidth, fittingExtras, foldTypeEmbedding, groupedNets } from '../../lib/potential/formats/assemble';
import { cutoffs, modelOf } from './model-frame';
import { RandomNetworks, tabulate } from './random-networks';

type Family = DeepPotentialParameters['family'];

interface Made {
  family: Family;
  descriptors: Descriptor[];
  /** Changes to the finished model. */
  more?: (make: RandomNetworks, ntypes: number) => Partial<DeepPotentialParameters>;
}

interface Shape {
  family: Family;
  oneSided: boolean;
  /** Slots a group. */
  sel: number;
  silent: boolean;
  cutoff: readonly [rc: number, rs: number];
  /** Code of a random pair of types (of 0 with the last). */
  exclude: 0 | 1 | 2;
}

const usual: Shape = { family: 'graph', oneSided: false, sel: 30, silent: false, cutoff: [4.3, 1.1], exclude: 0 };
const smooth: readonly Activation[] = [
  { name: 'tanh' },
  { name: 'gelu' },
  { name: 'softplus' },
  { name: 'sigmoid' },
  { name: 'silu' },
  { name: 'tanh' },
];
const embeddingWidths = [
  [3, 6, 6],
  [4, 8, 16],
  [5, 7],
  [1, 2, 4],
  [6, 12, 11],
];

// Narrow enough that near neighbours lie beyond its end, wide enough for the others.
const tableGrid = { lower: -0.5, upper: 3, max: 4, step: 0.05, coarseStep: 0.5 };

function base(shape: Shape, make: RandomNetworks, T: number, kind: Descriptor['kind'], mixed: boolean) {
  const groups = mixed ? 1 : T;
  const sel = Array.from({ length: groups }, () => (mixed ? shape.sel * T : shape.sel));
  const neuron = make.pick(embeddingWidths);
  const excluded = new Uint8Array(T * T);
  if (shape.exclude !== 0) {
    excluded[T - 1] = shape.exclude;
    excluded[(T - 1) * T] = shape.exclude;
  }
  return {
    neuron,
    activation: make.pick(smooth),
    fixed: {
      kind,
      ...cutoffs(shape.family, ...shape.cutoff),
      envProtection: shape.family === 'native' && make.random() < 0.3 ? 0.1 : 0,
      mixed,
      sel,
      slots: sel.reduce((a, b) => a + b, 0),
      perSlotStatistics: false,
      ...make.statistics(kind, T, shape.silent),
      width: neuron.at(-1)!,
      axis: kind === 'se_e2_r' ? 0 : Math.min(2 + Math.floor(2 * make.random()), neuron.at(-1)!),
      oneSided: shape.oneSided,
      excluded,
      tables: null,
      tableOf: null,
      strip: null,
      constants: null,
    },
  };
}

/** se_e2_a or se_e2_r with a net for every type or pair. */
function grouped(kind: Descriptor['kind'], change: Partial<Shape>, make: RandomNetworks, T: number, tables = false): Descriptor {
  const shape = { ...usual, ...change };
  const { neuron, activation, fixed } = base(shape, make, T, kind, false);
  const nets: (Network | null)[] = Array.from({ length: shape.oneSided ? T : T * T }, (_, k) =>
    shape.exclude === 2 && !shape.oneSided && fixed.excluded[k] ? null : make.embedding(neuron, activation),
  );
  const made = tables ? nets.map((net) => net && tabulate(net, tableGrid)) : null;
  const held = made ? nets.map(() => null) : nets;
  return { ...fixed, label: kind, ...groupedNets(kind, T, shape.oneSided, held, made, fixed.excluded) };
}

/** Type embeddings [T, k] and what follows from them. */
function withTypes(
  change: Partial<Shape>,
  make: RandomNetworks,
  T: number,
  mixed: boolean,
  label: string,
): { descriptor: Descriptor; embeddings: Float64Array } {
  const shape = { ...usual, ...change };
  const { neuron, activation, fixed } = base(shape, make, T, 'se_e2_a', mixed);
  const k = 2 + Math.floor(2 * make.random());
  const embeddings = make.array(T * k, 0.8);
  const inputs = 1 + (shape.oneSided ? k : 2 * k);
  // Widths that give the first layer an identity or a doubling shortcut, or none.
  const first = make.pick([inputs, 2 * inputs, 4]);
  const net = make.embedding([first, 2 * first, ...neuron.slice(-1)], activation, inputs);
  const pad = !mixed ? null : shape.family === 'graph' ? new Float64Array(k) : embeddings.slice(0, k);
  return {
    embeddings,
    descriptor: { ...fixed, label, ...foldTypeEmbedding(net, embeddings, T, shape.oneSided, pad, 'random net') },
  };
}

/** strip mode: one net of s, a factor for every pair of types (1.14). */
function stripped(
  smoothing: NonNullable<Descriptor['strip']>['smoothing'],
  change: Partial<Shape>,
  make: RandomNetworks,
  T: number,
  tables = false,
): Descriptor {
  const shape = { ...usual, ...change };
  const { neuron, activation, fixed } = base(shape, make, T, 'se_e2_a', true);
  const net = make.embedding(neuron, activation);
  const one = { items: [0], of: new Int32Array(T * T) };
  const M = fixed.width;
  const rows = make.array((shape.oneSided ? T : T * T) * M, 1.2);
  const factors = Float64Array.from({ length: T * T * M }, (_, at) => {
    const pair = Math.floor(at / M);
    return rows[(shape.oneSided ? pair % T : pair) * M + (at % M)]!;
  });
  return {
    ...fixed,
    label: shape.family === 'graph' ? 'se_atten' : 'dpa1',
    nets: tables ? [] : [net],
    netOf: tables ? new Int32Array(T * T).fill(-1) : one.of,
    padNetOf: new Int32Array(T),
    tables: tables ? [tabulate(net, tableGrid)] : null,
    tableOf: tables ? one.of : null,
    strip: { factors, padFactors: make.array(T * M, 1.2), smoothing },
  };
}

function external(make: RandomNetworks, count: number, withDefaults: boolean): ExternalParameters {
  return {
    count,
    average: make.array(count, 0.3),
    inverseStd: make.array(count, 0.3, 1.2),
    defaults: withDefaults ? make.array(count, 1) : null,
  };
}

/** A repulsive table from 0 to the cutoff, continuous with its slope, and a switch in the range of near neighbours. */
function pairTable(make: RandomNetworks, T: number, cutoff: number, addBias: boolean): PairTable {
  const cells = 40;
  const step = cutoff / cells;
  const coefficients = new Float64Array(T * T * cells * 4);
  for (let a = 0; a < T; a++)
    for (let b = a; b < T; b++) {
      const [height, decay] = [5 + make.number(3), 1 + make.number(0.3)];
      const value = (r: number) => height * Math.exp(-r / decay) * (1 - r / cutoff) ** 3;
      const slope = (r: number) => -value(r) / decay - (3 * height * Math.exp(-r / decay) * (1 - r / cutoff) ** 2) / cutoff;
      for (let k = 0; k < cells; k++) {
        const [v0, v1] = [value(k * step), value((k + 1) * step)];
        const [d0, d1] = [step * slope(k * step), step * slope((k + 1) * step)];
        const cell = [2 * v0 - 2 * v1 + d0 + d1, -3 * v0 + 3 * v1 - 2 * d0 - d1, d0, v0];
        coefficients.set(cell, ((a * T + b) * cells + k) * 4);
        coefficients.set(cell, ((b * T + a) * cells + k) * 4);
      }
    }
  return { smallest: 0, step, cells, coefficients, cutoff, alpha: 0.3, from: 1.2, to: 2.8, addBias };
}

const parameters = (defaults: boolean) => (make: RandomNetworks) => ({
  frameParameters: external(make, 2, defaults),
  atomParameters: external(make, 1, defaults),
});

const kinds = {
  se_e2_a: (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_a', {}, make, T)] }),
  'se_e2_a, one-sided': (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_a', { oneSided: true }, make, T)] }),
  'se_e2_a, native, overflow': (make, T) => ({
    family: 'native',
    descriptors: [grouped('se_e2_a', { family: 'native', sel: 3 }, make, T)],
  }),
  'se_e2_a, excluded pair': (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_a', { exclude: 2 }, make, T)] }),
  'se_e2_a, tables': (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_a', {}, make, T, true)] }),
  'se_e2_a, model exclusions': (make, T) => ({
    family: 'native',
    descriptors: [grouped('se_e2_a', { family: 'native', oneSided: true, exclude: 1 }, make, T)],
    more: () => ({
      pairExcluded: Uint8Array.from({ length: T * T }, (_, pair) => (pair === 0 ? 1 : 0)),
      atomExcluded: Uint8Array.from({ length: T }, (_, t) => (T > 1 && t === T - 1 ? 1 : 0)),
      fittingExcluded: Uint8Array.from({ length: T }, (_, t) => (T > 2 && t === 1 ? 1 : 0)),
    }),
  }),
  se_e2_r: (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_r', {}, make, T)] }),
  'se_e2_r, one-sided, excluded pair': (make, T) => ({
    family: 'graph',
    descriptors: [grouped('se_e2_r', { oneSided: true, exclude: 2 }, make, T)],
  }),
  'se_e2_r, two-sided, excluded pair': (make, T) => ({
    family: 'graph',
    descriptors: [grouped('se_e2_r', { exclude: 2 }, make, T)],
  }),
  'se_e2_r, native, excluded pair, overflow': (make, T) => ({
    family: 'native',
    descriptors: [grouped('se_e2_r', { family: 'native', exclude: 1, sel: 3 }, make, T)],
  }),
  'se_e2_r, tables': (make, T) => ({ family: 'graph', descriptors: [grouped('se_e2_r', {}, make, T, true)] }),
  hybrid: (make, T) => ({
    family: 'graph',
    descriptors: [
      grouped('se_e2_a', { cutoff: [3.1, 0.6], oneSided: true }, make, T),
      grouped('se_e2_r', { sel: 25 }, make, T),
      grouped('se_e2_a', { cutoff: [3.7, 2.2], sel: 12 }, make, T),
    ],
  }),
  'hybrid, native, overflow': (make, T) => ({
    family: 'native',
    descriptors: [
      grouped('se_e2_a', { family: 'native', sel: 2 }, make, T),
      grouped('se_e2_r', { family: 'native', sel: 4, cutoff: [3.6, 1.1] }, make, T),
    ],
  }),
  'type embedding': (make, T) => {
    const { descriptor, embeddings } = withTypes({}, make, T, false, 'se_e2_a with type embedding');
    return { family: 'graph', descriptors: [descriptor], more: () => ({ typeConstants: embeddings }) };
  },
  'type embedding, one-sided': (make, T) => {
    const { descriptor, embeddings } = withTypes({ oneSided: true, sel: 5 }, make, T, false, 'se_e2_a with type embedding');
    return { family: 'graph', descriptors: [descriptor], more: () => ({ typeConstants: embeddings }) };
  },
  'se_atten, concat': (make, T) => {
    const { descriptor, embeddings } = withTypes({ exclude: 1 }, make, T, true, 'se_atten');
    return {
      family: 'graph',
      descriptors: [descriptor],
      more: () => ({ typeConstants: embeddings, subtractVacuum: new Uint8Array(T).fill(1) }),
    };
  },
  'dpa1, concat, overflow': (make, T) => {
    const { descriptor, embeddings } = withTypes({ family: 'native', silent: true, sel: 2 }, make, T, true, 'dpa1');
    return {
      family: 'native',
      descriptors: [{ ...descriptor, constants: embeddings }],
      more: () => ({ subtractVacuum: new Uint8Array(T).fill(1) }),
    };
  },
  'strip, not smooth': (make, T) => ({ family: 'native', descriptors: [stripped('one', { family: 'native' }, make, T)] }),
  'strip, smooth, native': (make, T) => ({
    family: 'native',
    descriptors: [stripped('switch', { family: 'native', oneSided: true, silent: true, exclude: 1 }, make, T)],
  }),
  'strip, smooth, graph': (make, T) => ({ family: 'graph', descriptors: [stripped('cubic', { cutoff: [4.3, 2.6] }, make, T)] }),
  'strip, tables': (make, T) => ({ family: 'graph', descriptors: [stripped('cubic', { silent: true }, make, T, true)] }),
  'mixed and grouped': (make, T) => ({
    family: 'native',
    descriptors: [
      stripped('switch', { family: 'native', sel: 2 }, make, T),
      grouped('se_e2_a', { family: 'native', sel: 2, cutoff: [3.6, 1.1] }, make, T),
    ],
  }),
  parameters: (make, T) => ({
    family: 'graph',
    descriptors: [grouped('se_e2_a', {}, make, T)],
    more: (again) => ({
      ...parameters(false)(again),
      subtractVacuum: Uint8Array.from({ length: T }, (_, t) => (t === 0 ? 1 : 0)),
    }),
  }),
  'parameters with defaults': (make, T) => ({
    family: 'native',
    descriptors: [grouped('se_e2_a', { family: 'native' }, make, T)],
    more: (again) => ({ ...parameters(true)(again), caseConstants: again.array(2, 0.7) }),
  }),
  'pair table, graph': (make, T) => ({
    family: 'graph',
    descriptors: [grouped('se_e2_a', {}, make, T)],
    more: (again) => ({ pairTable: pairTable(again, T, 4, true), outBias: again.array(T, 1), outStd: again.array(T, 0.1, 1) }),
  }),
  'pair table, native': (make, T) => ({
    family: 'native',
    descriptors: [stripped('switch', { family: 'native', silent: true }, make, T)],
    more: (again) => ({ pairTable: pairTable(again, T, 4.1, false), outBias: again.array(T, 1) }),
  }),
} satisfies Record<string, (make: RandomNetworks, ntypes: number) => Made>;

export type RandomKind = keyof typeof kinds;

export const RANDOM_KINDS = Object.keys(kinds) as readonly RandomKind[];

export function randomModelOfKind(seed: number, kind: RandomKind): DeepPotentialParameters {
  const make = new RandomNetworks(1000 * seed + RANDOM_KINDS.indexOf(kind), seed % 2 === 1);
  // Where types or pairs are excluded, one or two types alone would leave nothing.
  const fewest = kind === 'se_e2_a, model exclusions' ? 3 : /exclu|concat|strip/.test(kind) ? 2 : 1;
  const T = Math.max(fewest, [2, 3, 1, 5, 4][seed % 5]!);
  const { family, descriptors, more }: Made = kinds[kind](make, T);
  const changes: Partial<DeepPotentialParameters> = {
    atomBias: make.array(T, 3),
    ...more?.(make, T),
  };
  const extras = fittingExtras(
    changes.typeConstants ?? null,
    T,
    changes.frameParameters ?? null,
    changes.atomParameters ?? null,
    changes.caseConstants ?? null,
  );
  const inputs = descriptorWidth(descriptors, T) + extras;
  const shared = changes.typeConstants != null || descriptors.some((d) => d.mixed);
  const neuron = make.pick([[5, 5], [6], [7, 7, 4], []]);
  const activation = make.pick(smooth);
  const one = make.fitting(inputs, neuron, activation);
  const fitting = Array.from({ length: T }, () => (shared ? one : make.fitting(inputs, neuron, activation)));
  const typeNames = ['A', 'B', 'C', 'D', 'E'].slice(0, T);
  return { ...modelOf(family, typeNames, descriptors, fitting), ...changes };
}
