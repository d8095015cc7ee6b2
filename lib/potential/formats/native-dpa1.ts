/** Descriptor dpa1 (se_atten) without attention: type embeddings that are constant for a pair of types (deep-potential.md 1.13, 1.14). */
import type { EmbeddingTable, Network } from '../deep-potential-parameters.js';
import { foldTypeEmbedding, markPairs } from './assemble.js';
import { evaluateNetwork } from './evaluate-network.js';
import { type NativeDescriptor, nativeCutoffs, nativeStatistics } from './native-environment.js';
import type { NetworkReader } from './native-networks.js';
import { checkPrecision, checkVersion } from './native-refusals.js';
import { counts, flag, integer, object } from './native-tree.js';
import { requireFinite, unsupported, wrongShape } from './refusal.js';
import { isSet, type Json } from './training-script.js';

export function dpa1Descriptor(tree: Json, path: string, reader: NetworkReader): NativeDescriptor {
  // se_atten_v2 is dpa1 with the strip mode, smoothed.
  const second = tree.type === 'se_atten_v2';
  checkVersion(tree, 'DescrptDPA1', path);
  const ntypes = integer(tree, 'ntypes', path, 1, 512);
  const slots = counts(Array.isArray(tree.sel) ? tree.sel : [tree.sel], `${path}.sel`).reduce((sum, n) => sum + n, 0);
  const oneSided = flag(tree, 'type_one_side', path);
  const smooth = second || flag(tree, 'smooth_type_embedding', path);
  const mode = second ? 'strip' : inputMode(tree);
  const tebd = integer(tree, 'tebd_dim', path, 1, 65536);
  const [rows, embedding] = typeEmbedding(tree.type_embedding, `${path}.type_embedding`, reader, ntypes, tebd);

  const where = `${path}.embeddings`;
  const inputs = mode === 'strip' ? 1 : 1 + (oneSided ? tebd : 2 * tebd);
  const net = reader.single(tree.embeddings, where, inputs, null);
  const width = net.layers.at(-1)!.outputs;
  // A model of 118 elements needs a fifth of it; a file that claims more types than it has room for is stopped here.
  const most = 2 ** 23;
  if (ntypes * ntypes * Math.max(width, net.layers[0]!.outputs) > most)
    throw wrongShape(path, `at most ${most} numbers for all pairs of types`, `${ntypes} types, width ${width}`);
  const statistics = nativeStatistics(tree, path, reader, ntypes, slots, 4);
  const emptyRowsAreZero = statistics.davg.every((mean) => mean === 0);
  const common = {
    kind: 'se_e2_a' as const,
    ...nativeCutoffs(tree, path),
    mixed: true,
    sel: [slots],
    slots,
    ...statistics,
    width,
    axis: integer(tree, 'axis_neuron', path, 1, width),
    oneSided,
    excluded: markPairs(tree.exclude_types, ntypes, 1, `${path}.exclude_types`),
    constants: flag(tree, 'concat_output_tebd', path) ? rows : null,
  };
  const label = second ? 'se_atten_v2' : 'dpa1';
  const rest = { ntypes, precision: checkPrecision(tree.precision, `${path}.precision`), typeMap: tree.type_map };
  // Empty slots take the type of the first atom of the frame, whatever it is, wherever their rows are not zero.
  const byFirstAtom = !emptyRowsAreZero && !(mode === 'strip' && smooth);
  if (byFirstAtom) {
    throw unsupported(
      'davg',
      `${label} with means of the environment rows other than 0 and a type embedding of empty slots: its energy depends on which atom comes first`,
      'train the model with set_davg_zero, which is the default of this descriptor',
    );
  }
  if (mode === 'concat') {
    if (isSet(tree.compress)) throw unsupported('compress', 'tables of a net that takes type embeddings');
    const folded = foldTypeEmbedding(net, rows, ntypes, oneSided, null, where);
    return {
      ...rest,
      nets: [net, embedding],
      descriptor: {
        ...common,
        label,
        ...folded,
        padNetOf: new Int32Array(ntypes).fill(-1),
        tables: null,
        tableOf: null,
        strip: null,
      },
    };
  }
  const stripPath = `${path}.embeddings_strip`;
  const strip = reader.single(tree.embeddings_strip, stripPath, oneSided ? tebd : 2 * tebd, width);
  const tables = isSet(tree.compress) ? radialTable(tree.compress, `${path}.compress`, reader, width) : null;
  const one = new Int32Array(ntypes * ntypes);
  return {
    ...rest,
    nets: [net, strip, embedding],
    descriptor: {
      ...common,
      label: `${label}, strip`,
      nets: [net],
      netOf: one,
      padNetOf: new Int32Array(ntypes).fill(emptyRowsAreZero ? -1 : 0),
      tables,
      tableOf: tables && one.slice(),
      strip: {
        factors: stripFactors(strip, rows, ntypes, oneSided, width, stripPath),
        padFactors: new Float64Array(ntypes * width),
        smoothing: smooth ? 'switch' : 'one',
      },
    },
  };
}

