/** A native evaluator as a ForceField: checks, error translation, and warnings; the numbers are the addon's. */
import { availableParallelism } from 'node:os';
import { IonclayError, PotentialError } from '../errors.js';
import type { NativeEvaluator, NativeOutputs, NativePotential } from '../native/addon.js';
import { fromNative, native, nativeAddon } from '../native/loader.js';
import type { Structure } from '../structure.js';
import { volumeOf } from '../structure.js';
import { EV_PER_A3_IN_GPA } from '../units.js';
import { modelDeviation } from './deviation.js';
import type { Deviation, Evaluation, ForceField, ForceFieldArrays, ForceFieldOptions, SelOverflow } from './potential.js';

export type Warn = (code: string, message: string) => void;

export interface ForceFieldContext {
  readonly potential: NativePotential;
  /** The other models of a committee. */
  readonly members?: readonly NativePotential[];
  /** Names of all models, the driving one first, for messages. */
  readonly names?: readonly string[];
  /** Raw numbers for the frame, and for all atoms (deep-potential.md 1.8). */
  readonly fparam?: Float64Array | null;
  readonly aparam?: Float64Array | null;
  /** Warnings that hold for every evaluation. */
  readonly notes?: readonly { readonly code: string; readonly message: string }[];
  /** Called after each evaluation, with whether it was of the members too; adds warnings that were not there before. */
  readonly inspect?: (evaluator: NativeEvaluator, warn: Warn, members: boolean) => void;
  /** Makes a native error more helpful (names instead of type numbers). */
  readonly explain?: (error: IonclayError) => Error;
}

const RULES: Record<SelOverflow, number> = { truncate: 0, grow: 1, stop: 2 };

export class NativeForceField implements ForceField {
  readonly cutoff: number;
  readonly skin: number;
  readonly #evaluator: NativeEvaluator;
  readonly #context: ForceFieldContext;
  readonly #warnings = new Map<string, string>();
  /** Of the models that do not drive. */
  readonly #outputs: readonly NativeOutputs[];
  readonly #driving: ForceFieldArrays;
  /** Whether the last evaluation was of all models. */
  #complete = false;
  #deviation: Deviation | null = null;

