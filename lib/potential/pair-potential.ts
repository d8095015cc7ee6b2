/** Pair potentials (interface.md 3.2): terms by pair of species, charges in a damped sum; evaluated natively. */
import { determinant } from '../cell.js';
import { IonclayError, PotentialError, SimulationError } from '../errors.js';
import type { Isa, NativePotential } from '../native/addon.js';
import { chooseIsa, native, nativeAddon } from '../native/loader.js';
import { requireStructure, type Structure, symbolsOf, type Warning } from '../structure.js';
import { evaluateOnce, NativeForceField } from './native-force-field.js';
import { type PairUse, pairWarnings } from './pair/advice.js';
import { type Barrier, innerRegion } from './pair/barrier.js';
import { chargeProduct, curveOf, type PairCurve, type PairCurveOptions, termsOf } from './pair/curve.js';
import { digest } from './pair/digest.js';
import { totalCurve } from './pair/forms.js';
import { Keys, type OptionPlace } from './pair/keys.js';
import { type PairPotentialOptions, type ResolvedPairPotential, resolveOptions } from './pair/options.js';
import { cutoffOf, pairName, pairTables } from './pair/tables.js';
import type { Evaluation, ForceField, ForceFieldArrays, ForceFieldOptions, Potential, PotentialInfo } from './potential.js';

export type { PairUse } from './pair/advice.js';
export type { PairCurve, PairCurveOptions } from './pair/curve.js';
export type { PairPotentialOptions, PairTermOptions, QuantityInput, ResolvedPairPotential } from './pair/options.js';

export interface PairPotentialPlace extends OptionPlace {
  /** What the potential is called in results; default: its forms. */
  readonly name?: string;
  /** Instruction set; default: the best of this machine. */
  readonly isa?: Isa;
  /** Default: all cores. */
  readonly threads?: number;
}

/** A net charge beyond this, per atom, is no rounding rest (coulomb.md 14.1); e. */
const NEUTRAL = 1e-8;

/** One line of the barrier table: the innermost maximum of the pair curve with bare charges. */
export interface BarrierEntry {
  readonly pair: string;
  readonly barrier: Barrier;
}

/**
 * Checks and resolves the options; everything that can be wrong in them is said now, with the codes of coulomb.md 18. The result is
 * plain data until it is first used.
 */
export function pairPotential(options: PairPotentialOptions | object, place: PairPotentialPlace = {}): PairPotential {
  return new PairPotential(resolveOptions(options, place), place);
}

/** The curve of one pair, with and without bare charges, for plots. */
export function pairCurve(potential: PairPotential, pair: string, options: PairCurveOptions): PairCurve {
  return curveOf(potential.resolved, pair, options);
}

export class PairPotential implements Potential {
  readonly name: string;
  readonly species: readonly string[];
  readonly cutoff: number;
  readonly masses?: Readonly<Record<string, number>>;
  readonly barriers: readonly BarrierEntry[];
  readonly #keys: Keys;
  readonly #place: PairPotentialPlace;
  #guarded: NativePotential | undefined;
  #unguarded: NativePotential | undefined;

  constructor(
    readonly resolved: ResolvedPairPotential,
    place: PairPotentialPlace = {},
  ) {
    const { method } = resolved.electrostatics;
    const parts = [...new Set(resolved.terms.map((term) => term.form as string)), ...(method === 'none' ? [] : [method])];
    this.name = place.name ?? parts.join(' + ');
    this.species = resolved.species;
    this.cutoff = cutoffOf(resolved);
    if (Object.keys(resolved.masses).length > 0) this.masses = resolved.masses;
    this.#place = place;
    this.#keys = new Keys(place);
    this.barriers = this.#findBarriers();
  }

