/** One forward pass of a net of a model file: type embeddings and the factors made of them are constants that are computed at load. */
import type { Activation, Network } from '../deep-potential-parameters.js';

/** act(x) (deep-potential.md 1.6). */
function activate({ name, threshold = 3 }: Activation, x: number): number {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  switch (name) {
    case 'tanh':
      return Math.tanh(x);
    case 'gelu':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    case 'relu':
      return Math.max(x, 0);
    case 'relu6':
      return Math.min(Math.max(x, 0), 6);
    case 'softplus':
      // Without overflow for large x.
      return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    case 'sigmoid':
      return sigmoid(x);
    case 'silu':
      return x * sigmoid(x);
    case 'silut': {
      if (x < threshold) return x * sigmoid(x);
      const s = sigmoid(threshold);
      return Math.tanh((s + threshold * s * (1 - s)) * (x - threshold)) + threshold * s;
    }
    case 'linear':
      return x;
  }
}

/** Output of the last layer. No first layer with an affine shortcut: those are made of such nets, at load. */
export function evaluateNetwork(net: Network, input: Float64Array): Float64Array {
  let y = input;
  for (const { inputs, outputs, weights, bias, idt, activation, shortcut } of net.layers) {
    const next = Float64Array.from(bias);
    for (let k = 0; k < inputs; k++) {
      const value = y[k]!;
      if (value === 0) continue;
      for (let o = 0; o < outputs; o++) next[o] = next[o]! + value * weights[k * outputs + o]!;
    }
    for (let o = 0; o < outputs; o++) {
      const a = activate(activation, next[o]!) * (idt ? idt[o]! : 1);
      next[o] = shortcut === 'none' ? a : a + y[o % inputs]!;
    }
    y = next;
  }
  return y;
}
