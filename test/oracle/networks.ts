/** Nets and tables of Deep Potentials in the plainest form, for the oracle (deep-potential.md 1.6, 1.8, 2.3). */
import type { Activation, EmbeddingTable, Layer, Network } from '../../lib/potential/deep-potential-parameters';

/** Value and derivative (1.6). */
export function activate({ name, threshold }: Activation, x: number): [number, number] {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const silu = (v: number): [number, number] => {
    const s = sigmoid(v);
    return [v * s, s + v * s * (1 - s)];
  };
  switch (name) {
    case 'tanh': {
      const t = Math.tanh(x);
      return [t, 1 - t * t];
    }
    case 'gelu': {
      const c = Math.sqrt(2 / Math.PI);
      const t = Math.tanh(c * (x + 0.044715 * x ** 3));
      return [0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)];
    }
    case 'relu':
      return x > 0 ? [x, 1] : [0, 0];
    case 'relu6':
      return x <= 0 ? [0, 0] : x >= 6 ? [6, 0] : [x, 1];
    case 'softplus':
      return [x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)), sigmoid(x)];
    case 'sigmoid': {
      const s = sigmoid(x);
      return [s, s * (1 - s)];
    }
    case 'silu':
      return silu(x);
    case 'silut': {
      const T = threshold!;
      if (x < T) return silu(x);
      const [value, slope] = silu(T);
      const t = Math.tanh(slope * (x - T));
      return [t + value, slope * (1 - t * t)];
    }
    case 'linear':
      return [x, 1];
  }
}

/** What the shortcut of a layer adds to output o, and its slope. */
function shortcut(layer: Layer, y: Float64Array, dy: Float64Array, o: number): [number, number] {
  if (layer.shortcut === 'none') return [0, 0];
  if (typeof layer.shortcut === 'object') {
    const { slope, constant } = layer.shortcut;
    return [y[0]! * slope[o]! + constant[o]!, dy[0]! * slope[o]!];
  }
  return [y[o % layer.inputs]!, dy[o % layer.inputs]!];
}

/** Net of one input: values and slopes. */
export function embed(net: Network, s: number): { g: Float64Array; dg: Float64Array } {
  let y = Float64Array.of(s);
  let dy = Float64Array.of(1);
  for (const layer of net.layers) {
    const nextY = new Float64Array(layer.outputs);
    const nextDy = new Float64Array(layer.outputs);
    for (let o = 0; o < layer.outputs; o++) {
      let h = layer.bias[o]!;
      let dh = 0;
      for (let k = 0; k < layer.inputs; k++) {
        h += y[k]! * layer.weights[k * layer.outputs + o]!;
        dh += dy[k]! * layer.weights[k * layer.outputs + o]!;
      }
      const [f, df] = activate(layer.activation, h);
      const scale = layer.idt ? layer.idt[o]! : 1;
      const [beside, slope] = shortcut(layer, y, dy, o);
      nextY[o] = f * scale + beside;
      nextDy[o] = df * dh * scale + slope;
    }
    y = nextY;
    dy = nextDy;
  }
  return { g: y, dg: dy };
}

/** Look-up in a quintic table, linear beyond both ends (2.3). */
export function lookUp(table: EmbeddingTable, input: number): { g: Float64Array; dg: Float64Array } {
  const round = table.single ? Math.fround : (v: number) => v;
  const { lower, upper, max, step, coarseStep, rows, coefficients } = table;
  const s = round(input);
  const columns = coefficients.length / rows;
  const n1 = Math.trunc(round(round(upper - lower) / step));
  let k: number;
  let u: number;
  let beyond = 0;
  const coarse = (v: number) => n1 + Math.trunc(round(round(v - upper) / coarseStep));
  if (s < lower) {
    k = 0;
    u = 0;
    beyond = round(s - lower);
  } else if (s < upper) {
    k = Math.trunc(round(round(s - lower) / step));
    u = round(s - round(round(k * step) + lower));
  } else {
    const inside = s < max ? s : table.single ? max * (1 - 2 ** -24) : max * (1 - 2 ** -53);
    k = coarse(inside);
    u = round(Math.min(s, max) - round(round((k - n1) * coarseStep) + upper));
    beyond = s < max ? 0 : round(s - max);
  }
  k = Math.min(k, rows - 1);
  const g = new Float64Array(columns / 6);
  const dg = new Float64Array(columns / 6);
  for (let m = 0; m < columns / 6; m++) {
    const a = coefficients.subarray(k * columns + 6 * m, k * columns + 6 * m + 6) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const value = a[0] + u * (a[1] + u * (a[2] + u * (a[3] + u * (a[4] + u * a[5]))));
    const slope = a[1] + u * (2 * a[2] + u * (3 * a[3] + u * (4 * a[4] + u * 5 * a[5])));
    g[m] = value + slope * beyond;
    dg[m] = slope;
  }
  return { g, dg };
}

/** Values of all layers of a net, the inputs first, and the slopes of their activations. */
function forward(net: Network, inputs: ArrayLike<number>): { ys: Float64Array[]; slopes: Float64Array[] } {
  const ys: Float64Array[] = [Float64Array.from(inputs)];
  const slopes: Float64Array[] = [];
  for (const layer of net.layers) {
    const y = ys.at(-1)!;
    const next = new Float64Array(layer.outputs);
    const slope = new Float64Array(layer.outputs);
    for (let o = 0; o < layer.outputs; o++) {
      let h = layer.bias[o]!;
      for (let k = 0; k < layer.inputs; k++) h += y[k]! * layer.weights[k * layer.outputs + o]!;
      const [f, df] = activate(layer.activation, h);
      const scale = layer.idt ? layer.idt[o]! : 1;
      next[o] = f * scale + (layer.shortcut === 'none' ? 0 : y[o % layer.inputs]!);
      slope[o] = df * scale;
    }
    ys.push(next);
    slopes.push(slope);
  }
  return { ys, slopes };
}

/** Last layer of a net of any number of inputs. */
export function networkOutput(net: Network, inputs: ArrayLike<number>): Float64Array {
  return forward(net, inputs).ys.at(-1)!;
}

/** Output of a fitting net and its gradient with respect to the inputs. */
export function fittingOutput(net: Network, inputs: ArrayLike<number>): { value: number; gradient: Float64Array } {
  const { ys, slopes } = forward(net, inputs);
  let gradient: Float64Array = Float64Array.of(1);
  for (let k = net.layers.length - 1; k >= 0; k--) {
    const layer = net.layers[k]!;
    const back = new Float64Array(layer.inputs);
    for (let o = 0; o < layer.outputs; o++) {
      const dh = gradient[o]! * slopes[k]![o]!;
      for (let i = 0; i < layer.inputs; i++) back[i] = back[i]! + dh * layer.weights[i * layer.outputs + o]!;
      if (layer.shortcut !== 'none') back[o % layer.inputs] = back[o % layer.inputs]! + gradient[o]!;
    }
    gradient = back;
  }
  return { value: ys.at(-1)![0]!, gradient };
}
