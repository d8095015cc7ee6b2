/** Members of a committee: a bundled model with every weight of its fitting nets changed a little. */
import { DeepPotential, type DeepPotentialOptions } from '../../lib/potential/deep-potential.js';
import type { DeepPotentialParameters, Layer } from '../../lib/potential/deep-potential-parameters.js';
import { type ModelFile, readModel } from '../../lib/potential/model-file.js';
import { randomStream } from '../oracle/random-model.js';

export function perturbedParameters(p: DeepPotentialParameters, seed: number, size = 0.02): DeepPotentialParameters {
  const random = randomStream(seed);
  const changed = new Map<Layer, Layer>();
  const layer = (given: Layer): Layer => {
    const known = changed.get(given);
    if (known) return known;
    const made = { ...given, weights: given.weights.map((w) => w * (1 + size * (2 * random() - 1))) };
    changed.set(given, made);
    return made;
  };
  return { ...p, fitting: p.fitting.map((net) => ({ layers: net.layers.map(layer) })) };
}

/** Model `mg-ga-f-cl` with fitting nets changed by `seed`; seed 0 is the model itself. */
export async function perturbedModel(seed: number, size?: number): Promise<ModelFile> {
  const model = await readModel('mg-ga-f-cl');
  if (seed === 0) return model;
  const parameters = perturbedParameters(model.parameters, seed, size);
  return { ...model, name: `member-${seed}`, sha256: String(seed).repeat(64).slice(0, 64), parameters };
}

export async function perturbed(seed: number, options: DeepPotentialOptions & { size?: number } = {}): Promise<DeepPotential> {
  const { size, ...rest } = options;
  return new DeepPotential(await perturbedModel(seed, size), { threads: 1, ...rest });
}
