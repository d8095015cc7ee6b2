/** The tree of native models (`.dp`, `.yaml`; `.pth` brought to the same tree) to parameters (deep-potential.md 2.4), whatever holds its arrays. */
import type { DeepPotentialParameters } from '../deep-potential-parameters.js';
import { countParameters, descriptorWidth, markPairs, markTypes } from './assemble.js';
import { nativeDescriptors } from './native-descriptor.js';
import { nativeFitting, perType } from './native-fitting.js';
import { type ArrayReader, NetworkReader } from './native-networks.js';
import { nativePairTable, zblParts } from './native-pair-table.js';
import { checkVersion, refuseModel } from './native-refusals.js';
import { names, object } from './native-tree.js';
import { wrongShape } from './refusal.js';
import { applyStoredSection, SECTION } from './stored-section.js';
import { isObject, type Json } from './training-script.js';

export type { ArrayReader, NativeArray } from './native-networks.js';

export function nativeParameters(
  tree: unknown,
  array: ArrayReader,
  format: 'dp' | 'yaml' | 'json' | 'pth',
): DeepPotentialParameters {
  const model = object(isObject(tree) ? tree.model : undefined, 'model');
  refuseModel(model);
  checkVersion(model, 'Model', 'model');
  const script = isObject((tree as Json).model_def_script) ? ((tree as Json).model_def_script as Json) : null;
  const zbl = model.type === 'zbl' ? zblParts(model) : null;
  const standard = zbl?.standard ?? model;
  const path = zbl ? 'model.models[0]' : 'model';

  const reader = new NetworkReader(array);
  const parts = nativeDescriptors(standard.descriptor, `${path}.descriptor`, reader);
  const descriptors = parts.map((part) => part.descriptor);
  const { ntypes, typeMap } = parts[0]!;
  const typeNames = names(model.type_map ?? typeMap, ntypes, 'model.type_map');
  const width = descriptorWidth(descriptors, ntypes);
  const fitting = nativeFitting(standard.fitting, `${path}.fitting`, reader, ntypes, width, typeNames);
  const { precision: fittingPrecision, ...fittingParameters } = fitting;
  const protections = new Set(descriptors.map((d) => d.envProtection));
  if (protections.size > 1)
    throw wrongShape(`${path}.descriptor.list`, 'one env_protection for all parts', [...protections].join(', '));

  const netCutoff = Math.max(...descriptors.map((d) => d.cutoff));
  const pairTable =
    zbl && nativePairTable(model, zbl.table, reader, typeNames, ntypes, { cutoff: netCutoff, slots: descriptors[0]!.slots });
  const distance = (tree as Json).min_nbor_dist;
  const precisions = new Set([...parts.map((part) => part.precision), fittingPrecision]);
  const parameters: DeepPotentialParameters = {
    format,
    version: versionText(tree as Json),
    family: 'native',
    typeNames,
    ntypes,
    cutoff: Math.max(netCutoff, pairTable?.cutoff ?? 0),
    descriptors,
    pairExcluded: markPairs(model.pair_exclude_types, ntypes, 1, 'model.pair_exclude_types'),
    atomExcluded: markTypes(model.atom_exclude_types, ntypes, 'model.atom_exclude_types'),
    ...fittingParameters,
    typeConstants: null,
    // Native models do not use out_std for energies (1.8); the parts of a zbl model do not use their out_bias.
    outStd: new Float64Array(ntypes).fill(1),
    outBias: perType(model, 'out_bias', 'model', reader, ntypes),
    pairTable,
    precision:
      precisions.size === 1
        ? fittingPrecision
        : `descriptor ${parts.map((part) => part.precision).join(', ')}, fitting ${fittingPrecision}`,
    parameterCount: countParameters(...parts.map((part) => part.nets), fitting.fitting),
    trainingScript: script,
    minNeighbourDistance: typeof distance === 'number' && Number.isFinite(distance) && distance > 0 ? distance : null,
    storedTables: null,
  };
  return applyStoredSection(parameters, (tree as Json)[SECTION], array);
}

function versionText(tree: Json): string {
  const parts = [tree.software, tree.version, tree.backend && `(${String(tree.backend)})`].filter(
    (part) => typeof part === 'string',
  );
  return parts.length > 0 ? `native, ${parts.join(' ').slice(0, 200)}` : 'native';
}
