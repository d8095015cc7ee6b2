/**
 * The parameters of a Deep Potential, whatever file they came from: what the readers of lib/potential/formats make and the native
 * kernel takes. Every descriptor that is read (se_e2_a, se_e2_r, with type embedding, se_atten without attention, hybrid) is brought
 * to one form: a list of sub-descriptors, each with one embedding net for every (centre type, neighbour type). Notation of
 * deep-potential.md: T types, N slots, M width of the last embedding layer, M2 = axis.
 */

/** y -> act(y W + b) [* idt] [+ shortcut] (deep-potential.md 1.6, 1.8). */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs], row-major. */
  readonly weights: Float64Array;
  /** [outputs]; zeros where the file has none. */
  readonly bias: Float64Array;
  /** [outputs] or null. */
  readonly idt: Float64Array | null;
  readonly activation: Activation;
  readonly shortcut: 'none' | 'identity' | 'double' | AffineShortcut;
}

/**
 * Shortcut of a first layer whose input is s alone because the type embeddings beside it, constant for a pair of types, were folded
 * into the bias: s slope + constant is added.
 */
export interface AffineShortcut {
  /** [outputs] each. */
  readonly slope: Float64Array;
  readonly constant: Float64Array;
}

/** `threshold` belongs to silut only. Names as in deep-potential.md 1.6, aliases resolved. */
export interface Activation {
  readonly name: 'tanh' | 'gelu' | 'relu' | 'relu6' | 'softplus' | 'sigmoid' | 'silu' | 'silut' | 'linear';
  readonly threshold?: number;
}

/** Nets of many pairs may share Layer objects; what is shared is stored once. */
export interface Network {
  readonly layers: readonly Layer[];
}

/** A compressed embedding net: quintic panels (deep-potential.md 2.3). */
export interface EmbeddingTable {
  readonly lower: number;
  readonly upper: number;
  readonly max: number;
  /** Steps below and above `upper`. */
  readonly step: number;
  readonly coarseStep: number;
  readonly rows: number;
  /** [rows, 6 M]: a0..a5 of output m at 6m. */
  readonly coefficients: Float64Array;
  /** Whether the file holds it in float32 (index arithmetic follows). */
  readonly single: boolean;
}

/** One sub-descriptor. Arrays [T * T] have index centre * T + neighbour. */
export interface Descriptor {
  readonly kind: 'se_e2_a' | 'se_e2_r';
  /** What the file calls it, for messages: `se_e2_a`, `se_e2_r`, `se_e2_a with type embedding`, `dpa1` ... */
  readonly label: string;
  /** A. After the float32 rule of 1.3 for graph files. */
  readonly cutoff: number;
  readonly cutoffSmooth: number;
  /** Denominator r_c - r_s of the switch, with its own rounding (1.3). */
  readonly switchWidth: number;
  /** p of 1.5. */
  readonly envProtection: number;
  /** One group of slots for all neighbour types (se_atten, dpa1). */
  readonly mixed: boolean;
  /** Slots per group: [T], or [1] where mixed. */
  readonly sel: readonly number[];
  /** N of 1.7: sum(sel), or sum(original_sel). */
  readonly slots: number;
  /** Whether davg and dstd differ between the slots of a centre type: then they are [T, sum(sel), 4], else [T, 4]. */
  readonly perSlotStatistics: boolean;
  /** se_e2_r uses component 0 alone; the others are 0 and 1. */
  readonly davg: Float64Array;
  readonly dstd: Float64Array;
  /** M and M2 (0 for se_e2_r). */
  readonly width: number;
  readonly axis: number;
  /** Whether one net serves all centre types (for display; `netOf` says which net is used). */
  readonly oneSided: boolean;
  readonly nets: readonly Network[];
  /** [T * T]: index into `nets`, -1 where there is none. */
  readonly netOf: Int32Array;
  /** [T * groups], centre * groups + group: net that empty slots go through, -1 where empty slots give nothing. */
  readonly padNetOf: Int32Array;
  /**
   * Compressed files: tables that the file means instead of its nets, with their own [T * T] map. `padNetOf` then points into `tables`.
   */
  readonly tables: readonly EmbeddingTable[] | null;
  readonly tableOf: Int32Array | null;
  /**
   * [T * T]: 0 = included, 1 = rows of real neighbours are 0 (native, and mixed groups), 2 = rows of the whole group are 0, those of empty
   * slots too (graph). A radial descriptor then adds G(0) for every such slot, unless `padNetOf` is -1: the group is left out (1.11).
   */
  readonly excluded: Uint8Array;
  /**
   * strip mode of 1.14: G = g (1 + tt f(r)). `factors` is tt, [T * T, M]; `smoothing` is f: `one`, `switch` (w(r)), or `cubic`
   * (1 - (1 - r_s w/r)^3 clipped to [0, 1]). Empty slots have tt of row `padFactors` [T * groups, M] and f(empty) = 1 for `one`, else 0.
   */
  readonly strip: {
    readonly factors: Float64Array;
    readonly padFactors: Float64Array;
    readonly smoothing: 'one' | 'switch' | 'cubic';
  } | null;
  /** [T, k]: numbers appended to this D for a centre type (native concat_output_tebd), else null. */
  readonly constants: Float64Array | null;
}

