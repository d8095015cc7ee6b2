/**
 * The reference pair potential: plain double loops over all images, closed forms, one thread. It is the oracle of the native
 * kernels and a force field for tests of integrators that need none of them.
 */
import { determinant, inverse, perpendicularWidths } from '../../lib/cell.js';
import { PotentialError } from '../../lib/errors.js';
import type {
  Evaluation,
  ForceField,
  ForceFieldArrays,
  ForceFieldOptions,
  Potential,
  PotentialInfo,
} from '../../lib/potential/potential.js';
import { type Structure, symbolsOf } from '../../lib/structure.js';
import { EV_PER_A3_IN_GPA } from '../../lib/units.js';
import {
  bareForm,
  type DampedSum,
  dampedSelfEnergy,
  dampedShiftedForce,
  type Form,
  type Parameters,
  type Treatment,
  truncatedForm,
} from './pair-terms.js';

const { sqrt } = Math;

export interface ReferenceTerm {
  readonly form: Form;
  readonly treatment: Treatment;
  readonly cutoff: number;
  /** By pair, such as `Li-Cl`; pairs that are not named have no term. */
  readonly parameters: Readonly<Record<string, Parameters>>;
}

export interface ReferenceForceFieldSpec {
  readonly name: string;
  readonly species: readonly string[];
  readonly masses?: Readonly<Record<string, number>>;
  readonly terms: readonly ReferenceTerm[];
  /** By species, e. */
  readonly charges?: Readonly<Record<string, number>>;
  readonly damped?: DampedSum;
}

type PairFunction = (r: number) => readonly [number, number];

export class ReferencePairPotential implements Potential {
  readonly name: string;
  readonly species: readonly string[];
  readonly cutoff: number;
  readonly masses?: Readonly<Record<string, number>>;
  /** u(r), u'(r) of each ordered type pair, T x T. */
  readonly pairs: readonly PairFunction[];
  /** Self energy by type, eV. */
  readonly selfEnergies: readonly number[];

  constructor(readonly spec: ReferenceForceFieldSpec) {
    this.name = spec.name;
    this.species = spec.species;
    this.masses = spec.masses;
    this.cutoff = Math.max(...spec.terms.map((term) => term.cutoff), spec.damped?.cutoff ?? 0);
    const charge = (symbol: string) => spec.charges?.[symbol] ?? 0;
    this.pairs = spec.species.flatMap((a) => spec.species.map((b) => pairFunction(spec, a, b)));
    this.selfEnergies = spec.species.map((symbol) => (spec.damped ? dampedSelfEnergy(spec.damped, charge(symbol)) : 0));
  }

  info(): PotentialInfo {
    return {
      name: this.name,
      file: null,
      sha256: '',
      type: 'pair',
      species: this.species,
      cutoff: this.cutoff,
      precision: 'double',
      isa: 'baseline',
      compression: 'none',
      details: {},
    };
  }

  typesOf(structure: Pick<Structure, 'species'>): Int32Array {
    return Int32Array.from(symbolsOf(structure), (symbol, atom) => {
      const type = this.species.indexOf(symbol);
      if (type < 0)
        throw new PotentialError('MODEL_UNKNOWN_SPECIES', `${this.name} does not know ${symbol} (atom ${atom})`, { atom });
      return type;
    });
  }

  async evaluate(structure: Structure, _options?: ForceFieldOptions): Promise<Evaluation> {
    const n = structure.species.length;
    const cell = structure.cell ?? new Float64Array(9);
    const arrays: ForceFieldArrays = {
      positions: structure.positions.slice(),
      images: null,
      cell: Float64Array.from(cell),
      forces: new Float64Array(3 * n),
      atomEnergies: new Float64Array(n),
      virial: new Float64Array(9),
    };
    const field = this.bind(this.typesOf(structure), structure.pbc, arrays);
    field.computeSync();
    const volume = structure.cell ? Math.abs(determinant(structure.cell)) : 0;
    return {
      energy: field.energy,
      forces: arrays.forces,
      atomEnergies: arrays.atomEnergies,
      virial: arrays.virial,
      stress: structure.cell ? arrays.virial.map((w) => (-w / volume) * EV_PER_A3_IN_GPA) : null,
      warnings: [],
    };
  }

  bind(
    types: Int32Array,
    pbc: readonly [boolean, boolean, boolean],
    arrays: ForceFieldArrays,
    options: ForceFieldOptions = {},
  ): ReferenceForceField {
    return new ReferenceForceField(this, types, pbc, arrays, options.skin ?? 0);
  }
}

