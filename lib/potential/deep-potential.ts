/** Deep Potentials: parameters of any file format, evaluated by the native kernels (deep-potential.md 1). */
import { SYMBOLS } from '../elements.js';
import { type IonclayError, PotentialError } from '../errors.js';
import type { Isa, NativeEvaluator, NativePotential } from '../native/addon.js';
import { chooseIsa, native, nativeAddon } from '../native/loader.js';
import { requireStructure, type Structure } from '../structure.js';
import { nativeParameters } from './deep-potential-native.js';
import type { DeepPotentialParameters, Descriptor } from './deep-potential-parameters.js';
import type { ModelFile } from './model-file.js';
import { evaluateOnce, NativeForceField } from './native-force-field.js';
import type {
  Evaluation,
  ForceField,
  ForceFieldArrays,
  ForceFieldOptions,
  Potential,
  PotentialInfo,
  SelOverflow,
} from './potential.js';
import { emptySlotsGiveNothing, modelSummary } from './summary.js';

export interface DeepPotentialOptions {
  readonly isa?: Isa;
  /** Maps element symbols to type names or numbers of the model, where they differ or an old model has no names. */
  readonly types?: Readonly<Record<string, string | number>>;
  readonly threads?: number;
}

export class DeepPotential implements Potential {
  readonly name: string;
  readonly species: readonly string[];
  readonly cutoff: number;
  readonly isa: Isa;
  readonly parameters: DeepPotentialParameters;
  readonly #model: ModelFile;
  readonly #handle: NativePotential;
  /** Type index by symbol. */
  readonly #typeOf: ReadonlyMap<string, number>;
  readonly #threads: number | undefined;

  constructor(model: ModelFile, options: DeepPotentialOptions = {}) {
    this.#model = model;
    this.parameters = model.parameters;
    this.name = model.name;
    this.cutoff = model.parameters.cutoff;
    this.isa = chooseIsa(options.isa);
    this.#threads = options.threads;
    this.#typeOf = typeMap(model, options.types);
    this.species = options.types ? [...this.#typeOf.keys()] : model.parameters.typeNames;
    this.#handle = native(() => nativeAddon().createDeepPotential(nativeParameters(model.parameters), this.isa));
  }

  /** Whether neighbours beyond `sel` may be added: exact and smooth where empty slots give nothing (davg = 0). */
  get canGrow(): boolean {
    return this.parameters.descriptors.every(emptySlotsGiveNothing);
  }

  info(): PotentialInfo {
    const { parameters, sha256, file, name } = this.#model;
    return {
      name,
      file,
      sha256,
      type: this.parameters.descriptors.map((d) => d.label).join(' + '),
      species: this.species,
      cutoff: this.cutoff,
      precision: 'double',
      isa: this.isa,
      compression: parameters.descriptors.some((d) => d.tables) ? 'file' : 'none',
      details: modelSummary(this.#model) as unknown as Record<string, unknown>,
    };
  }

  typesOf(structure: Pick<Structure, 'species'>): Int32Array {
    const unknown = new Map<string, number>();
    const types = Int32Array.from(structure.species, (z) => {
      const symbol = SYMBOLS[z]!;
      const type = this.#typeOf.get(symbol);
      if (type === undefined) unknown.set(symbol, (unknown.get(symbol) ?? 0) + 1);
      return type ?? -1;
    });
    if (unknown.size > 0) {
      const list = [...unknown].map(([symbol, count]) => `${symbol} (${count} atom${count === 1 ? '' : 's'})`).join(', ');
      const known = this.species.length > 0 ? this.species.join(', ') : `${this.parameters.ntypes} types without names`;
      throw new PotentialError('MODEL_UNKNOWN_SPECIES', `model ${this.name} does not know ${list}; it knows ${known}`, {
        atom: structure.species.findIndex((z) => unknown.has(SYMBOLS[z]!)),
        species: [...unknown.keys()],
        hint:
          this.species.length > 0
            ? 'use a model trained on these species, or map them with --types (types: in a study), such as --types O=A'
            : 'say which type is which with --types (types: in a study), such as --types O=0,H=1',
      });
    }
    return types;
  }

  async evaluate(structure: Structure, options: ForceFieldOptions & { signal?: AbortSignal } = {}): Promise<Evaluation> {
    requireStructure(structure, 'evaluate');
    const types = this.typesOf(structure);
    return evaluateOnce(structure, (arrays) => this.bind(types, structure.pbc, arrays, options), options.signal);
  }

  bind(
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions = {},
  ): ForceField {
    const selOverflow = options.selOverflow ?? 'truncate';
    if (selOverflow === 'grow' && !this.canGrow) {
      throw new PotentialError(
        'SEL_CANNOT_GROW',
        `model ${this.name}: neighbours beyond sel cannot be added, empty slots of this model contribute`,
        {
          key: 'sel-overflow',
          hint: 'use truncate (what DeePMD-kit does) or stop',
        },
      );
    }
    const context = {
      potential: this.#handle,
      inspect: (evaluator: NativeEvaluator, warn: (code: string, message: string) => void) =>
        this.#warnOverflow(evaluator.overflow, selOverflow, warn),
      explain: (error: IonclayError) => this.#explain(error),
    };
    return new NativeForceField(context, types, pbc, arrays, {
      ...options,
      threads: options.threads ?? this.#threads,
      selOverflow,
    });
  }

  #nameOfType(type: number): string {
    return this.parameters.typeNames[type] ?? `type ${type}`;
  }

  /** What fills a group of slots, for messages: neighbours of one type, or of all where the groups are mixed. */
  #neighboursOf(descriptor: Descriptor, group: number): string {
    return descriptor.mixed ? 'neighbours' : `neighbours of ${this.#nameOfType(group)}`;
  }