/** Frame or atom parameters (1.8): x -> (x - average) * inverseStd, each [count]. */
export interface ExternalParameters {
  readonly count: number;
  readonly average: Float64Array;
  readonly inverseStd: Float64Array;
  /** [count]: used when the caller gives none; null where the model has no default. */
  readonly defaults: Float64Array | null;
}

/** Pair table and its switch (1.15). */
export interface PairTable {
  /** A. */
  readonly smallest: number;
  readonly step: number;
  readonly cells: number;
  /** [T, T, cells, 4]: a3, a2, a1, a0 as stored. */
  readonly coefficients: Float64Array;
  /** A: distances at or beyond it give 0. */
  readonly cutoff: number;
  /** Softmin switch: below `from` the table alone, above `to` the net alone. */
  readonly alpha: number;
  readonly from: number;
  readonly to: number;
  /**
   * A: neighbours up to here count for the softmin distance; absent where all within the cutoff of the model do. Native models take the
   * list of whichever part has more slots.
   */
  readonly softminCutoff?: number;
  /** Whether bias_atom_e is added to the table's energy too. */
  readonly addBias: boolean;
}

export interface DeepPotentialParameters {
  readonly format: 'pb' | 'dp' | 'yaml' | 'json' | 'pth';
  /** Human-readable guess of the writing version, such as `graph 1.1 (2.1 to 3.x)`. */
  readonly version: string;
  /** Rule for too many neighbours (1.4). */
  readonly family: 'graph' | 'native';
  /** Element names in type order; empty when the file has none. */
  readonly typeNames: readonly string[];
  readonly ntypes: number;
  /** A: the largest of the sub-descriptors (and of the pair table). */
  readonly cutoff: number;
  /** In the order of the file; one unless the model is a hybrid. */
  readonly descriptors: readonly Descriptor[];
  /** [T * T]: pairs taken off the list before slots are filled (native model level). */
  readonly pairExcluded: Uint8Array;
  /** [T]: final energy of the atom is 0 (native model level). */
  readonly atomExcluded: Uint8Array;
  /** [T]: net and bias are 0, out_bias stays (native fitting level). */
  readonly fittingExcluded: Uint8Array;
  /** [T], one net per centre type (or T references to one shared net). Its input is [D.., typeConstants, fparam, aparam, caseConstants]. */
  readonly fitting: readonly Network[];
  /** [T, k]: type embedding of the centre that follows D (graph), else null. */
  readonly typeConstants: Float64Array | null;
  readonly frameParameters: ExternalParameters | null;
  readonly atomParameters: ExternalParameters | null;
  /** [k]: case embedding, else null. */
  readonly caseConstants: Float64Array | null;
  /** [T]: subtract net(D = 0) (1.8). */
  readonly subtractVacuum: Uint8Array;
  /** [T], eV. */
  readonly atomBias: Float64Array;
  /** [T]; E_i = E_i * outStd + outBias. */
  readonly outStd: Float64Array;
  readonly outBias: Float64Array;
  readonly pairTable: PairTable | null;
  /** `float64` or `float32`, as stored. */
  readonly precision: string;
  readonly parameterCount: number;
  /** Training input of the file, where it holds one. */
  readonly trainingScript: Readonly<Record<string, unknown>> | null;
  /** A, where the file holds it. */
  readonly minNeighbourDistance: number | null;
  /** Tables of `ionclay model compress`, where the file holds them. */
  readonly storedTables: StoredTables | null;
}

/** Tables of an earlier compression, as native/potential/deep_potential makes and takes them. */
export interface StoredTables {
  /** Version of the layout; tables of another version are made anew. */
  readonly version: number;
  readonly precision: 'double' | 'mixed';
  /** One a (descriptor, centre, neighbour) that has one. */
  readonly tables: readonly StoredTable[];
}

/** Panels in r of q latent columns, G(r) = g(r) V: polynomials of one degree between consecutive edges. */
export interface StoredTable {
  readonly descriptor: number;
  readonly centre: number;
  readonly neighbour: number;
  readonly columns: number;
  readonly degree: number;
  /** [panels + 1], A. */
  readonly edges: Float64Array;
  /** [panels, degree + 1, columns]: powers of (r - left edge)/(panel width), lowest first. */
  readonly coefficients: Float64Array;
  /** [columns, M]. */
  readonly expansion: Float64Array;
  /** Largest error of G and of dG/dr (1/A) against the net itself, weighted by the environment row as forces are, relative to the largest value. */
  readonly valueError: number;
  readonly slopeError: number;
}