/** Sum of everything that acts between two species; constants at the cutoffs are worked out once. */
function pairFunction(spec: ReferenceForceFieldSpec, a: string, b: string): PairFunction {
  const parts: PairFunction[] = [];
  for (const { form, treatment, cutoff, parameters } of spec.terms) {
    const p = parameters[`${a}-${b}`] ?? parameters[`${b}-${a}`];
    if (!p) continue;
    const [uc, duc] = treatment === 'plain' ? [0, 0] : bareForm(form, p, cutoff);
    const slope = treatment === 'force-shift' ? duc : 0;
    parts.push((r) => {
      if (r >= cutoff) return [0, 0];
      const [u, du] = bareForm(form, p, r);
      return [u - uc - (r - cutoff) * slope, du - slope];
    });
    // The same numbers as the formula of the treatment, at one distance: a slip above would show here.
    const [u, du] = parts.at(-1)!(0.7 * cutoff);
    const [v, dv] = truncatedForm(form, p, treatment, cutoff, 0.7 * cutoff);
    if (u !== v || du !== dv) throw new Error(`reference pair ${a}-${b}: treatment ${treatment} disagrees with its formula`);
  }
  const damped = spec.damped;
  if (damped) {
    const qa = spec.charges?.[a] ?? 0;
    const qb = spec.charges?.[b] ?? 0;
    if (qa * qb !== 0) parts.push(dampedShiftedForce(damped, qa, qb));
  }
  return (r) => {
    let energy = 0;
    let slope = 0;
    for (const part of parts) {
      const [u, du] = part(r);
      energy += u;
      slope += du;
    }
    return [energy, slope];
  };
}

/** One set of atoms: half pair list with image shifts, rebuilt by the criterion of dynamics.md 3.3. */
export class ReferenceForceField implements ForceField {
  energy = 0;
  rebuilds = 0;
  rebuilt = false;
  readonly cutoff: number;
  private pairAtoms = new Int32Array(0);
  private pairShifts = new Float64Array(0);
  private startPositions: Float64Array | null = null;
  private startCell: Float64Array | null = null;
  private aborted = false;

  constructor(
    private readonly potential: ReferencePairPotential,
    private readonly types: Int32Array,
    private readonly pbc: readonly [boolean, boolean, boolean],
    private readonly arrays: ForceFieldArrays,
    readonly skin: number,
  ) {
    this.cutoff = potential.cutoff;
  }

  async compute(): Promise<void> {
    this.computeSync();
  }

  computeSync(): void {
    if (this.aborted) throw new PotentialError('ABORTED', 'the evaluation was aborted');
    this.rebuilt = !this.listHolds();
    if (this.rebuilt) {
      wrap(this.arrays, this.pbc);
      this.startPositions = this.arrays.positions.slice();
      this.startCell = this.arrays.cell.slice();
      this.buildList();
      this.rebuilds++;
    }
    this.sum();
  }

  abort(): void {
    this.aborted = true;
  }

  reference(): { positions: Float64Array; cell: Float64Array } | null {
    if (!this.startPositions || !this.startCell) return null;
    return { positions: this.startPositions.slice(), cell: this.startCell.slice() };
  }

  restore(reference: { positions: Float64Array; cell: Float64Array }): void {
    this.startPositions = reference.positions.slice();
    this.startCell = reference.cell.slice();
    this.buildList();
  }

  warnings(): readonly { code: string; message: string }[] {
    return [];
  }

  dispose(): void {}

