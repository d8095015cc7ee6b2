/** Deep Potentials: parameters of any file format, evaluated by the native kernels (deep-potential.md 1). */
import { SYMBOLS } from '../elements.js';
import { type IonclayError, PotentialError } from '../errors.js';
import type { Isa, NativeDeepPotential, NativePotential } from '../native/addon.js';
import { chooseIsa, native, nativeAddon } from '../native/loader.js';
import { requireStructure, type Structure } from '../structure.js';
import { nativeParameters } from './deep-potential-native.js';
import type { DeepPotentialParameters, Descriptor, StoredTable, StoredTables } from './deep-potential-parameters.js';
import { type AtomParameters, atomValues, frameValues, parametersHash } from './external-parameters.js';
import { DYNAMICS_COMPRESSION, requireKernel, TABLE_VERSION } from './kernel-options.js';
import type { ModelFile } from './model-file.js';
import { evaluateOnce, type ForceFieldContext, NativeForceField, type Warn } from './native-force-field.js';
import type {
  Compression,
  Evaluation,
  ForceField,
  ForceFieldArrays,
  ForceFieldOptions,
  Potential,
  PotentialInfo,
  Precision,
  SelOverflow,
} from './potential.js';
import { emptySlotsGiveNothing, modelSummary } from './summary.js';

export interface DeepPotentialOptions {
  readonly isa?: Isa;
  /** Maps element symbols to type names or numbers of the model, where they differ or an old model has no names. */
  readonly types?: Readonly<Record<string, string | number>>;
  readonly threads?: number;
  /** Default `double`. */
  readonly precision?: Precision;
  /** Default: `none` (the nets of the file are run) for single evaluations, `auto` for a Simulation. */
  readonly compression?: Compression;
  /** Frame and atom parameters of every evaluation that is not given its own. */
  readonly fparam?: ArrayLike<number>;
  readonly aparam?: AtomParameters;
}

/** What a force field needs of a model, bound to a number of atoms: alone or as a member of a committee. */
export interface BoundModel {
  readonly potential: NativePotential;
  readonly fparam: Float64Array | null;
  readonly aparam: Float64Array | null;
  readonly notes: readonly { readonly code: string; readonly message: string }[];
  /** `overflow` as the evaluator has it for this model. */
  readonly inspect: (overflow: Int32Array, warn: Warn) => void;
  readonly explain: (error: IonclayError) => Error;
}

export class DeepPotential implements Potential {
  readonly name: string;
  readonly species: readonly string[];
  readonly cutoff: number;
  readonly isa: Isa;
  readonly parameters: DeepPotentialParameters;
  readonly #model: ModelFile;
  readonly #options: DeepPotentialOptions;
  #forDynamics: DeepPotential | undefined;
  readonly precision: Precision;
  readonly compression: Compression;
  readonly #handle: NativeDeepPotential;
  /** Type index by symbol. */
  readonly #typeOf: ReadonlyMap<string, number>;
  readonly #threads: number | undefined;
  readonly #fparam: ArrayLike<number> | undefined;
  readonly #aparam: AtomParameters | undefined;

