/** What all descriptors of native models have: cutoffs and statistics of the environment rows (deep-potential.md 1.3, 1.5, 2.4). */
import type { Descriptor, Network } from '../deep-potential-parameters.js';
import { reduceStatistics } from './assemble.js';
import type { NetworkReader } from './native-networks.js';
import { number, object } from './native-tree.js';
import { wrongShape } from './refusal.js';
import { isObject, type Json } from './training-script.js';

/** A sub-descriptor with what is counted and told apart from it. */
export interface NativeDescriptor {
  readonly descriptor: Descriptor;
  readonly ntypes: number;
  /** Nets as the file has them. */
  readonly nets: readonly (Network | null)[];
  readonly precision: 'float64' | 'float32';
  readonly typeMap: unknown;
}

/** Cutoffs of any descriptor. */
export function nativeCutoffs(
  tree: Json,
  path: string,
): Pick<Descriptor, 'cutoff' | 'cutoffSmooth' | 'switchWidth' | 'envProtection'> {
  const cutoff = number(tree, 'rcut', path);
  const cutoffSmooth = number(tree, 'rcut_smth', path);
  if (!(cutoff > 0 && cutoffSmooth >= 0 && cutoffSmooth < cutoff))
    throw wrongShape(path, '0 <= rcut_smth < rcut', `rcut_smth ${cutoffSmooth}, rcut ${cutoff}`);
  const environment = isObject(tree.env_mat) ? tree.env_mat : {};
  const envProtection = tree.env_protection ?? environment.protection ?? 0;
  if (typeof envProtection !== 'number' || !Number.isFinite(envProtection))
    throw wrongShape(`${path}.env_protection`, 'a number', JSON.stringify(envProtection));
  return { cutoff, cutoffSmooth, switchWidth: cutoff - cutoffSmooth, envProtection };
}

/** davg and dstd of any descriptor. */
export function nativeStatistics(
  tree: Json,
  path: string,
  reader: NetworkReader,
  ntypes: number,
  slots: number,
  components: 1 | 4,
): Pick<Descriptor, 'perSlotStatistics' | 'davg' | 'dstd'> {
  const where = `${path}.@variables`;
  const variables = object(tree['@variables'], where);
  const davg = reader.variable(variables, 'davg', where, 'mean of the environment rows');
  const dstd = reader.variable(variables, 'dstd', where, 'standard deviation of the environment rows');
  return reduceStatistics(davg.values, dstd.values, ntypes, slots, components);
}