  info(): PotentialInfo {
    const { electrostatics, terms, charges, inner, missingPairs, masses } = this.resolved;
    return {
      name: this.name,
      file: this.#place.file ?? null,
      sha256: digest(this.resolved),
      type: 'pair',
      species: this.species,
      cutoff: this.cutoff,
      precision: 'double',
      isa: this.#isa(),
      compression: 'none',
      details: {
        charges_e: charges,
        electrostatics:
          electrostatics.method === 'none'
            ? { method: 'none' }
            : { method: electrostatics.method, damping_per_A: electrostatics.damping, cutoff_A: electrostatics.cutoff },
        pairs: terms.map((term) => ({
          pair: term.species.join('-'),
          form: term.form,
          cutoff_A: term.cutoff,
          at_cutoff: term.treatment,
          parameters: term.parameters,
          origin: 'given',
        })),
        missing_pairs: missingPairs,
        inner,
        masses_amu: masses,
        barriers: this.barriers.map(({ pair, barrier }) => ({
          pair,
          r_A: barrier.radius,
          energy_eV: barrier.energy,
          height_eV: barrier.height,
          minimum_r_A: barrier.minimum?.radius ?? null,
          minimum_eV: barrier.minimum?.energy ?? null,
        })),
      },
    };
  }

  /** What a user should know before a use such as `{ ensemble: 'nve', temperature: 600 }`; nothing of it is refused. */
  warnings(use: PairUse = {}): Warning[] {
    return pairWarnings(this.resolved, this.barriers, use);
  }

  typesOf(structure: Pick<Structure, 'species'>): Int32Array {
    const symbols = symbolsOf(structure);
    const counts = new Map<string, number>();
    for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    this.#checkCharges(counts);
    const unknown = [...counts.keys()].filter((symbol) => !this.species.includes(symbol));
    if (unknown.length > 0) {
      const atom = symbols.indexOf(unknown[0]!);
      const list = unknown
        .map((symbol) => `${symbol} (${counts.get(symbol)} atoms, first ${symbols.indexOf(symbol)})`)
        .join(', ');
      throw new PotentialError(
        'MODEL_UNKNOWN_SPECIES',
        `${this.name} does not know ${list}; it knows ${this.species.join(', ')}`,
        {
          atom,
          file: this.#place.file,
          hint: 'add their pairs and charges, or choose another potential',
        },
      );
    }
    this.#checkPairs([...counts.keys()]);
    return Int32Array.from(symbols, (symbol) => this.species.indexOf(symbol));
  }

  /**
   * One configuration. A pair inside its barrier does not stop this (it stops runs and relaxations): the numbers are those of the
   * formulas, and a warning names the pair.
   */
  async evaluate(structure: Structure, options: ForceFieldOptions & { signal?: AbortSignal } = {}): Promise<Evaluation> {
    requireStructure(structure, 'evaluate');
    const types = this.typesOf(structure);
    this.#checkNeutral(types, structure.pbc);
    const run = (guarded: boolean) =>
      evaluateOnce(structure, (arrays) => this.#forceField(guarded, types, structure.pbc, arrays, options), options.signal);
    try {
      return await run(true);
    } catch (error) {
      if (!(error instanceof IonclayError) || error.code !== 'PAIR_COLLAPSE') throw error;
      const result = await run(false);
      return { ...result, warnings: [...result.warnings, { code: error.code, message: error.message }] };
    }
  }

  /** A run stops with PAIR_COLLAPSE where a pair comes inside its barrier, unless `inner: off`. */
  bind(
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions = {},
  ): ForceField {
    this.#checkNeutral(types, determinant(arrays.cell) === 0 ? [false, false, false] : pbc);
    return this.#forceField(true, types, pbc, arrays, options);
  }

  #forceField(
    guarded: boolean,
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions,
  ): ForceField {
    const context = { potential: this.#native(guarded), explain: (error: IonclayError) => this.#explain(error) };
    const threads = options.threads ?? this.#place.threads;
    return new NativeForceField(context, types, pbc, arrays, { ...options, threads, selOverflow: 'truncate' });
  }

  #explain(error: IonclayError): Error {
    const { code, message, atom, details, cause } = error;
    if (code !== 'PAIR_COLLAPSE') return new PotentialError(code, message, { ...details, atom, cause });
    return new SimulationError(code, message, {
      ...details,
      atom,
      cause,
      hint: `ions this close fall into each other: start from a structure without overlaps, or use a smaller time step or temperature; "inner: off" looks away`,
    });
  }

  #isa(): Isa {
    return chooseIsa(this.#place.isa);
  }

