/** The training input that newer graphs carry: the best source of what the tensors alone do not tell (deep-potential.md 2.2). */
import { PotentialError } from '../../errors.js';

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseTrainingScript(text: string | undefined): Json | null {
  if (text === undefined || text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PotentialError(
      'MODEL_CORRUPT',
      `the training script in the model (train_attr/training_script) is not JSON: ${(cause as Error).message}`,
      {
        cause,
        hint: 'the file is damaged: copy it again and compare its SHA-256 with that of the source',
      },
    );
  }
  return isObject(value) ? value : null;
}

/** Object at a path of keys, empty where there is none. */
export function section(script: Json | null, ...path: string[]): Json {
  let at: unknown = script;
  for (const key of path) at = isObject(at) ? at[key] : undefined;
  return isObject(at) ? at : {};
}

/** Whether an option is set to something: not absent, null, false, 0, an empty list or object, or a list of such. */
export function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.some((entry) => (Array.isArray(entry) ? entry.length > 0 : Boolean(entry)));
  if (isObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
