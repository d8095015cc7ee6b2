/** Frozen graphs whose nets take types: raw nets, what is made of them by the plain formulas, and the file. */
import type { DeepPotentialParameters, Descriptor } from '../../lib/potential/deep-potential-parameters';
import { type GraphOptions, type RawTypes, writeGraph } from './graph-writer';
import { networkOutput } from './networks';
import { type RandomKind, randomModel } from './random-model';
import { RandomNetworks } from './random-networks';

export interface TypedGraph {
  readonly bytes: Uint8Array;
  readonly raw: RawTypes;
  /** Rows te_t of the types, by the plain formulas. */
  readonly rows: Float64Array[];
  readonly p: DeepPotentialParameters;
}

export interface TypedChoice {
  readonly oneSided: boolean;
  readonly strip: boolean;
  /** Widths of the type embedding. */
  readonly tebd: readonly number[];
  /** Shortcut that the width of the first layer allows. */
  readonly first?: 'identity' | 'double';
}

/** The raw nets, and the other parameters of a random model of the kind. */
export function typedGraph(kind: RandomKind, seed: number, choice: TypedChoice, options: GraphOptions = {}): TypedGraph {
  const make = new RandomNetworks(90 + seed);
  const made = randomModel(seed, kind);
  const T = made.ntypes;
  const k = choice.tebd.at(-1)!;
  const inputs = choice.strip ? 1 : 1 + (choice.oneSided ? k : 2 * k);
  const embedding = make.embedding(choice.tebd, { name: 'tanh' }, T);
  const first = choice.first === 'identity' ? inputs : choice.first === 'double' ? 2 * inputs : 5;
  const [d] = made.descriptors as [Descriptor];
  const s = make.embedding([first, d.width], { name: 'tanh' }, inputs);
  const strip = choice.strip ? make.embedding([first, d.width], { name: 'tanh' }, choice.oneSided ? k : 2 * k) : null;
  const raw = { embedding, nets: [{ s, strip }] };
  const hot = (t: number) => Array.from({ length: T }, (_, u) => (u === t ? 1 : 0));
  const rows = Array.from({ length: T }, (_, t) => networkOutput(embedding, hot(t)));
  const p = {
    ...made,
    descriptors: [{ ...d, oneSided: choice.oneSided, constants: null }],
    typeConstants: Float64Array.from(rows.flatMap((row) => [...row])),
    fitting: Array(T).fill(make.fitting(d.width * d.axis + k, [4, 4], { name: 'tanh' })),
  };
  return { bytes: writeGraph(p, { types: raw, ...options }), raw, rows, p };
}
