/** Random numbers, layers and nets of the models that the tests write, read and evaluate. */
import type { Activation, Descriptor, EmbeddingTable, Layer, Network } from '../../lib/potential/deep-potential-parameters';
import { embed } from './networks';

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

export class RandomNetworks {
  readonly random: () => number;

  constructor(
    seed: number,
    readonly resnetDt = true,
  ) {
    this.random = randomStream(seed);
  }

  number(spread: number): number {
    return spread * (2 * this.random() - 1);
  }

  array(length: number, spread: number, mean = 0): Float64Array {
    return Float64Array.from({ length }, () => mean + this.number(spread));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)]!;
  }

  layer(inputs: number, outputs: number, activation: Activation, shortcut: Layer['shortcut']): Layer {
    return {
      inputs,
      outputs,
      weights: this.array(inputs * outputs, 1.5 / Math.sqrt(inputs)),
      bias: this.array(outputs, 0.5),
      idt: this.resnetDt && shortcut !== 'none' ? this.array(outputs, 0.2, 0.6) : null,
      activation,
      shortcut,
    };
  }

  /** A shortcut wherever the widths allow one (1.6). */
  embedding(neuron: readonly number[], activation: Activation, inputs = 1): Network {
    return {
      layers: neuron.map((outputs, k) => {
        const from = k === 0 ? inputs : neuron[k - 1]!;
        return this.layer(from, outputs, activation, outputs === from ? 'identity' : outputs === 2 * from ? 'double' : 'none');
      }),
    };
  }

  /** By the rule of graphs: equal widths from the second layer on (1.8). */
  fitting(inputs: number, neuron: readonly number[], activation: Activation): Network {
    const layers: Layer[] = [];
    let width = inputs;
    for (const [k, outputs] of neuron.entries()) {
      layers.push(this.layer(width, outputs, activation, k > 0 && outputs === width ? 'identity' : 'none'));
      width = outputs;
    }
    layers.push(this.layer(width, 1, { name: 'linear' }, 'none'));
    return { layers };
  }

  /** davg and dstd of `blocks` slots; davg is zero where empty slots shall give nothing. */
  statistics(kind: Descriptor['kind'], blocks: number, silent = false): Pick<Descriptor, 'davg' | 'dstd'> {
    const davg = new Float64Array(blocks * 4);
    const dstd = new Float64Array(blocks * 4);
    for (let b = 0; b < blocks; b++) {
      const mean = 0.05 + this.number(0.02);
      davg[4 * b] = silent ? 0 : mean;
      const radial = 0.14 + this.number(0.02);
      const angular = 0.09 + this.number(0.02);
      dstd.set(kind === 'se_e2_a' ? [radial, angular, angular, angular] : [radial, 1, 1, 1], 4 * b);
    }
    return { davg, dstd };
  }
}

/** Bounds and steps of a table. */
export type TableGrid = Pick<EmbeddingTable, 'lower' | 'upper' | 'max' | 'step' | 'coarseStep'>;

/** Quintic panels of a net by the formulas of deep-potential.md 3.7, second derivatives by differences of slopes. */
export function tabulate(net: Network, grid: TableGrid): EmbeddingTable {
  const { lower, upper, max, step, coarseStep } = grid;
  const width = net.layers.at(-1)!.outputs;
  const fine = Math.round((upper - lower) / step);
  const rows = fine + Math.round((max - upper) / coarseStep);
  const coefficients = new Float64Array(rows * 6 * width);
  const second = (s: number) => {
    const [a, b] = [embed(net, s - 1e-4).dg, embed(net, s + 1e-4).dg];
    return a.map((x, m) => (b[m]! - x) / 2e-4);
  };
  for (let k = 0; k < rows; k++) {
    const T = k < fine ? step : coarseStep;
    const s0 = k < fine ? lower + k * step : upper + (k - fine) * coarseStep;
    const [e0, e1, c0, c1] = [embed(net, s0), embed(net, s0 + T), second(s0), second(s0 + T)];
    for (let m = 0; m < width; m++) {
      const H = e1.g[m]! - e0.g[m]!;
      const [d0, d1, a, b] = [e0.dg[m]!, e1.dg[m]!, c0[m]!, c1[m]!];
      coefficients.set(
        [
          e0.g[m]!,
          d0,
          a / 2,
          (20 * H - (8 * d1 + 12 * d0) * T - (3 * a - b) * T * T) / (2 * T ** 3),
          (-30 * H + (14 * d1 + 16 * d0) * T + (3 * a - 2 * b) * T * T) / (2 * T ** 4),
          (12 * H - 6 * (d1 + d0) * T + (b - a) * T * T) / (2 * T ** 5),
        ],
        (k * width + m) * 6,
      );
    }
  }
  return { ...grid, rows, coefficients, single: false };
}
