/**
 * Several Deep Potentials that see the same neighbours: the first one drives, the others say how far they agree with it
 * (deep-potential.md 3.6).
 */
import { type IonclayError, PotentialError } from '../errors.js';
import { requireStructure, type Structure } from '../structure.js';
import type { BoundModel, DeepPotential } from './deep-potential.js';
import { evaluateOnce, type ForceFieldContext, NativeForceField } from './native-force-field.js';
import type { Evaluation, ForceField, ForceFieldArrays, ForceFieldOptions, Potential, PotentialInfo } from './potential.js';

/** What the native side takes. */
const MOST_MEMBERS = 64;

export class Committee implements Potential {
  readonly name: string;
  readonly species: readonly string[];
  readonly cutoff: number;
  readonly #threads: number | undefined;
  #forDynamics: Committee | undefined;

  /** At least two models of the same cutoff and types; errors `COMMITTEE_TOO_SMALL`, `COMMITTEE_TOO_LARGE`, `COMMITTEE_MISMATCH`. */
  constructor(
    readonly members: readonly DeepPotential[],
    options: { readonly threads?: number } = {},
  ) {
    const [first, ...others] = members;
    if (!first || others.length === 0) {
      throw new PotentialError('COMMITTEE_TOO_SMALL', `a committee needs at least two models, got ${members.length}`, {
        key: 'model',
      });
    }
    if (members.length > MOST_MEMBERS) {
      throw new PotentialError('COMMITTEE_TOO_LARGE', `a committee has at most ${MOST_MEMBERS} models, got ${members.length}`, {
        key: 'model',
      });
    }
    for (const other of others) requireSame(first, other);
    this.name = first.name;
    this.species = first.species;
    this.cutoff = first.cutoff;
    this.#threads = options.threads;
  }

  get driving(): DeepPotential {
    return this.members[0]!;
  }

  get canGrow(): boolean {
    return this.members.every((member) => member.canGrow);
  }

  forDynamics(): Committee {
    const members = this.members.map((member) => member.forDynamics());
    if (members.every((member, k) => member === this.members[k])) return this;
    this.#forDynamics ??= new Committee(members, { threads: this.#threads });
    return this.#forDynamics;
  }

  /** Of the driving model, with those of all models under `members`. */
  info(): PotentialInfo {
    const members = this.members.map((member) => member.info());
    // One set of numbers serves all: those of the first member that takes any.
    const fparam = members.find((member) => member.fparam)?.fparam;
    const aparam = members.find((member) => member.aparam)?.aparam;
    return { ...members[0]!, ...(fparam ? { fparam } : {}), ...(aparam ? { aparam } : {}), members };
  }

  typesOf(structure: Pick<Structure, 'species'>): Int32Array {
    return this.driving.typesOf(structure);
  }

  requireAtoms(natoms: number): void {
    for (const member of this.members) member.requireAtoms(natoms);
  }

  /** Numbers of the driving model, and `deviation`. */
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
    const models = this.members.map((member) => member.bound(types.length, selOverflow, options));
    const [first, ...others] = models;
    const context: ForceFieldContext = {
      potential: first!.potential,
      members: others.map(({ potential }) => potential),
      names: this.members.map(({ name }) => name),
      fparam: shared(this.members, models, 'fparam'),
      aparam: shared(this.members, models, 'aparam'),
      notes: models.flatMap(({ notes }, k) => notes.map(({ code, message }) => ({ code: codeOf(code, k), message }))),
      inspect: (evaluator, warn, members) => {
        models.slice(0, members ? undefined : 1).forEach((model, k) => {
          const name = this.members[k]!.name;
          model.inspect(evaluator.memberOverflow(k), (code, message) => warn(codeOf(code, k), `model ${name}: ${message}`));
        });
      },
      explain: (error) => explain(models, error),
    };
    return new NativeForceField(context, types, pbc, arrays, {
      ...options,
      threads: options.threads ?? this.#threads,
      selOverflow,
    });
  }
}

/** Warnings are kept once a code: those of the members have their own. */
const codeOf = (code: string, member: number) => (member === 0 ? code : `${code}_MEMBER_${member}`);

function explain(models: readonly BoundModel[], error: IonclayError): Error {
  return models[Number(error.details.member ?? 0)]!.explain(error);
}

function requireSame(first: DeepPotential, other: DeepPotential): void {
  const differ = (what: string, a: string, b: string) =>
    new PotentialError(
      'COMMITTEE_MISMATCH',
      `models of a committee must have the same ${what}: ${first.name} has ${a}, ${other.name} has ${b}`,
      { key: 'model', hint: 'give models that were trained with the same cutoff and type map' },
    );
  if (first.cutoff !== other.cutoff) throw differ('cutoff', `${first.cutoff} A`, `${other.cutoff} A`);
  const typesOf = ({ parameters }: DeepPotential) =>
    parameters.typeNames.length > 0 ? parameters.typeNames.join(' ') : `${parameters.ntypes} types without names`;
  if (first.parameters.ntypes !== other.parameters.ntypes || typesOf(first) !== typesOf(other)) {
    throw differ('types in the same order', typesOf(first), typesOf(other));
  }
}

/** One set of numbers serves all members that need any. */
function shared(members: readonly DeepPotential[], models: readonly BoundModel[], key: 'fparam' | 'aparam'): Float64Array | null {
  let from = -1;
  models.forEach((model, k) => {
    const values = model[key];
    if (!values) return;
    const known = from < 0 ? undefined : models[from]![key]!;
    if (!known) {
      from = k;
      return;
    }
    if (known.length === values.length && known.every((x, i) => x === values[i])) return;
    throw new PotentialError(
      'COMMITTEE_MISMATCH',
      `${key}: models of a committee must take the same numbers: ${members[from]!.name} has ${known.length === values.length ? [...known].join(', ') : known.length}, ${members[k]!.name} has ${known.length === values.length ? [...values].join(', ') : values.length}`,
      { key, hint: key === 'fparam' ? 'their defaults differ: give the numbers with --fparam (fparam: in a study)' : undefined },
    );
  });
  return from < 0 ? null : models[from]![key];
}
