/** Errors that all model readers share. */
import { PotentialError } from '../../errors.js';

/** A kind of model that exists and that ionclay does not evaluate; `word` is the name by which its makers call it. */
export function unsupported(word: string, why: string, hint?: string): PotentialError {
  return new PotentialError('MODEL_UNSUPPORTED', `the model uses ${word}: ${why}`, {
    hint:
      hint ??
      'train an energy model of a kind that ionclay evaluates: descriptors se_e2_a, se_e2_r, se_atten (dpa1) without attention, or hybrids of these',
    word,
  });
}

export function wrongShape(what: string, expected: string, got: string): PotentialError {
  return new PotentialError('MODEL_SHAPE', `${what}: expected ${expected}, got ${got}`, {
    hint: 'the file does not fit together: it is cut off, damaged or was edited; copy or export the model again',
  });
}

/** Checks that every number of a tensor is finite. */
export function requireFinite(values: Float64Array, what: string): Float64Array {
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k]!)) {
      throw new PotentialError('MODEL_NONFINITE', `${what}: value ${k} is ${values[k]}`, {
        hint: 'the training of this model diverged or the file is damaged',
        index: k,
      });
    }
  }
  return values;
}

/** Integers within bounds that a neural network can have; used before anything is sized by them. */
export function requireCount(value: number | undefined, what: string, min: number, max: number): number {
  if (value === undefined || !Number.isInteger(value) || value < min || value > max) {
    throw wrongShape(what, `an integer from ${min} to ${max}`, String(value));
  }
  return value;
}