function inputMode(tree: Json): 'concat' | 'strip' {
  // The older name of the option wins where both are there.
  if (typeof tree.stripped_type_embedding === 'boolean') return tree.stripped_type_embedding ? 'strip' : 'concat';
  const mode = tree.tebd_input_mode ?? 'concat';
  if (mode === 'concat' || mode === 'strip') return mode;
  throw unsupported('tebd_input_mode', `it is ${JSON.stringify(mode)}, "concat" or "strip" is needed`);
}

/** te_t of all types [T, k], and the net that makes them. */
function typeEmbedding(
  value: unknown,
  path: string,
  reader: NetworkReader,
  ntypes: number,
  tebd: number,
): [Float64Array, Network] {
  const tree = object(value, path);
  checkVersion(tree, 'TypeEmbedNet', path);
  if (isSet(tree.use_econf_tebd)) throw unsupported('use_econf_tebd', 'electron configurations as input of the type embedding');
  const net = reader.network(tree.embedding, `${path}.embedding`, ntypes, tebd);
  const rows = new Float64Array(ntypes * tebd);
  for (let t = 0; t < ntypes; t++) {
    const hot = new Float64Array(ntypes);
    hot[t] = 1;
    rows.set(evaluateNetwork(net, hot), t * tebd);
  }
  return [requireFinite(rows, path), net];
}

/** tt of G = g + g tt f for every pair: the strip net takes te of the neighbour first, then of the centre. */
function stripFactors(
  net: Network,
  rows: Float64Array,
  ntypes: number,
  oneSided: boolean,
  width: number,
  path: string,
): Float64Array {
  const k = rows.length / ntypes;
  const row = (t: number) => rows.subarray(t * k, t * k + k);
  const factors = new Float64Array(ntypes * ntypes * width);
  for (let neighbour = 0; neighbour < ntypes; neighbour++) {
    const ofNeighbour = oneSided ? evaluateNetwork(net, row(neighbour)) : null;
    for (let centre = 0; centre < ntypes; centre++) {
      const tt = ofNeighbour ?? evaluateNetwork(net, Float64Array.of(...row(neighbour), ...row(centre)));
      factors.set(tt, (centre * ntypes + neighbour) * width);
    }
  }
  return requireFinite(factors, path);
}

/** A compressed descriptor: the table of g(s), and tt by pair of types, which is computed from the strip net instead. */
function radialTable(compress: unknown, path: string, reader: NetworkReader, width: number): EmbeddingTable[] | null {
  if (object(compress, path).geo_compress !== true) return null;
  const [table] = reader.tables(compress, path, 0, 1, width);
  if (!table) throw wrongShape(path, 'a table of the radial net', 'none');
  return [table];
}
