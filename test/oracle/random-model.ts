/** Small Deep Potentials with random weights: what the tests of readers and kernels write, read and evaluate. */
import type { Activation, DeepPotentialParameters, Layer, Network } from '../../lib/potential/deep-potential-parameters';

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

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

export function randomModel(options: RandomModelOptions = {}): DeepPotentialParameters {
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
  const random = randomStream(seed);
  const number = (spread: number) => spread * (2 * random() - 1);
  const array = (length: number, spread: number, mean = 0) => Float64Array.from({ length }, () => mean + number(spread));
  const T = sel.length;
  const N = sel.reduce((a, b) => a + b, 0);
  const width = neuron.at(-1)!;

  const layer = (inputs: number, outputs: number, act: Activation, shortcut: Layer['shortcut']): Layer => ({
    inputs,
    outputs,
    weights: array(inputs * outputs, 1.5 / Math.sqrt(inputs)),
    bias: array(outputs, 0.5),
    idt: resnetDt && shortcut !== 'none' ? array(outputs, 0.2, 0.6) : null,
    activation: act,
    shortcut,
  });
  const embeddingNet = (): Network => ({
    layers: neuron.map((outputs, k) => {
      const inputs = k === 0 ? 1 : neuron[k - 1]!;
      return layer(inputs, outputs, activation, outputs === inputs ? 'identity' : outputs === 2 * inputs ? 'double' : 'none');
    }),
  });
  const fittingNet = (): Network => {
    const layers: Layer[] = [];
    let inputs = width * axis;
    for (const [k, outputs] of fittingNeuron.entries()) {
      layers.push(layer(inputs, outputs, fittingActivation, k > 0 && outputs === inputs ? 'identity' : 'none'));
      inputs = outputs;
    }
    layers.push(layer(inputs, 1, { name: 'linear' }, 'none'));
    return { layers };
  };

  const excluded = new Uint8Array(T * T);
  for (const [a, b] of exclude) excluded[a * T + b] = excluded[b * T + a] = family === 'graph' ? 2 : 1;
  const embedding: (Network | null)[] = Array.from({ length: oneSided ? T : T * T }, (_, k) =>
    family === 'graph' && !oneSided && excluded[k] ? null : embeddingNet(),
  );
  const blocks = perSlotStatistics ? T * N : T;
  const davg = new Float64Array(blocks * 4);
  const dstd = new Float64Array(blocks * 4);
  for (let b = 0; b < blocks; b++) {
    davg[4 * b] = 0.05 + number(0.02);
    const radial = 0.14 + number(0.02);
    const angular = 0.09 + number(0.02);
    dstd.set([radial, angular, angular, angular], 4 * b);
  }
  // Numbers that float32 does not hold, so that the rounding of graphs shows.
  const [rc, rs] = [4.3, 1.1];
  const graph = family === 'graph';
  const fitting = sel.map(fittingNet);
  let parameterCount = 0;
  for (const net of [...embedding, ...fitting])
    for (const l of net?.layers ?? []) parameterCount += l.weights.length + l.bias.length + (l.idt?.length ?? 0);
  return {
    format: graph ? 'pb' : 'yaml',
    version: graph ? 'graph 1.1 (2.1 to 3.x)' : 'native',
    family,
    typeNames,
    ntypes: T,
    cutoff: graph ? Math.fround(rc) : rc,
    cutoffSmooth: graph ? Math.fround(rs) : rs,
    switchWidth: graph ? Math.fround(Math.fround(rc) - Math.fround(rs)) : rc - rs,
    sel,
    slots: N,
    envProtection: 0,
    perSlotStatistics,
    davg,
    dstd,
    oneSided,
    width,
    axis,
    embedding,
    tables: null,
    excluded,
    pairExcluded: new Uint8Array(T * T),
    atomExcluded: new Uint8Array(T),
    fittingExcluded: new Uint8Array(T),
    fitting,
    subtractVacuum: new Uint8Array(T),
    atomBias: array(T, 3),
    outStd: graph ? array(T, 0.1, 1) : new Float64Array(T).fill(1),
    outBias: array(T, 1),
    precision: 'float64',
    parameterCount,
    trainingScript: null,
    minNeighbourDistance: 0.9,
  };
}

/** Statistics in the layout of files: [T, N, 4]. */
export function fullStatistics(p: DeepPotentialParameters, values: Float64Array): Float64Array {
  if (p.perSlotStatistics) return values;
  const N = p.sel.reduce((a, b) => a + b, 0);
  return Float64Array.from({ length: p.ntypes * N * 4 }, (_, k) => values[Math.floor(k / (4 * N)) * 4 + (k % 4)]!);
}

export function activationText({ name, threshold }: Activation): string {
  return threshold === undefined ? name : `${name}:${threshold}`;
}
