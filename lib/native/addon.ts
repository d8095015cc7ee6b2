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
  /** A. */
  readonly cutoff: number;
}

/** What `createDeepPotential` makes. */
export interface NativeDeepPotential extends NativePotential {
  /** How many frame parameters an evaluation needs. */
  readonly frameParameters: number;
  /** The tables that stand for embedding nets, in the form of `StoredTable`; empty where the nets themselves are run. */
  tables(): object[];
}

export interface NativeDeepPotentialOptions {
  /** `mixed`: nets and tables in float32, all sums in double. */
  readonly precision: 'double' | 'mixed';
  /** Whether embedding nets are replaced by tables where these pay. */
  readonly compression: boolean;
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
  /** Raw frame parameters, and raw atom parameters (N rows); copied. Their numbers are checked against the potentials' needs. */
  readonly fparam?: Float64Array | null;
  readonly aparam?: Float64Array | null;
}

/** Results of one potential: forces (3N), atomEnergies (N), virial (9: W_ab = sum r_a f_b, eV). */
export interface NativeOutputs {
  forces: Float64Array;
  atomEnergies: Float64Array;
  virial: Float64Array;
}

/**
 * One set of atoms and the potentials that act on it. Methods and properties throw an Error with a code: FORCE_FIELD_CLOSED after `dispose()`, FORCE_FIELD_BUSY while
 * `compute` runs (`abort` and `dispose` never do); and a TypeError where an array has been detached. Arrays given at construction are
 * used until `dispose()`: positions (3N, read; wrapped in place at rebuilds when `images` is given), cell (9, read; zeros for an
 * isolated structure), the outputs of the first potential, and in `members` those of the others.
 */
export interface NativeEvaluator {
  /**
   * Runs on native threads; the promise resolves on the event loop. Rejects with {code, message, atom?}. `members` false evaluates the
   * first potential alone (default true); what it gives does not depend on that by a bit.
   */
  compute(members?: boolean): Promise<void>;
  /** The same on the calling thread (and the pool); for systems of microseconds. */
  computeSync(members?: boolean): void;
  /** Asks a running `compute` to stop soon; it then rejects with code `ABORTED`. */
  abort(): void;
  /** Potential energy of the last evaluation, eV. */
  readonly energy: number;
  /** eV, of every potential at its own last evaluation. */
  readonly energies: Float64Array;
  /** Number of list builds so far. */
  readonly rebuilds: number;
  /** Whether the last evaluation built the list. */
  readonly rebuilt: boolean;
  /** Entries of the full list, and the neighbours inside the cutoff at the last evaluation. */
  readonly listedPairs: number;
  readonly pairsInside: number;
  /** Per type t: largest number of neighbours of type t beyond sel[t], and how many atoms had any (2T numbers). */
  readonly overflow: Int32Array;
  /** The same of potential `member` at its last evaluation. */
  memberOverflow(member: number): Int32Array;
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
  createDeepPotential(parameters: object, isa: Isa, options: NativeDeepPotentialOptions): NativeDeepPotential;
  /** `parameters` is the flat object that lib/potential/pair-potential.ts makes. */
  createPairPotential(parameters: object, isa: Isa): NativePotential;
  /** Several potentials must have the same cutoff and number of types (COMMITTEE_MISMATCH); 64 at most. */
  createEvaluator(
    potentials: NativePotential | readonly NativePotential[],
    arrays: NativeOutputs & {
      positions: Float64Array;
      images: Int32Array | null;
      cell: Float64Array;
      /** Outputs of the second potential and those after it. */
      members?: readonly NativeOutputs[];
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