  /** ` of descriptor 1 (se_e2_r)` where there are several. */
  #whose(index: number): string {
    const { descriptors } = this.parameters;
    return descriptors.length > 1 ? ` of descriptor ${index} (${descriptors[index]!.label})` : '';
  }

  /** `overflow`: [descriptor][T][2], most neighbours beyond sel and how many atoms had any; mixed groups use the entry of type 0. */
  #warnOverflow(overflow: Int32Array, rule: SelOverflow, warn: (code: string, message: string) => void): void {
    const { descriptors, ntypes } = this.parameters;
    for (const [index, descriptor] of descriptors.entries()) {
      for (const [group, sel] of descriptor.sel.entries()) {
        const at = 2 * (index * ntypes + group);
        const beyond = overflow[at]!;
        if (!beyond) continue;
        const what = `${overflow[at + 1]} atoms have more than ${sel} ${this.#neighboursOf(descriptor, group)} (up to ${sel + beyond})${this.#whose(index)}`;
        const code = descriptors.length > 1 ? `${index}_${group}` : `${group}`;
        if (rule === 'grow')
          warn(`SEL_GROWN_${code}`, `${what}: all of them count, which is exact for this model (empty slots give nothing)`);
        else warn(`SEL_TRUNCATED_${code}`, `${what}: only the nearest ${sel} count, the energy is not smooth there`);
      }
    }
  }

  #explain(error: IonclayError): Error {
    if (error.code === 'SEL_OVERFLOW') {
      const group = Number(error.details.type);
      const count = Number(error.details.count);
      const index = Number(error.details.descriptor ?? 0);
      const descriptor = this.parameters.descriptors[index]!;
      return new PotentialError(
        'SEL_OVERFLOW',
        `model ${this.name} has ${descriptor.sel[group]} slots for ${this.#neighboursOf(descriptor, group)}${this.#whose(index)}, atom ${error.atom} has ${count}`,
        {
          atom: error.atom,
          type: descriptor.mixed ? undefined : this.#nameOfType(group),
          count,
          hint: this.canGrow
            ? 'sel-overflow: grow counts all of them, exactly'
            : 'the structure is denser than the model was made for; sel-overflow: truncate drops the farthest',
        },
      );
    }
    return new PotentialError(error.code, error.message, { ...error.details, atom: error.atom, cause: error.cause });
  }
}

/** Symbols to type numbers: by the model's names, or as the caller says. */
function typeMap(model: ModelFile, types?: Readonly<Record<string, string | number>>): Map<string, number> {
  const names = model.parameters.typeNames;
  if (!types) return new Map(names.map((name, index) => [name, index]));
  return new Map(
    Object.entries(types).map(([symbol, target]) => {
      const byName = names.indexOf(String(target));
      const index = byName >= 0 ? byName : Number(target);
      if (!Number.isInteger(index) || index < 0 || index >= model.parameters.ntypes) {
        throw new PotentialError('MODEL_UNKNOWN_TYPE', `types: ${symbol}=${target}: model ${model.name} has no such type`, {
          key: `types.${symbol}`,
          hint: names.length > 0 ? `type names: ${names.join(', ')}` : `type numbers: 0 to ${model.parameters.ntypes - 1}`,
        });
      }
      return [symbol, index];
    }),
  );
}
