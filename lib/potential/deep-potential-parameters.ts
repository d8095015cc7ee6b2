/**
 * The parameters of a Deep Potential (se_e2_a + energy fitting), whatever file they came from: what the readers of
 * lib/potential/formats make and the native kernel takes. Notation of deep-potential.md: T types, N = sum(sel) slots,
 * M width of the last embedding layer, M2 = axis.
 */

/** y -> act(y W + b) [* idt] [+ y | + (y, y)] (deep-potential.md 1.6, 1.8). */
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
  readonly shortcut: 'none' | 'identity' | 'double';
}

/** `threshold` belongs to silut only. Names as in deep-potential.md 1.6, aliases resolved. */
export interface Activation {
  readonly name: 'tanh' | 'gelu' | 'relu' | 'relu6' | 'softplus' | 'sigmoid' | 'silu' | 'silut' | 'linear';
  readonly threshold?: number;
}

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

export interface DeepPotentialParameters {
  readonly format: 'pb' | 'dp' | 'yaml' | 'json';
  /** Human-readable guess of the writing version, such as `graph 1.1 (2.1 to 3.x)`. */
  readonly version: string;
  /** Rule for too many neighbours (1.4). */
  readonly family: 'graph' | 'native';
  /** Element names in type order; empty when the file has none. */
  readonly typeNames: readonly string[];
  readonly ntypes: number;
  /** A. After the float32 rule of 1.3 for graph files. */
  readonly cutoff: number;
  readonly cutoffSmooth: number;
  /** Denominator r_c - r_s of the switch, with its own rounding (1.3). */
  readonly switchWidth: number;
  /** Slots per neighbour type. */
  readonly sel: readonly number[];
  /** N of 1.7: sum(sel), or sum(original_sel). */
  readonly slots: number;
  /** p of 1.5. */
  readonly envProtection: number;
  /** Whether davg and dstd differ between the slots of a centre type: then they are [T, N, 4], else [T, 4]. */
  readonly perSlotStatistics: boolean;
  readonly davg: Float64Array;
  readonly dstd: Float64Array;
  readonly oneSided: boolean;
  /** M and M2. */
  readonly width: number;
  readonly axis: number;
  /** One-sided: [T] by neighbour type; two-sided: [T * T], index centre * T + neighbour. null where the file has none. */
  readonly embedding: readonly (Network | null)[];
  /** Same index as `embedding`; null for a plain model. Where both exist the tables are what the file means. */
  readonly tables: readonly (EmbeddingTable | null)[] | null;
  /** [T * T], centre * T + neighbour: 0 = included, 1 = real neighbours masked (native), 2 = masked with its padded slots (graph). */
  readonly excluded: Uint8Array;
  /** [T * T]: pairs taken off the list before slots are filled (native model level). */
  readonly pairExcluded: Uint8Array;
  /** [T]: final energy of the atom is 0 (native model level). */
  readonly atomExcluded: Uint8Array;
  /** [T]: net and bias are 0, out_bias stays (native fitting level). */
  readonly fittingExcluded: Uint8Array;
  /** [T], one net per centre type (or T references to one shared net). */
  readonly fitting: readonly Network[];
  /** [T]: subtract net(D = 0) (1.8). */
  readonly subtractVacuum: Uint8Array;
  /** [T], eV. */
  readonly atomBias: Float64Array;
  /** [T]; E_i = E_i * outStd + outBias. */
  readonly outStd: Float64Array;
  readonly outBias: Float64Array;
  /** `float64` or `float32`, as stored. */
  readonly precision: string;
  readonly parameterCount: number;
  /** Training input of the file, where it holds one. */
  readonly trainingScript: Readonly<Record<string, unknown>> | null;
  /** A, where the file holds it. */
  readonly minNeighbourDistance: number | null;
}
