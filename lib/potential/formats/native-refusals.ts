/** Kinds of native models that are not evaluated, each refused by its name (deep-potential.md 2.7). */
import { PotentialError } from '../../errors.js';
import { unsupported, wrongShape } from './refusal.js';
import { isObject, isSet, type Json } from './training-script.js';

const newest = new Map<string, number>(
  Object.entries({
    Model: 2,
    Descriptor: 3,
    DescrptDPA1: 4,
    DescrptHybrid: 1,
    Fitting: 4,
    NetworkCollection: 1,
    EmbeddingNetwork: 2,
    FittingNetwork: 1,
    Layer: 2,
    TypeEmbedNet: 2,
    PairTab: 1,
  }),
);

/**
 * A missing version means 1. `expected` is what a part is, whatever it calls itself: all descriptors are of class Descriptor and count
 * their versions by their own; nets of any class are checked by it.
 */
export function checkVersion(part: Json, expected: string, path: string): void {
  const own = typeof part['@class'] === 'string' ? part['@class'] : expected;
  const name = own === 'Descriptor' || !newest.has(own) ? expected : own;
  const version = part['@version'] ?? 1;
  const limit = newest.get(name) ?? 1;
  if (typeof version !== 'number' || version > limit || version < 1) {
    throw new PotentialError(
      'MODEL_UNSUPPORTED',
      `${path}: ${name} of version ${String(version)} is newer than ${limit}, the newest that is read`,
      {
        hint: 'update ionclay, or write the model with an older version',
        key: `${path}.@version`,
        word: name,
      },
    );
  }
}

export function refuseModel(model: Json): void {
  const type = model.type ?? 'standard';
  if (type === 'standard' || type === 'zbl') return;
  if (type === 'pairtab') throw unsupported('pairtab', 'a pair table alone, without a net');
  throw unsupported(String(type), `the model type is "${String(type)}", "standard" or "zbl" is needed`);
}

const descriptors = ['se_e2_a', 'se_a', 'se_e2_r', 'se_r', 'dpa1', 'se_atten', 'se_atten_v2', 'hybrid'];

export function refuseDescriptor(descriptor: Json): void {
  const type = descriptor.type;
  if (isSet(descriptor.spin)) throw unsupported('spin', 'spins are degrees of freedom of their own');
  if (typeof type !== 'string')
    throw wrongShape('descriptor.type', 'the name of a descriptor', type === undefined ? 'nothing' : JSON.stringify(type));
  if (!descriptors.includes(type))
    throw unsupported(type, `the descriptor is "${type}"; those evaluated are ${descriptors.join(', ')}`);
  if (isObject(descriptor.env_mat) && isSet(descriptor.env_mat.use_exp_switch))
    throw unsupported('use_exp_switch', 'another switching function');
  if (isSet(descriptor.use_econf_tebd))
    throw unsupported('use_econf_tebd', 'electron configurations as input of the type embedding');
  if (typeof descriptor.lmax === 'number' && descriptor.lmax > 1)
    throw unsupported('lmax', `moments of the neighbourhood of degree ${descriptor.lmax}, 1 is evaluated`);
  const layers = descriptor.attn_layer ?? (type === 'dpa1' || type.startsWith('se_atten') ? undefined : 0);
  if (layers !== 0)
    throw unsupported('attention', `${type} with attention layers (attn_layer ${String(layers)}), only 0 of them are evaluated`);
}

export function refuseFitting(fitting: Json): void {
  const type = fitting.type ?? 'ener';
  if (type !== 'ener') throw unsupported(String(type), `the fitting net is "${String(type)}", "ener" is needed`);
  if (isSet(fitting.spin)) throw unsupported('spin', 'spins are degrees of freedom of their own');
  if (isSet(fitting.use_aparam_as_mask)) throw unsupported('use_aparam_as_mask', 'atom parameters that mask atoms');
  if (isSet(fitting.tot_ener_zero)) throw unsupported('tot_ener_zero', 'a total energy shifted to zero in every frame');
  if (isSet(fitting.layer_name)) throw unsupported('layer_name', 'fitting layers shared by name');
}

const precisions: Record<string, 'float64' | 'float32'> = {
  default: 'float64',
  float64: 'float64',
  double: 'float64',
  float32: 'float32',
  single: 'float32',
};

export function checkPrecision(precision: unknown, path: string): 'float64' | 'float32' {
  if (precision === undefined || precision === null) return 'float64';
  const known = typeof precision === 'string' ? precisions[precision.toLowerCase()] : undefined;
  if (!known)
    throw unsupported(
      `precision ${String(precision)}`,
      `${path} is "${String(precision)}"`,
      'models of float32 or float64 are read',
    );
  return known;
}
