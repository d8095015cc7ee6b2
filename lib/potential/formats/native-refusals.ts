/** Kinds of native models that are not evaluated, each refused by its name (deep-potential.md 2.7). */
import { PotentialError } from '../../errors.js';
import { unsupported } from './refusal.js';
import { isSet, type Json } from './training-script.js';

const newest: Record<string, number> = {
  Model: 2,
  Descriptor: 3,
  Fitting: 4,
  NetworkCollection: 1,
  EmbeddingNetwork: 2,
  FittingNetwork: 1,
  Layer: 2,
};

/** A missing version means 1. `expected` is the class of a part that does not name its own. */
export function checkVersion(part: Json, expected: string, path: string): void {
  const name = typeof part['@class'] === 'string' ? part['@class'] : expected;
  const version = part['@version'] ?? 1;
  const limit = newest[name] ?? newest[expected] ?? 1;
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

const notEvaluated = 'is not evaluated by this version';

export function refuseModel(model: Json): void {
  const type = model.type ?? 'standard';
  if (type === 'standard') return;
  if (type === 'zbl' || type === 'pairtab') throw unsupported(String(type), `a pair table (pairtab, zbl) ${notEvaluated}`);
  throw unsupported(String(type), `the model type is "${String(type)}", "standard" is needed`);
}

export function refuseDescriptor(descriptor: Json): void {
  const type = descriptor.type;
  if (isSet(descriptor.spin)) throw unsupported('spin', 'spins are degrees of freedom of their own');
  if (type === 'se_e2_a' || type === 'se_a') {
    if (isSet((descriptor.env_mat as Json | undefined)?.use_exp_switch))
      throw unsupported('use_exp_switch', 'another switching function');
    checkPrecision(descriptor.precision, 'model.descriptor.precision');
    return;
  }
  if (type === 'se_r' || type === 'se_e2_r') throw unsupported('se_e2_r', `the radial descriptor ${notEvaluated}`);
  if (type === 'hybrid') throw unsupported('hybrid', `a descriptor made of several descriptors ${notEvaluated}`);
  if (type === 'dpa1' || type === 'se_atten') {
    if (Number(descriptor.attn_layer ?? 0) > 0) throw unsupported('attention', 'se_atten (dpa1) with attention layers');
    throw unsupported('se_atten', `the se_atten (dpa1) descriptor ${notEvaluated}`);
  }
  throw unsupported(String(type), `the descriptor is "${String(type)}", "se_e2_a" is needed`);
}

export function refuseFitting(fitting: Json): void {
  const type = fitting.type ?? 'ener';
  if (type !== 'ener') throw unsupported(String(type), `the fitting net is "${String(type)}", "ener" is needed`);
  if (isSet(fitting.spin)) throw unsupported('spin', 'spins are degrees of freedom of their own');
  if (isSet(fitting.use_aparam_as_mask)) throw unsupported('use_aparam_as_mask', 'atom parameters that mask atoms');
  if (isSet(fitting.tot_ener_zero)) throw unsupported('tot_ener_zero', 'a total energy shifted to zero in every frame');
  if (isSet(fitting.layer_name)) throw unsupported('layer_name', 'fitting layers shared by name');
  if (isSet(fitting.numb_fparam))
    throw unsupported(
      'fparam',
      `${String(fitting.numb_fparam)} frame parameters as further inputs are not evaluated by this version`,
    );
  if (isSet(fitting.numb_aparam))
    throw unsupported(
      'aparam',
      `${String(fitting.numb_aparam)} atom parameters as further inputs are not evaluated by this version`,
    );
  if (isSet(fitting.dim_case_embd)) throw unsupported('case_embd', 'an embedding of the case (multi-task) as a further input');
  checkPrecision(fitting.precision, 'model.fitting.precision');
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
