/** Names of activation functions in model files (deep-potential.md 1.6). */
import type { Activation } from './deep-potential-parameters.js';
import { unsupported } from './formats/refusal.js';

const names: Record<string, Activation['name']> = {
  tanh: 'tanh',
  gelu: 'gelu',
  gelu_tf: 'gelu',
  relu: 'relu',
  relu6: 'relu6',
  softplus: 'softplus',
  sigmoid: 'sigmoid',
  silu: 'silu',
  none: 'linear',
  linear: 'linear',
};

/** Names are case-insensitive; `silut:T` and `custom_silu:T` carry a threshold, 3 by default. */
export function parseActivation(text: unknown, where: string): Activation {
  if (typeof text !== 'string')
    throw unsupported('activation', `${where} has ${JSON.stringify(text)} where the name of an activation function is expected`);
  const [name = '', threshold] = text.toLowerCase().split(':');
  if (name === 'silut' || name === 'custom_silu') {
    const value = threshold === undefined ? 3 : Number(threshold);
    if (threshold?.trim() === '' || !Number.isFinite(value))
      throw unsupported('activation', `${where}: threshold of "${text}" is not a number`);
    return { name: 'silut', threshold: value };
  }
  const known = threshold === undefined ? names[name] : undefined;
  if (!known) {
    throw unsupported(
      'activation',
      `${where} names "${text}"`,
      `known activation functions: ${Object.keys(names).join(', ')}, silut[:T], custom_silu[:T]`,
    );
  }
  return { name: known };
}
