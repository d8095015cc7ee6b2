/** Writes `.dp` files (deep-potential.md 2.4): the model as DeePMD-kit reads it, and what is ours beside it. */
import { VERSION } from '../version.js';
import type { DeepPotentialParameters, StoredTables } from './deep-potential-parameters.js';
import { writeHdf5 } from './formats/hdf5-writer.js';
import { openNativeHdf5 } from './formats/native-hdf5.js';
import { copyTree } from './formats/native-source.js';
import { openNativeText } from './formats/native-text.js';
import { cannotExpress, nativeModelTree, TreeArray } from './formats/native-writer.js';
import { openTorchScript } from './formats/pth.js';
import { SECTION, storedSection } from './formats/stored-section.js';
import { isObject } from './formats/training-script.js';

/** A model to write: what its file says, and the file itself, whose tree is kept as it is where it is a native one. */
export interface WrittenModel {
  readonly parameters: DeepPotentialParameters;
  readonly bytes: Uint8Array;
}

/**
 * Bytes of a `.dp` file. Reading them gives the same parameters, bit by bit. Error MODEL_NOT_EXPRESSIBLE with the reason where the native
 * form has no such model; `tables` are stored for ionclay alone.
 */
export function writeNativeModel({ parameters, bytes }: WrittenModel, tables: StoredTables | null = null): Uint8Array {
  const section = storedSection(parameters, tables);
  const tree = { ...baseTree(parameters, bytes), [SECTION]: section };
  return packTree(tree);
}

/**
 * What a frozen graph written in native form means to DeePMD-kit, where that is not to the last bit what the graph meant: sentences.
 * ionclay reads the rules of the graph from the file and gives the same numbers.
 */
export function foreignDifferences(p: DeepPotentialParameters): string[] {
  if (p.family !== 'graph') return [];
  const out: string[] = [];
  if (p.descriptors.some((d) => d.switchWidth !== d.cutoff - d.cutoffSmooth)) {
    out.push(
      'DeePMD-kit computes the switch of native models in float64: forces differ by some 1e-8 eV/A from those of the graph',
    );
  }
  if (p.descriptors.some((d) => d.kind === 'se_e2_r' && !d.oneSided))
    out.push('DeePMD-kit evaluates native models of se_e2_r with one net a neighbour type only, not with one a pair');
  if (p.typeNames.length === 0) out.push('DeePMD-kit needs names of the types in native models, and this model has none');
  out.push('where an atom has more neighbours than sel, DeePMD-kit drops others in native models than in graphs');
  return out;
}

function baseTree(p: DeepPotentialParameters, bytes: Uint8Array): Record<string, unknown> {
  if (p.format === 'dp') return asObject(copyTree(openNativeHdf5(bytes)));
  if (p.format === 'pth') return asObject(copyTree(openTorchScript(bytes, 'model.pth')));
  if (p.format === 'yaml' || p.format === 'json') {
    const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096)).replace(/^\u00ef\u00bb\u00bf/, '');
    return asObject(copyTree(openNativeText(bytes, head)));
  }
  return {
    software: 'ionclay',
    version: VERSION,
    backend: `from ${p.format}: ${p.version}`,
    model: nativeModelTree(p),
    model_def_script: isObject(p.trainingScript?.model) ? p.trainingScript.model : p.trainingScript,
    min_nbor_dist: p.minNeighbourDistance,
  };
}

function asObject(tree: unknown): Record<string, unknown> {
  if (!isObject(tree)) throw cannotExpress('the file holds no tree');
  return { ...tree };
}

/** Arrays become datasets, named in the order in which they are met; one that is met twice is stored once. */
function packTree(tree: Record<string, unknown>): Uint8Array {
  const names = new Map<TreeArray, string>();
  const json = JSON.stringify(tree, (_, value: unknown) => {
    if (!(value instanceof TreeArray)) return value;
    const name = names.get(value) ?? `variable_${String(names.size).padStart(4, '0')}`;
    names.set(value, name);
    return `/${name}`;
  });
  return writeHdf5(
    json,
    [...names].map(([{ shape, values, single }, name]) => ({ name, shape, values, single })),
  );
}
