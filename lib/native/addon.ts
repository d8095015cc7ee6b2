/** What the native addon offers: checked typed arrays in, typed arrays out (see native/addon). Loaded by `loader.ts`. */

export type Isa = 'baseline' | 'avx2' | 'avx512' | 'neon';

export interface NativeInfo {
  /** Best instruction set of this machine, or the one forced by `IONCLAY_ISA`. */
  readonly isa: Isa;
  /** Instruction sets that this build has and this machine can run. */
  readonly available: readonly Isa[];
  readonly hardwareThreads: number;
  readonly compiler: string;
}

/** Opaque, immutable parameters of a potential on the native side; shared by any number of evaluators. */
export interface NativePotential {
  readonly cutoff: number;
}

export interface NativeEvaluatorOptions {
  /** Type index of every atom (N); -1 = virtual atom. */
  readonly types: Int32Array;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** A; 0 = the list is rebuilt at every evaluation. */
  readonly skin: number;
  readonly threads: number;
  /** 0 truncate, 1 grow, 2 stop. */
  readonly selOverflow: number;
}

/**
 * One set of atoms. Methods and properties throw an Error with a code: FORCE_FIELD_CLOSED after `dispose()`, FORCE_FIELD_BUSY while
 * `compute` runs (`abort` and `dispose` never do); and a TypeError where an array has been detached. Arrays given at construction are
 * used until `dispose()`: positions (3N, read; wrapped in place at rebuilds when `images` is given), cell (9, read; zeros for an
 * isolated structure), forces (3N, written), atomEnergies (N, written), virial (9, written: W_ab = sum r_a f_b, eV).
 */
export interface NativeEvaluator {
  /** Runs on native threads; the promise resolves on the event loop. Rejects with {code, message, atom?}. */
  compute(): Promise<void>;
  /** The same on the calling thread (and the pool); for systems of microseconds. */
  computeSync(): void;
  /** Asks a running `compute` to stop soon; it then rejects with code `ABORTED`. */
  abort(): void;
  /** Potential energy of the last evaluation, eV. */
  readonly energy: number;
  /** Number of list builds so far. */
  readonly rebuilds: number;
  /** Whether the last evaluation built the list. */
  readonly rebuilt: boolean;
  /** Entries of the full list, and the neighbours inside the cutoff at the last evaluation. */
  readonly listedPairs: number;
  readonly pairsInside: number;
  /** Per type t: largest number of neighbours of type t beyond sel[t], and how many atoms had any (2T numbers). */
  readonly overflow: Int32Array;
  /** Seconds of the last evaluation, summed over threads: list, environment, embedding, descriptor, fitting, forces. */
  readonly phaseSeconds: Float64Array;
  /** List inputs of dynamics.md 3.3, for checkpoints: positions (3N) and cell (9) at the last build; null before the first. */
  reference(): { positions: Float64Array; cell: Float64Array } | null;
  /** Builds the list from saved inputs; the next evaluation then goes on as if it had never stopped. */
  restore(positions: Float64Array, cell: Float64Array): void;
  /** Idempotent. A running `compute` is stopped, rejects with `ABORTED`, and leaves the arrays as they are. */
  dispose(): void;
}

export interface NativeAddon {
  info(): NativeInfo;
  /** `parameters` is the flat object that lib/potential/deep-potential.ts makes. */
  createDeepPotential(parameters: object, isa: Isa): NativePotential;
  /** `parameters` is the flat object that lib/potential/pair-potential.ts makes. */
  createPairPotential(parameters: object, isa: Isa): NativePotential;
  createEvaluator(
    potential: NativePotential,
    arrays: {
      positions: Float64Array;
      images: Int32Array | null;
      cell: Float64Array;
      forces: Float64Array;
      atomEnergies: Float64Array;
      virial: Float64Array;
    },
    options: NativeEvaluatorOptions,
  ): NativeEvaluator;
  /**
   * Full neighbour list within `cutoff` (A): CSR offsets (N+1), neighbours, and integer shifts (3 per entry) so that
   * r = x_j + n H - x_i; entries of an atom sorted by (j, n1, n2, n3).
   */
  neighbourList(
    positions: Float64Array,
    cell: Float64Array,
    pbc: readonly [boolean, boolean, boolean],
    cutoff: number,
    threads: number,
  ): { offsets: Uint32Array; neighbours: Uint32Array; shifts: Int32Array };
  /**
   * Pair-distance histogram (analysis.md 8.1): adds to `counts[(a * ngroups + b) * bins + k]` the ordered pairs (i in group a, j in group b,
   * every image) with floor(r / binWidth) = k; exact integers. `groups`: one group an atom, -1 = takes no part. Zero cell = isolated.
   */
  pairHistogram(
    positions: Float64Array,
    cell: Float64Array,
    pbc: readonly [boolean, boolean, boolean],
    groups: Int32Array,
    ngroups: number,
    binWidth: number,
    bins: number,
    counts: Float64Array,
    threads: number,
  ): void;
}