  /** u_1 + u_2 <= (1 - |G - 1|_F) r_L - r_c, u the non-affine displacements less their mean. */
  private listHolds(): boolean {
    if (this.skin <= 0 || !this.startPositions || !this.startCell) return false;
    const { positions, cell } = this.arrays;
    const start = this.startPositions;
    const periodic = determinant(cell) !== 0;
    // G = H0^-1 H, the affine part of the motion since the build.
    const affine = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    if (periodic) {
      const back = inverse(this.startCell);
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          let sum = 0;
          for (let k = 0; k < 3; k++) sum += back[3 * i + k]! * cell[3 * k + j]!;
          affine[3 * i + j] = sum;
        }
      }
    }
    let norm = 0;
    for (let k = 0; k < 9; k++) norm += (affine[k]! - (k % 4 === 0 ? 1 : 0)) ** 2;
    const n = positions.length / 3;
    const u = new Float64Array(3 * n);
    const mean = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < 3; c++) {
        let moved = positions[3 * i + c]!;
        for (let k = 0; k < 3; k++) moved -= start[3 * i + k]! * affine[3 * k + c]!;
        u[3 * i + c] = moved;
        mean[c]! += moved / n;
      }
    }
    let first = 0;
    let second = 0;
    for (let i = 0; i < n; i++) {
      const length = Math.hypot(u[3 * i]! - mean[0]!, u[3 * i + 1]! - mean[1]!, u[3 * i + 2]! - mean[2]!);
      if (length > first) [first, second] = [length, first];
      else if (length > second) second = length;
    }
    return first + second <= (1 - Math.sqrt(norm)) * (this.cutoff + this.skin) - this.cutoff;
  }

  /** Every pair (i <= j, n) with |x_j + nH - x_i| < cutoff + skin, each once. */
  private buildList(): void {
    const x = this.startPositions!;
    const h = this.startCell!;
    const n = x.length / 3;
    const reach = this.cutoff + this.skin;
    const widths = determinant(h) === 0 ? null : perpendicularWidths(h);
    const back = widths ? inverse(h) : null;
    // Fractional extent of the atoms: positions need not be wrapped (no images array), so ranges follow from it.
    const span = [0, 1, 2].map((k) => {
      if (!widths || !back || !this.pbc[k]) return 0;
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0; i < n; i++) {
        const s = x[3 * i]! * back[k]! + x[3 * i + 1]! * back[3 + k]! + x[3 * i + 2]! * back[6 + k]!;
        low = Math.min(low, s);
        high = Math.max(high, s);
      }
      return Math.floor(high - low + reach / widths[k]!) + 1;
    });
    const atoms: number[] = [];
    const shifts: number[] = [];
    for (let na = -span[0]!; na <= span[0]!; na++) {
      for (let nb = -span[1]!; nb <= span[1]!; nb++) {
        for (let nc = -span[2]!; nc <= span[2]!; nc++) {
          const sx = na * h[0]! + nb * h[3]! + nc * h[6]!;
          const sy = na * h[1]! + nb * h[4]! + nc * h[7]!;
          const sz = na * h[2]! + nb * h[5]! + nc * h[8]!;
          const forward = na > 0 || (na === 0 && (nb > 0 || (nb === 0 && nc > 0)));
          for (let i = 0; i < n; i++) {
            for (let j = forward ? i : i + 1; j < n; j++) {
              const dx = x[3 * j]! + sx - x[3 * i]!;
              const dy = x[3 * j + 1]! + sy - x[3 * i + 1]!;
              const dz = x[3 * j + 2]! + sz - x[3 * i + 2]!;
              if (dx * dx + dy * dy + dz * dz < reach * reach) {
                atoms.push(i, j);
                shifts.push(na, nb, nc);
              }
            }
          }
        }
      }
    }
    this.pairAtoms = Int32Array.from(atoms);
    this.pairShifts = Float64Array.from(shifts);
  }

  private sum(): void {
    const { positions: x, cell: h, forces, atomEnergies, virial } = this.arrays;
    const { pairs, selfEnergies, species, cutoff } = this.potential;
    const types = this.types;
    forces.fill(0);
    virial.fill(0);
    for (let i = 0; i < types.length; i++) atomEnergies[i] = selfEnergies[types[i]!]!;
    const count = this.pairAtoms.length / 2;
    for (let k = 0; k < count; k++) {
      const i = this.pairAtoms[2 * k]!;
      const j = this.pairAtoms[2 * k + 1]!;
      const na = this.pairShifts[3 * k]!;
      const nb = this.pairShifts[3 * k + 1]!;
      const nc = this.pairShifts[3 * k + 2]!;
      // r = x_i - x_j, the image of j being x_j + nH.
      const dx = x[3 * i]! - x[3 * j]! - (na * h[0]! + nb * h[3]! + nc * h[6]!);
      const dy = x[3 * i + 1]! - x[3 * j + 1]! - (na * h[1]! + nb * h[4]! + nc * h[7]!);
      const dz = x[3 * i + 2]! - x[3 * j + 2]! - (na * h[2]! + nb * h[5]! + nc * h[8]!);
      const r2 = dx * dx + dy * dy + dz * dz;
      if (r2 >= cutoff * cutoff) continue;
      const r = sqrt(r2);
      const [u, du] = pairs[types[i]! * species.length + types[j]!]!(r);
      atomEnergies[i]! += u / 2;
      atomEnergies[j]! += u / 2;
      const f = -du / r;
      forces[3 * i]! += f * dx;
      forces[3 * i + 1]! += f * dy;
      forces[3 * i + 2]! += f * dz;
      forces[3 * j]! -= f * dx;
      forces[3 * j + 1]! -= f * dy;
      forces[3 * j + 2]! -= f * dz;
      virial[0]! += dx * f * dx;
      virial[1]! += dx * f * dy;
      virial[2]! += dx * f * dz;
      virial[4]! += dy * f * dy;
      virial[5]! += dy * f * dz;
      virial[8]! += dz * f * dz;
    }
    virial[3] = virial[1]!;
    virial[6] = virial[2]!;
    virial[7] = virial[5]!;
    this.energy = atomEnergies.reduce((total, e) => total + e, 0);
  }
}

/** Puts atoms into the cell along its periodic directions, counting in `images` (dynamics.md 2.5). */
function wrap({ positions, images, cell }: ForceFieldArrays, pbc: readonly [boolean, boolean, boolean]): void {
  if (!images || determinant(cell) === 0) return;
  const back = inverse(cell);
  for (let i = 0; i < positions.length / 3; i++) {
    for (let k = 0; k < 3; k++) {
      if (!pbc[k]) continue;
      const s = positions[3 * i]! * back[k]! + positions[3 * i + 1]! * back[3 + k]! + positions[3 * i + 2]! * back[6 + k]!;
      const turns = Math.floor(s);
      if (turns === 0) continue;
      for (let c = 0; c < 3; c++) positions[3 * i + c]! -= turns * cell[3 * k + c]!;
      images[3 * i + k]! += turns;
    }
  }
}