  constructor(model: ModelFile, options: DeepPotentialOptions = {}) {
    this.#model = model;
    this.#options = options;
    this.parameters = model.parameters;
    this.name = model.name;
    this.cutoff = model.parameters.cutoff;
    this.isa = chooseIsa(options.isa);
    this.#threads = options.threads;
    this.precision = options.precision ?? 'double';
    this.compression = options.compression ?? 'none';
    requireKernel(this.precision, this.compression);
    this.#fparam = options.fparam;
    this.#aparam = options.aparam;
    this.#typeOf = typeMap(model, options.types);
    this.species = options.types ? [...this.#typeOf.keys()] : model.parameters.typeNames;
    const kernel = { precision: this.precision, compression: this.compression === 'auto' };
    const parameters = { ...model.parameters, storedTables: this.storedTables };
    this.#handle = native(() => nativeAddon().createDeepPotential(nativeParameters(parameters), this.isa, kernel));
  }

  /** Tables of the file that serve this potential: of the version that the kernel makes, and made for its precision; else null. */
  get storedTables(): StoredTables | null {
    const { storedTables } = this.parameters;
    const fits = storedTables?.version === TABLE_VERSION && storedTables.precision === this.precision;
    return fits && this.compression === 'auto' ? storedTables : null;
  }

  /** The tables that stand for embedding nets, for all pairs of types; those of the file, or made now (seconds). */
  tables(): StoredTables {
    const tables = native(() => this.#handle.tables()) as StoredTable[];
    return { version: TABLE_VERSION, precision: this.precision, tables };
  }

  /** Whether neighbours beyond `sel` may be added: exact and smooth where empty slots give nothing (davg = 0). */
  get canGrow(): boolean {
    return this.parameters.descriptors.every(emptySlotsGiveNothing);
  }

  info(): PotentialInfo {
    const { parameters, sha256, file, name } = this.#model;
    const { frameParameters, atomParameters } = parameters;
    const fparam = this.#fparam ?? frameParameters?.defaults;
    const aparam = this.#aparam;
    return {
      name,
      file,
      sha256,
      type: this.parameters.descriptors.map((d) => d.label).join(' + '),
      species: this.species,
      cutoff: this.cutoff,
      precision: this.precision,
      isa: this.isa,
      compression: this.compression === 'none' && parameters.descriptors.some((d) => d.tables) ? 'file' : this.compression,
      ...(frameParameters && fparam ? { fparam: { values: Array.from(fparam), default: this.#fparam === undefined } } : {}),
      ...(atomParameters && aparam
        ? { aparam: { file: aparam.file, sha256: parametersHash(aparam), columns: aparam.columns } }
        : {}),
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

  forDynamics(): DeepPotential {
    if (this.#options.compression !== undefined || this.compression === DYNAMICS_COMPRESSION) return this;
    this.#forDynamics ??= new DeepPotential(this.#model, { ...this.#options, compression: DYNAMICS_COMPRESSION });
    return this.#forDynamics;
  }

  /** Throws where the parameters that were given do not fit the model, or are missing. */
  requireParameters(): void {
    frameValues(this.name, this.parameters.frameParameters, this.#fparam);
    atomValues(this.name, this.parameters.atomParameters, this.#aparam);
  }

  requireAtoms(natoms: number): void {
    atomValues(this.name, this.parameters.atomParameters, this.#aparam, natoms);
  }

  bind(
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions = {},
  ): ForceField {
    const selOverflow = options.selOverflow ?? 'truncate';
    const model = this.bound(types.length, selOverflow, options);
    const { potential, fparam, aparam, notes, explain } = model;
    const inspect: ForceFieldContext['inspect'] = (evaluator, warn) => model.inspect(evaluator.overflow, warn);
    return new NativeForceField({ potential, fparam, aparam, notes, explain, inspect }, types, pbc, arrays, {
      ...options,
      threads: options.threads ?? this.#threads,
      selOverflow,
    });
  }

  /** The parts of a force field; several models that share one take them from here. */
  bound(natoms: number, rule: SelOverflow, options: Pick<ForceFieldOptions, 'fparam' | 'aparam'> = {}): BoundModel {
    if (rule === 'grow' && !this.canGrow) {
      throw new PotentialError(
        'SEL_CANNOT_GROW',
        `model ${this.name}: neighbours beyond sel cannot be added, empty slots of this model contribute`,
        {
          key: 'sel-overflow',
          hint: 'use truncate (what DeePMD-kit does) or stop',
        },
      );
    }
    const { frameParameters, atomParameters } = this.parameters;
    const frame = frameValues(this.name, frameParameters, options.fparam ?? this.#fparam);
    const own = options.aparam && atomRows(options.aparam, natoms);
    const message = `model ${this.name}: no frame parameters given, its own default is used: ${frame.values?.join(', ')}`;
    return {
      potential: this.#handle,
      fparam: frame.values,
      aparam: atomValues(this.name, atomParameters, own ?? this.#aparam, natoms),
      notes: frame.usesDefault ? [{ code: 'FPARAM_DEFAULT', message }] : [],
      inspect: (overflow, warn) => this.#warnOverflow(overflow, rule, warn),
      explain: (error) => this.#explain(error),
    };
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
  #warnOverflow(overflow: Int32Array, rule: SelOverflow, warn: Warn): void {
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

/** Numbers of N atoms as rows. */
function atomRows(numbers: ArrayLike<number>, natoms: number): AtomParameters {
  const values = Float64Array.from(numbers);
  return { values, rows: natoms, columns: values.length / natoms, file: null };
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
