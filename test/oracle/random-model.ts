/** Small Deep Potentials with random weights: what the tests of readers and kernels write, read and evaluate. */
import type { Activation, DeepPotentialParameters, Descriptor, Network } from '../../lib/potential/deep-potential-parameters';
import { countParameters, groupedNets } from '../../lib/potential/formats/assemble';
import { cutoffs, modelOf } from './model-frame';
import { type RandomKind, randomModelOfKind } from './random-kinds';
import { RandomNetworks } from './random-networks';

export { RANDOM_KINDS, type RandomKind } from './random-kinds';
export { randomStream } from './random-networks';

export interface RandomModelOptions {
  seed?: number;
  family?: 'graph' | 'native';
  typeNames?: string[];
  sel?: number[];
  oneSided?: boolean;
  neuron?: number[];
  axis?: number;
  fittingNeuron?: number[];
  activation?: Activation;
  fittingActivation?: Activation;
  resnetDt?: boolean;
  perSlotStatistics?: boolean;
  /** Unordered pairs of types. */
  exclude?: [number, number][];
}

/** One se_e2_a descriptor with the given sizes; or a model of the given kind, its sizes drawn from the seed. */
export function randomModel(options?: RandomModelOptions): DeepPotentialParameters;
export function randomModel(seed: number, kind: RandomKind): DeepPotentialParameters;
export function randomModel(first: RandomModelOptions | number = {}, kind?: RandomKind): DeepPotentialParameters {
  return typeof first === 'number' ? randomModelOfKind(first, kind!) : plainModel(first);
}

function plainModel(options: RandomModelOptions): DeepPotentialParameters {
  const {
    seed = 1,
    family = 'graph',
    typeNames = ['A', 'B'],
    sel = [9, 7],
    oneSided = false,
    neuron = [3, 6, 6],
    axis = 2,
    fittingNeuron = [5, 5],
    activation = { name: 'tanh' },
    fittingActivation = { name: 'tanh' },
    resnetDt = true,
    perSlotStatistics = false,
    exclude = [],
  } = options;
  const make = new RandomNetworks(seed, resnetDt);
  const T = sel.length;
  const N = sel.reduce((a, b) => a + b, 0);
  const width = neuron.at(-1)!;
  const graph = family === 'graph';
  const excluded = new Uint8Array(T * T);
  for (const [a, b] of exclude) excluded[a * T + b] = excluded[b * T + a] = graph ? 2 : 1;
  const embedding: (Network | null)[] = Array.from({ length: oneSided ? T : T * T }, (_, k) =>
    graph && !oneSided && excluded[k] ? null : make.embedding(neuron, activation),
  );
  const statistics = make.statistics('se_e2_a', perSlotStatistics ? T * N : T);
  const descriptor: Descriptor = {
    kind: 'se_e2_a',
    label: 'se_e2_a',
    ...cutoffs(family, 4.3, 1.1),
    envProtection: 0,
    mixed: false,
    sel,
    slots: N,
    perSlotStatistics,
    ...statistics,
    width,
    axis,
    oneSided,
    ...groupedNets('se_e2_a', T, oneSided, embedding, null, excluded),
    excluded,
    strip: null,
    constants: null,
  };
  const fitting = sel.map(() => make.fitting(width * axis, fittingNeuron, fittingActivation));
  return {
    ...modelOf(family, typeNames, [descriptor], fitting),
    atomBias: make.array(T, 3),
    outStd: graph ? make.array(T, 0.1, 1) : new Float64Array(T).fill(1),
    outBias: make.array(T, 1),
    parameterCount: countParameters(embedding, fitting),
  };
}

/** Statistics in the layout of files: [T, N, 4]. */
export function fullStatistics(p: DeepPotentialParameters, d: Descriptor, values: Float64Array): Float64Array {
  if (d.perSlotStatistics) return values;
  const N = d.sel.reduce((a, b) => a + b, 0);
  return Float64Array.from({ length: p.ntypes * N * 4 }, (_, k) => values[Math.floor(k / (4 * N)) * 4 + (k % 4)]!);
}

export function activationText({ name, threshold }: Activation): string {
  return threshold === undefined ? name : `${name}:${threshold}`;
}
