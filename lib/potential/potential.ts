/** What every potential offers, whatever computes it. */
import type { Isa } from '../native/addon.js';
import type { Structure } from '../structure.js';

export type Precision = 'double' | 'mixed';
export type Compression = 'none' | 'auto';
export type SelOverflow = 'truncate' | 'grow' | 'stop';

/** Disagreement of several models on one configuration (deep-potential.md 3.6). */
export interface Deviation {
  /** eV/A: population standard deviation of each atom's force vector over the models; largest, smallest and mean over the atoms. */
  readonly forceMax: number;
  readonly forceMin: number;
  readonly forceMean: number;
  /** eV/atom: standard deviation of the energy per atom. */
  readonly energy: number;
  /** eV/atom: standard deviations of the nine components of W/n; largest, smallest, root mean square. */
  readonly virialMax: number;
  readonly virialMin: number;
  readonly virialMean: number;
}

/** Energy, forces and virial of one configuration. */
export interface Evaluation {
  /** eV. */
  readonly energy: number;
  /** 3N, eV/A, in the order of the structure. */
  readonly forces: Float64Array;
  /** N, eV; sums to `energy`. */
  readonly atomEnergies: Float64Array;
  /** 9, eV, row-major: W_ab = sum_i r_ia F_ib = -dE/d(strain) (deep-potential.md 1.9). */
  readonly virial: Float64Array;
  /** 9, GPa, -W/V, tension positive; null without a cell. */
  readonly stress: Float64Array | null;
  /** Of a committee; its other numbers are those of the first model. */
  readonly deviation?: Deviation;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export interface PotentialInfo {
  /** Bundled name or file name. */
  readonly name: string;
  readonly file: string | null;
  /** SHA-256 of the model file, or of the canonical JSON of a pair potential's parameters. */
  readonly sha256: string;
  /** `se_e2_a`, `pair`. */
  readonly type: string;
  readonly species: readonly string[];
  /** A. */
  readonly cutoff: number;
  readonly precision: Precision;
  readonly isa: Isa;
  /** `auto`: embedding nets are evaluated by tables made at load; `file`: by tables of the file. */
  readonly compression: Compression | 'file';
  /** Frame and atom parameters in use, where the model has them; `default`: those that the model itself prescribes. */
  readonly fparam?: { readonly values: readonly number[]; readonly default: boolean };
  readonly aparam?: { readonly file: string | null; readonly sha256: string; readonly columns: number };
  /** Of a committee: all its models, the driving one first. */
  readonly members?: readonly PotentialInfo[];
  /** Everything else that `ionclay model info` prints: descriptor, sizes, sel, format, training errors ... */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Arrays that a force field reads and writes in place. */
export interface ForceFieldArrays {
  /** 3N, A. Wrapped in place at list rebuilds when `images` is given. */
  readonly positions: Float64Array;
  /** 3N or null: counts of lattice vectors taken off the positions by wrapping. */
  readonly images: Int32Array | null;
  /** 9, A, row-major; zeros for an isolated structure. */
  readonly cell: Float64Array;
  /** 3N, eV/A, written. */
  readonly forces: Float64Array;
  /** N, eV, written. */
  readonly atomEnergies: Float64Array;
  /** 9, eV, written. */
  readonly virial: Float64Array;
}

export interface ForceFieldOptions {
  /** A; default 0: the neighbour list is built anew each time. */
  readonly skin?: number;
  readonly threads?: number;
  readonly selOverflow?: SelOverflow;
  /** Frame parameters, and N rows of atom parameters, in place of those given when the model was loaded. */
  readonly fparam?: ArrayLike<number>;
  readonly aparam?: ArrayLike<number>;
}

/**
 * A potential bound to one set of atoms, for many evaluations. The neighbour list is kept while the rigorous criterion of
 * dynamics.md 3.3 holds; atoms are wrapped only when it is built.
 */
export interface ForceField {
  /**
   * Evaluates at the present positions and cell. Rejects with a PotentialError; with code `ABORTED` after `abort()`. `members` false
   * leaves out all but the driving model of a committee, whose numbers do not depend on it by a bit; default true.
   */
  compute(members?: boolean): Promise<void>;
  /** The same on the calling thread; for systems so small that a thread hop would cost more than the work. */
  computeSync(members?: boolean): void;
  abort(): void;
  /** eV, of the last evaluation. */
  readonly energy: number;
  /** Of a committee at the last evaluation; null where that was of the driving model alone. */
  deviation?(): Deviation | null;
  readonly rebuilds: number;
  readonly rebuilt: boolean;
  readonly cutoff: number;
  readonly skin: number;
  /** Inputs of the list (dynamics.md 14): positions and cell at the last build; null before the first. */
  reference(): { positions: Float64Array; cell: Float64Array } | null;
  restore(reference: { positions: Float64Array; cell: Float64Array }): void;
  /** Warnings gathered so far (neighbours beyond sel ...), each once. */
  warnings(): readonly { readonly code: string; readonly message: string }[];
  dispose(): void;
}

/** What dynamics does with neighbours beyond `sel` where nobody says (interface.md 2): count them where that is exact, else stop. */
export const dynamicsOverflow = ({ canGrow }: Pick<Potential, 'canGrow'>): SelOverflow => (canGrow === false ? 'stop' : 'grow');

export interface Potential {
  readonly name: string;
  /** Symbols that it knows, in type order. */
  readonly species: readonly string[];
  /** A. */
  readonly cutoff: number;
  info(): PotentialInfo;
  /** False where neighbours beyond `sel` cannot be counted exactly; left out where there is no such limit. */
  readonly canGrow?: boolean;
  /** Masses that the potential itself prescribes (amu by symbol), else undefined. */
  readonly masses?: Readonly<Record<string, number>>;
  /** Type index of every atom; throws `MODEL_UNKNOWN_SPECIES` that names the species and the atoms. */
  typesOf(structure: Pick<Structure, 'species'>): Int32Array;
  /** Throws where what the potential was given for each atom (atom parameters) is not for so many. */
  requireAtoms?(natoms: number): void;
  /** The same potential with what dynamics takes by default (interface.md 2) where its maker said nothing; itself where there is no difference. */
  forDynamics?(): Potential;
  /** One-shot evaluation; nothing of the structure is changed. */
  evaluate(structure: Structure, options?: ForceFieldOptions & { signal?: AbortSignal }): Promise<Evaluation>;
  bind(
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options?: ForceFieldOptions,
  ): ForceField;
}
