/** Descriptors of native models: se_e2_a and se_e2_r here, dpa1 in native-dpa1.ts, hybrids as their parts (deep-potential.md 2.4). */
import { groupedNets, markPairs } from './assemble.js';
import { dpa1Descriptor } from './native-dpa1.js';
import { type NativeDescriptor, nativeCutoffs, nativeStatistics } from './native-environment.js';
import { commonWidth, missingNet, type NetworkReader } from './native-networks.js';
import { checkPrecision, checkVersion, refuseDescriptor } from './native-refusals.js';
import { counts, integer, object } from './native-tree.js';
import { wrongShape } from './refusal.js';
import { isSet, type Json } from './training-script.js';

/** The parts of a descriptor in the order of D; a hybrid in a hybrid is taken apart too. Parts may share what is below them, hence `budget`. */
export function nativeDescriptors(
  value: unknown,
  path: string,
  reader: NetworkReader,
  budget = { parts: 64 },
): NativeDescriptor[] {
  budget.parts--;
  if (budget.parts < 0) throw wrongShape(path, 'at most 64 parts of a descriptor', 'more');
  const tree = object(value, path);
  refuseDescriptor(tree);
  if (tree.type === 'hybrid') {
    checkVersion(tree, 'DescrptHybrid', path);
    if (!Array.isArray(tree.list) || tree.list.length === 0 || tree.list.length >= 64)
      throw wrongShape(`${path}.list`, 'a list of 1 to 63 descriptors', JSON.stringify(tree.list)?.slice(0, 80) ?? 'nothing');
    const parts = tree.list.flatMap((part, k) => nativeDescriptors(part, `${path}.list[${k}]`, reader, budget));
    const other = parts.find((part) => part.ntypes !== parts[0]!.ntypes);
    if (other) throw wrongShape(`${path}.list`, `descriptors of ${parts[0]!.ntypes} types`, `one of ${other.ntypes}`);
    return parts;
  }
  if (tree.type === 'se_e2_a' || tree.type === 'se_a') return [grouped(tree, 'se_e2_a', path, reader)];
  if (tree.type === 'se_e2_r' || tree.type === 'se_r') return [grouped(tree, 'se_e2_r', path, reader)];
  return [dpa1Descriptor(tree, path, reader)];
}

/** Slots grouped by neighbour type. */
function grouped(tree: Json, kind: 'se_e2_a' | 'se_e2_r', path: string, reader: NetworkReader): NativeDescriptor {
  checkVersion(tree, 'Descriptor', path);
  const sel = counts(tree.sel, `${path}.sel`);
  const ntypes = sel.length;
  const slots = sel.reduce((sum, n) => sum + n, 0);
  const oneSided = tree.type_one_side === true;
  const excluded = markPairs(tree.exclude_types, ntypes, 1, `${path}.exclude_types`);
  const where = `${path}.embeddings`;
  const ndim = oneSided ? 1 : 2;
  const nets = reader.collection(tree.embeddings, where, { ndim, ntypes, inputs: 1, outputs: null });
  const width = commonWidth(nets, where);
  for (const [k, net] of nets.entries()) {
    if (net || sel[k % ntypes]! === 0) continue;
    throw missingNet(
      where,
      oneSided ? `neighbour type ${k}` : `centre type ${Math.floor(k / ntypes)}, neighbour type ${k % ntypes}`,
    );
  }
  const tables = isSet(tree.compress) ? reader.tables(tree.compress, `${path}.compress`, ndim, ntypes, width) : null;
  for (let pair = 0; tables && pair < ntypes * ntypes; pair++) {
    const index = oneSided ? pair % ntypes : pair;
    if (tables[index] || sel[pair % ntypes] === 0) continue;
    if (!excluded[pair])
      throw wrongShape(`${path}.compress`, 'a table for every pair that is not excluded', `none for net ${index}`);
    // Where there is no table, empty slots give nothing either.
    excluded[pair] = 2;
  }
  return {
    descriptor: {
      kind,
      label: kind,
      ...nativeCutoffs(tree, path),
      mixed: false,
      sel,
      slots,
      ...nativeStatistics(tree, path, reader, ntypes, slots, kind === 'se_e2_a' ? 4 : 1),
      width,
      axis: kind === 'se_e2_a' ? integer(tree, 'axis_neuron', path, 1, width) : 0,
      oneSided,
      ...groupedNets(kind, ntypes, oneSided, nets, tables, excluded),
      excluded,
      strip: null,
      constants: null,
    },
    ntypes,
    nets,
    precision: checkPrecision(tree.precision, `${path}.precision`),
    typeMap: tree.type_map,
  };
}
