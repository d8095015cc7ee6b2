/** A native evaluator as a ForceField: checks, error translation, and warnings; the numbers are the addon's. */
import { availableParallelism } from 'node:os';
import { IonclayError, PotentialError } from '../errors.js';
import type { NativeEvaluator, NativePotential } from '../native/addon.js';
import { fromNative, native, nativeAddon } from '../native/loader.js';
import type { Structure } from '../structure.js';
import { volumeOf } from '../structure.js';
import { EV_PER_A3_IN_GPA } from '../units.js';
import type { Evaluation, ForceField, ForceFieldArrays, ForceFieldOptions, SelOverflow } from './potential.js';

export interface ForceFieldContext {
  readonly potential: NativePotential;
  /** Called after each evaluation; adds warnings (code -> message) that were not there before. */
  readonly inspect?: (evaluator: NativeEvaluator, warn: (code: string, message: string) => void) => void;
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
    this.#evaluator = native(() =>
      nativeAddon().createEvaluator(
        context.potential,
        { ...arrays },
        {
          types,
          pbc: [...pbc],
          skin: this.skin,
          threads: options.threads ?? Math.min(availableParallelism(), 1024),
          selOverflow: RULES[options.selOverflow],
        },
      ),
    );
  }

  async compute(): Promise<void> {
    try {
      await this.#evaluator.compute();
    } catch (error) {
      throw this.#explained(error);
    }
    this.#inspect();
  }

  computeSync(): void {
    try {
      this.#evaluator.computeSync();
    } catch (error) {
      throw this.#explained(error);
    }
    this.#inspect();
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

  #inspect(): void {
    this.#context.inspect?.(this.#evaluator, (code, message) => {
      if (!this.#warnings.has(code)) this.#warnings.set(code, message);
    });
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
    return {
      energy: field.energy,
      forces: arrays.forces,
      atomEnergies: arrays.atomEnergies,
      virial: arrays.virial,
      stress: volume === null ? null : arrays.virial.map((w) => (w === 0 ? 0 : (-w / volume) * EV_PER_A3_IN_GPA)),
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