  constructor(
    context: ForceFieldContext,
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions & { selOverflow: SelOverflow },
  ) {
    this.#context = context;
    this.cutoff = context.potential.cutoff;
    this.skin = options.skin ?? 0;
    this.#driving = arrays;
    const members = context.members ?? [];
    const natoms = types.length;
    this.#outputs = members.map(() => ({
      forces: new Float64Array(3 * natoms),
      atomEnergies: new Float64Array(natoms),
      virial: new Float64Array(9),
    }));
    for (const { code, message } of context.notes ?? []) this.#warnings.set(code, message);
    this.#evaluator = native(() =>
      nativeAddon().createEvaluator(
        [context.potential, ...members],
        { ...arrays, members: this.#outputs },
        {
          types,
          pbc: [...pbc],
          skin: this.skin,
          threads: options.threads ?? Math.min(availableParallelism(), 1024),
          selOverflow: RULES[options.selOverflow],
          fparam: context.fparam ?? null,
          aparam: context.aparam ?? null,
        },
      ),
    );
  }

  async compute(members = true): Promise<void> {
    this.#complete = false;
    try {
      await this.#evaluator.compute(members);
    } catch (error) {
      throw this.#explained(error);
    }
    this.#done(members);
  }

  computeSync(members = true): void {
    this.#complete = false;
    try {
      this.#evaluator.computeSync(members);
    } catch (error) {
      throw this.#explained(error);
    }
    this.#done(members);
  }

  deviation(): Deviation | null {
    if (!this.#complete) return null;
    this.#deviation ??= this.#measureDeviation();
    return this.#deviation;
  }

  abort(): void {
    this.#evaluator.abort();
  }

  get energy(): number {
    return native(() => this.#evaluator.energy);
  }

  get rebuilds(): number {
    return native(() => this.#evaluator.rebuilds);
  }

  get rebuilt(): boolean {
    return native(() => this.#evaluator.rebuilt);
  }

  /** Neighbours inside the cutoff at the last evaluation, for benchmarks. */
  get pairsInside(): number {
    return native(() => this.#evaluator.pairsInside);
  }

  /** Seconds of the last evaluation by phase, summed over threads, for benchmarks. */
  get phaseSeconds(): Record<'list' | 'environment' | 'embedding' | 'descriptor' | 'fitting' | 'forces', number> {
    const seconds = native(() => this.#evaluator.phaseSeconds);
    const [list, environment, embedding, descriptor, fitting, forces] = seconds as unknown as number[];
    return {
      list: list!,
      environment: environment!,
      embedding: embedding!,
      descriptor: descriptor!,
      fitting: fitting!,
      forces: forces!,
    };
  }

  reference(): { positions: Float64Array; cell: Float64Array } | null {
    return native(() => this.#evaluator.reference());
  }

  restore(reference: { positions: Float64Array; cell: Float64Array }): void {
    native(() => this.#evaluator.restore(reference.positions, reference.cell));
  }

  warnings(): readonly { code: string; message: string }[] {
    return [...this.#warnings].map(([code, message]) => ({ code, message }));
  }

  dispose(): void {
    this.#evaluator.dispose();
  }

  #done(members: boolean): void {
    this.#complete = members && this.#outputs.length > 0;
    this.#deviation = null;
    this.#context.inspect?.(
      this.#evaluator,
      (code, message) => {
        if (!this.#warnings.has(code)) this.#warnings.set(code, message);
      },
      members,
    );
  }

  #measureDeviation(): Deviation {
    const energies = native(() => this.#evaluator.energies);
    const predictions = [this.#driving, ...this.#outputs].map(({ forces, virial }, k) => ({
      energy: energies[k]!,
      forces,
      virial,
    }));
    const deviation = modelDeviation(predictions);
    if (Object.values(deviation).every(Number.isFinite)) return deviation;
    const bad = predictions.findIndex(
      ({ energy, forces, virial }) => ![energy, ...virial].every(Number.isFinite) || !forces.every(Number.isFinite),
    );
    throw new PotentialError(
      'NONFINITE_FORCE',
      `model ${this.#context.names?.[bad] ?? bad} of the committee gives energies or forces that are not finite numbers`,
      { hint: 'the atoms are outside the range of this model: leave it out of the committee, or look at the structure' },
    );
  }

  #explained(error: unknown): Error {
    const translated = fromNative(error);
    if (!(translated instanceof IonclayError)) return translated;
    const { code, message, details, atom } = translated;
    const explained = this.#context.explain?.(translated);
    return explained ?? new PotentialError(code, message, { ...details, atom, cause: translated.cause });
  }
}

/** One evaluation of a structure through a bound force field; the structure is not changed. */
export async function evaluateOnce(
  structure: Structure,
  bind: (arrays: ForceFieldArrays) => ForceField,
  signal?: AbortSignal,
): Promise<Evaluation> {
  signal?.throwIfAborted();
  const natoms = structure.species.length;
  const arrays: ForceFieldArrays = {
    positions: Float64Array.from(structure.positions),
    images: null,
    cell: structure.cell ? Float64Array.from(structure.cell) : new Float64Array(9),
    forces: new Float64Array(3 * natoms),
    atomEnergies: new Float64Array(natoms),
    virial: new Float64Array(9),
  };
  const field = bind(arrays);
  const stop = () => field.abort();
  signal?.addEventListener('abort', stop);
  try {
    await field.compute();
    requireFinite(field.energy, arrays);
    const volume = volumeOf(structure);
    const deviation = field.deviation?.();
    return {
      energy: field.energy,
      forces: arrays.forces,
      atomEnergies: arrays.atomEnergies,
      virial: arrays.virial,
      stress: volume === null ? null : arrays.virial.map((w) => (w === 0 ? 0 : (-w / volume) * EV_PER_A3_IN_GPA)),
      ...(deviation ? { deviation } : {}),
      warnings: field.warnings(),
    };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    field.dispose();
  }
}

/** A result that is not a number is an error, never a result. */
function requireFinite(energy: number, arrays: ForceFieldArrays): void {
  const component = arrays.forces.findIndex((f) => !Number.isFinite(f));
  if (Number.isFinite(energy) && component < 0) return;
  const atom = component < 0 ? arrays.atomEnergies.findIndex((e) => !Number.isFinite(e)) : Math.floor(component / 3);
  throw new PotentialError(
    component < 0 ? 'NONFINITE_ENERGY' : 'NONFINITE_FORCE',
    `energy or force of atom ${atom} is not a finite number`,
    {
      atom,
      hint: 'atoms much too close to each other, or a model outside its range: look at the shortest distances with ionclay inspect',
    },
  );
}
