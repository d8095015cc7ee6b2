/** Random models and systems as the addon takes them: plain objects of typed arrays, which workers and child processes can be sent. */
import { addonPath } from '../../lib/native/loader.js';
import { nativeParameters } from '../../lib/potential/deep-potential-native.js';
import { type RandomModelOptions, randomModel, randomStream } from '../oracle/random-model.js';

/** Nets in double: what the addon takes as options. */
export const PLAIN = { precision: 'double', compression: false } as const;

/** Parameters of a random model in the layout of native/potential/deep_potential/parameters.cpp. */
export function flatModel(options: RandomModelOptions = {}) {
  return nativeParameters(randomModel(options)) as Record<string, unknown> & { descriptors: object[]; layers: object[] };
}

export interface FlatSystem {
  readonly arrays: {
    positions: Float64Array;
    images: Int32Array | null;
    cell: Float64Array;
    forces: Float64Array;
    atomEnergies: Float64Array;
    virial: Float64Array;
  };
  readonly options: {
    types: Int32Array;
    pbc: [boolean, boolean, boolean];
    skin: number;
    threads: number;
    selOverflow: number;
  };
}

/** Atoms of two kinds on a rattled lattice of 2 A. */
export function flatSystem(cells: number, threads = 2, seed = 1): FlatSystem {
  const random = randomStream(seed);
  const natoms = cells ** 3;
  const positions = new Float64Array(3 * natoms);
  for (let i = 0; i < natoms; i++) {
    const site = [Math.floor(i / cells ** 2), Math.floor(i / cells) % cells, i % cells];
    for (let k = 0; k < 3; k++) positions[3 * i + k] = 2 * site[k]! + 0.5 * random();
  }
  return {
    arrays: {
      positions,
      images: null,
      cell: Float64Array.of(2 * cells, 0, 0, 0, 2 * cells, 0, 0, 0, 2 * cells),
      forces: new Float64Array(3 * natoms),
      atomEnergies: new Float64Array(natoms),
      virial: new Float64Array(9),
    },
    options: {
      types: Int32Array.from({ length: natoms }, (_, i) => i % 2),
      pbc: [true, true, true],
      skin: 0,
      threads,
      selOverflow: 0,
    },
  };
}

/** A model whose evaluation of `flatSystem(24)` takes many seconds. */
export const SLOW_MODEL: RandomModelOptions = { sel: [60, 60], neuron: [25, 50, 100], axis: 16, fittingNeuron: [240, 240, 240] };

export const ADDON = addonPath()!;