  #native(guarded: boolean): NativePotential {
    const watch = guarded && this.resolved.inner === 'error';
    const make = () => {
      const radii = new Map(watch ? this.barriers.map(({ pair, barrier }) => [pair, barrier.radius] as const) : []);
      return native(() => nativeAddon().createPairPotential(pairTables(this.resolved, radii), this.#isa()));
    };
    if (watch) {
      this.#guarded ??= make();
      return this.#guarded;
    }
    this.#unguarded ??= make();
    return this.#unguarded;
  }

  /** The barrier table; PAIR_UNBOUNDED where two ions fall into each other from any distance, whatever `inner` says. */
  #findBarriers(): BarrierEntry[] {
    const found: BarrierEntry[] = [];
    this.species.forEach((a, i) => {
      for (const b of this.species.slice(i)) {
        const terms = termsOf(this.resolved, a, b);
        // A missing pair is refused when a structure needs it; where it is allowed its charges act alone.
        if (terms.length === 0 && this.resolved.missingPairs === 'error') continue;
        const product = chargeProduct(this.resolved, a, b);
        const region = innerRegion(terms, product);
        const pair = pairName(a, b);
        if (region.kind === 'barrier') found.push({ pair, barrier: region.barrier });
        if (region.kind !== 'unbounded') continue;
        const w = totalCurve(terms, product);
        const curve = [0.5, 1, 2].map((r) => `${w(r).energy.toPrecision(6)} eV at ${r} A`).join(', ');
        const key = this.#keys.path(this.#keys.top, 'pairs');
        throw this.#keys.fail(
          'PAIR_UNBOUNDED',
          key,
          `nothing keeps ${a} and ${b} apart: their pair curve falls to minus infinity (${curve})`,
          {
            hint: `give ${a}-${b} a repulsive term`,
            pair,
          },
        );
      }
    });
    return found;
  }

  #checkCharges(counts: ReadonlyMap<string, number>): void {
    const { electrostatics, charges } = this.resolved;
    if (electrostatics.method === 'none') return;
    const without = [...counts].filter(([symbol]) => charges[symbol] === undefined);
    if (without.length === 0) return;
    const list = without.map(([symbol, count]) => `${symbol} (${count} atoms)`).join(', ');
    throw this.#keys.fail(
      'SPECIES_WITHOUT_CHARGE',
      this.#keys.path(this.#keys.top, 'charges'),
      `no charge is given for ${list}`,
      {
        hint: `such as charges: { ${without[0]![0]}: 1 }; 0 is a charge too`,
      },
    );
  }

  #checkPairs(present: readonly string[]): void {
    if (this.resolved.missingPairs === 'none') return;
    const missing: string[] = [];
    present.forEach((a, i) => {
      for (const b of present.slice(i)) if (termsOf(this.resolved, a, b).length === 0) missing.push(`${a}-${b}`);
    });
    if (missing.length === 0) return;
    const option = this.#keys.spell('missing-pairs');
    throw this.#keys.fail(
      'PAIR_MISSING',
      this.#keys.path(this.#keys.top, 'pairs'),
      `no term is given for ${missing.join(', ')}`,
      {
        hint: `give them, or say "${option}: none" where they interact by charge alone (usual for cations)`,
        missing,
      },
    );
  }

  /** A damped sum of a charged cell is refused unless its error is accepted (coulomb.md 12, 14.1). */
  #checkNeutral(types: Int32Array, pbc: readonly [boolean, boolean, boolean]): void {
    const { electrostatics, charges, acceptApproximation, species } = this.resolved;
    if (electrostatics.method === 'none' || acceptApproximation || !pbc.some(Boolean)) return;
    const counts = species.map(() => 0);
    for (const type of types) if (type >= 0) counts[type]! += 1;
    const net = species.reduce((sum, symbol, type) => sum + (charges[symbol] ?? 0) * counts[type]!, 0);
    if (Math.abs(net) <= NEUTRAL * types.length) return;
    const composition = species.map((symbol, type) => `${symbol}${counts[type]}`).join(' ');
    const option = this.#keys.spell('accept-approximation');
    throw this.#keys.fail(
      'CELL_CHARGED',
      this.#keys.path(this.#keys.top, 'charges'),
      `the cell ${composition} has the net charge Q = ${net > 0 ? '+' : ''}${Number(net.toPrecision(8))} e; a damped sum gives no meaningful energy for it ` +
        `(background: neutralise belongs to the exact sums, which are not available in this version)`,
      { hint: `correct the charges or the composition; "${option}: true" under the damped sum overrides this`, charge_e: net },
    );
  }
}
