/** Native models as text: YAML as DeePMD-kit writes it, or the same tree as JSON (deep-potential.md 2.4). */
import { parse, YAMLParseError } from 'yaml';
import { PotentialError } from '../../errors.js';
import type { DeepPotentialParameters } from '../deep-potential-parameters.js';
import { type NativeArray, nativeParameters } from './native-model.js';
import type { NativeSource } from './native-source.js';
import { isObject } from './training-script.js';
import { extractArrays, type NestedNumbers } from './yaml-arrays.js';

export function parseNativeText(bytes: Uint8Array, head: string): DeepPotentialParameters {
  const { tree, array, format } = openNativeText(bytes, head);
  return nativeParameters(tree, array, format);
}

/** The tree and its arrays, before anything is made of them. */
export function openNativeText(bytes: Uint8Array, head: string): NativeSource & { format: 'json' | 'yaml' } {
  const text = new TextDecoder('utf-8').decode(bytes);
  const format = /^\s*\{/.test(head) ? 'json' : 'yaml';
  // A text without the key of the tree is some other file: say so before a parser complains about its grammar.
  if (!/["']?model["']?\s*:/.test(text))
    throw notAModel('it is neither a graph nor an archive, and as text it has no key "model"');
  const { tree, arrays } = format === 'json' ? { tree: fromJson(text), arrays: [] } : fromYaml(text);
  if (!isObject(tree) || !isObject(tree.model)) throw notAModel('the text has no mapping under the key "model"');
  // Aliases of YAML are the same array at many places: it is read once.
  const known = new Map<unknown, NativeArray>();
  const array = (leaf: unknown, path: string) => {
    const read = known.get(leaf) ?? textArray(leaf, path, text.length, arrays);
    known.set(leaf, read);
    return read;
  };
  return { tree, array, format };
}

function notAModel(why: string): PotentialError {
  return new PotentialError('MODEL_FORMAT_UNKNOWN', `not a model file that ionclay knows: ${why}`, {
    hint: 'known are frozen graphs (.pb), native models (.dp, .yaml and the same tree as .json) and TorchScript models (.pth)',
  });
}

/** Stands where an array was taken out of the text. */
const mark = '@array ';

const damaged = 'the file is cut off or damaged: copy it again and compare its size and SHA-256 with those of the source';

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = (cause as Error).message;
    // A whole document ends with the brace that closes it.
    const truncated = !/\}\s*$/.test(text);
    throw new PotentialError(truncated ? 'MODEL_TRUNCATED' : 'MODEL_CORRUPT', `the model is not JSON: ${message}`, {
      cause,
      hint: damaged,
    });
  }
}

function fromYaml(text: string): { tree: unknown; arrays: readonly NestedNumbers[] } {
  const { text: rest, arrays } = extractArrays(text, mark);
  try {
    // Numbers and names follow YAML 1.2 (Y, N and No are elements, not truth values); repeated lists are written as aliases.
    return {
      tree: parse(rest, { version: '1.2', schema: 'core', maxAliasCount: 10_000, logLevel: 'error', prettyErrors: true }),
      arrays,
    };
  } catch (cause) {
    const line = cause instanceof YAMLParseError ? cause.linePos?.[0].line : undefined;
    throw new PotentialError('MODEL_CORRUPT', `the model is not YAML: ${(cause as Error).message.split('\n')[0]}`, {
      cause,
      line,
      hint: damaged,
    });
  }
}

/** {@class: np.ndarray, dtype, value: nested lists}. No array has more values than the text has characters, whatever its aliases pretend. */
function textArray(leaf: unknown, path: string, limit: number, arrays: readonly NestedNumbers[]): NativeArray {
  if (!isObject(leaf) || leaf['@class'] !== 'np.ndarray') {
    throw new PotentialError(
      'MODEL_CORRUPT',
      `${path}: an array (@class np.ndarray) is expected, found ${JSON.stringify(leaf)?.slice(0, 80)}`,
      { key: path },
    );
  }
  const value =
    typeof leaf.value === 'string' && leaf.value.startsWith(mark) ? arrays[Number(leaf.value.slice(mark.length))] : leaf.value;
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) {
    shape.push(at.length);
    if (shape.length > 16) throw ragged(path);
  }
  let count = 1;
  for (const n of shape) count *= n;
  if (count > limit) throw ragged(path);
  const flat: number[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof value !== 'number') throw ragged(path);
      flat.push(value);
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[depth]) throw ragged(path);
    for (const part of value) visit(part, depth + 1);
  };
  visit(value, 0);
  if (flat.length !== count) throw ragged(path);
  return { single: leaf.dtype === 'float32', shape, values: Float64Array.from(flat) };
}

function ragged(path: string): PotentialError {
  return new PotentialError(
    'MODEL_SHAPE',
    `${path}: the lists of the array are not all of one length, or hold something other than numbers`,
    { key: path, hint: damaged },
  );
}
