/**
 * Checks of every step (dynamics.md 17, those of a fixed cell), in one pass over the atoms. It keeps the state before the step,
 * so that the last good frame is always at hand.
 */
import type { SystemState } from './state.js';

/** Limits; Infinity switches one off. */
export interface WatchdogLimits {
  /** A: |v| dt of any atom. */
  readonly displacement: number;
  /** eV/A, on atoms that can move. */
  readonly force: number;
  /** Multiple of the target temperature. */
  readonly temperatureRatio: number;
  /** K. */
  readonly temperature: number;
  /** eV/atom that U may change in a step. */
  readonly energyJump: number;
  /** eV/atom that the conserved quantity may leave its value at the start of the stage; a warning comes first. */
  readonly conservedDrift: number;
  readonly conservedWarning: number;
  /** Neighbour lists built in as many steps in a row. */
  readonly rebuilds: number;
}

export const DEFAULT_LIMITS: WatchdogLimits = {
  displacement: 0.3,
  force: 200,
  temperatureRatio: 20,
  temperature: 20_000,
  energyJump: 1,
  conservedDrift: 0.05,
  conservedWarning: 0.005,
  rebuilds: 3,
};

export type FailureCode =
  | 'NONFINITE_FORCE'
  | 'NONFINITE_ENERGY'
  | 'NONFINITE_STATE'
  | 'ATOM_TOO_FAST'
  | 'FORCE_TOO_LARGE'
  | 'ENERGY_JUMP'
  | 'TEMPERATURE_RUNAWAY'
  | 'NEIGHBOUR_OVERFLOW'
  | 'CONSERVATION';

/** What went wrong, before it becomes an error with its report. */
export interface Alarm {
  readonly code: FailureCode;
  readonly atom?: number;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
}

/** Scalars of a step, kept for the report. */
export interface StepRow {
  readonly step: number;
  readonly time_fs: number;
  readonly temperature_K: number | null;
  readonly potential_energy_eV: number;
  readonly kinetic_energy_eV: number;
  readonly conserved_eV: number;
  readonly max_force_eV_per_A: number;
}

/** Positions and what goes with them at one moment. */
export interface Moment {
  step: number;
  readonly positions: Float64Array;
  readonly velocities: Float64Array;
  readonly images: Int32Array;
  potentialEnergy: number;
}

export interface StepFacts {
  readonly step: number;
  readonly timestep: number;
  readonly temperature: number | null;
  readonly target: number | undefined;
  readonly kinetic: number;
  readonly conserved: number;
  readonly rebuilt: boolean;
  readonly skin: number;
}

const ROWS = 20;

export class Watchdog {
  /** The state before the step that is being made, or was made last. */
  readonly before: Moment;
  /** Scalars of the last 20 steps, oldest first. */
  readonly rows: StepRow[] = [];
  /** Largest |sum of forces| seen, eV/A: zero for an exact potential. */
  largestForceSum = 0;
  /** Conserved quantity at the start of the stage, eV. */
  conservedStart = 0;
  rebuildsInRow = 0;
  /** Largest |v| dt of the step, A, and its atom. */
  private fastest = { atom: 0, value: 0 };
  private strongest = { atom: 0, value: 0 };
  private warned = false;

  constructor(
    private readonly state: SystemState,
    readonly limits: WatchdogLimits,
  ) {
    this.before = {
      step: 0,
      positions: state.positions.slice(),
      velocities: state.velocities.slice(),
      images: state.images.slice(),
      potentialEnergy: state.potentialEnergy,
    };
  }

  /** At the start of a stage, with forces known. */
  begin(conserved: number): void {
    this.conservedStart = conserved;
    this.rebuildsInRow = 0;
    this.warned = false;
    this.rows.length = 0;
    this.remember(0);
  }

  /** Before a step: the present state is the last good one. */
  remember(step: number): void {
    const { before, state } = this;
    before.step = step;
    before.positions.set(state.positions);
    before.velocities.set(state.velocities);
    before.images.set(state.images);
    before.potentialEnergy = state.potentialEnergy;
  }

  /** Checks the state at the end of a step; the first alarm by gravity, or undefined. */
  check(facts: StepFacts): Alarm | undefined {
    const found = this.inspectAtoms(facts.timestep);
    this.rows.push({
      step: facts.step,
      time_fs: facts.step * facts.timestep,
      temperature_K: facts.temperature,
      potential_energy_eV: this.state.potentialEnergy,
      kinetic_energy_eV: facts.kinetic,
      conserved_eV: facts.conserved,
      max_force_eV_per_A: this.strongest.value,
    });
    if (this.rows.length > ROWS) this.rows.shift();
    this.rebuildsInRow = facts.rebuilt && facts.skin > 0 ? this.rebuildsInRow + 1 : 0;
    return found ?? this.checkScalars(facts);
  }

  /** What the atoms alone tell; also where the potential itself gave up in the middle of a step. */
  inspectAtoms(timestep: number): Alarm | undefined {
    const { state, limits } = this;
    const { positions, velocities, forces, frozen, natoms } = state;
    let fastest = -1;
    let fastestAtom = 0;
    let strongest = -1;
    let strongestAtom = 0;
    let forceX = 0;
    let forceY = 0;
    let forceZ = 0;
    for (let i = 0; i < natoms; i++) {
      const k = 3 * i;
      const fx = forces[k]!;
      const fy = forces[k + 1]!;
      const fz = forces[k + 2]!;
      const f2 = fx * fx + fy * fy + fz * fz;
      const vx = velocities[k]!;
      const vy = velocities[k + 1]!;
      const vz = velocities[k + 2]!;
      // Products, not powers: a power is a call, and this runs for every atom of every step.
      const v2 = vx * vx + vy * vy + vz * vz;
      const x = positions[k]! + positions[k + 1]! + positions[k + 2]!;
      // x * 0 is NaN for every x that is not finite: one comparison finds all of them.
      if ((f2 + v2 + x) * 0 !== 0) return this.nonfiniteAlarm(i);
      if (v2 > fastest) {
        fastest = v2;
        fastestAtom = i;
      }
      if (f2 > strongest && !frozen[i]) {
        strongest = f2;
        strongestAtom = i;
      }
      forceX += fx;
      forceY += fy;
      forceZ += fz;
    }
    this.largestForceSum = Math.max(this.largestForceSum, Math.sqrt(forceX * forceX + forceY * forceY + forceZ * forceZ));
    this.fastest = { atom: fastestAtom, value: Math.sqrt(Math.max(0, fastest)) * timestep };
    this.strongest = { atom: strongestAtom, value: Math.sqrt(Math.max(0, strongest)) };
    if (this.fastest.value > limits.displacement) {
      return { code: 'ATOM_TOO_FAST', ...this.fastest, limit: limits.displacement, unit: 'A' };
    }
    if (this.strongest.value > limits.force) {
      return { code: 'FORCE_TOO_LARGE', ...this.strongest, limit: limits.force, unit: 'eV/A' };
    }
    return undefined;
  }

  private nonfiniteAlarm(atom: number): Alarm {
    const { forces, velocities, positions } = this.state;
    const worst = (array: Float64Array) => array.subarray(3 * atom, 3 * atom + 3).find((x) => !Number.isFinite(x));
    const force = worst(forces);
    // A force or velocity whose square overflows counts as not finite too.
    const value = force ?? worst(velocities) ?? worst(positions) ?? Number.POSITIVE_INFINITY;
    const code = force === undefined ? 'NONFINITE_STATE' : 'NONFINITE_FORCE';
    return { code, atom, value, limit: Number.MAX_VALUE, unit: force === undefined ? 'A/fs' : 'eV/A' };
  }

  private checkScalars(facts: StepFacts): Alarm | undefined {
    const { limits, state, before } = this;
    const { natoms, potentialEnergy } = state;
    const hot = facts.temperature ?? 0;
    const energyJump = Math.abs(potentialEnergy - before.potentialEnergy) / natoms;
    const drift = Math.abs(facts.conserved - this.conservedStart) / natoms;
    const allowed =
      facts.target === undefined ? limits.temperature : Math.min(limits.temperature, limits.temperatureRatio * facts.target);
    if (!Number.isFinite(potentialEnergy)) {
      return { code: 'NONFINITE_ENERGY', value: potentialEnergy, limit: Number.MAX_VALUE, unit: 'eV' };
    }
    if (energyJump > limits.energyJump)
      return { code: 'ENERGY_JUMP', value: energyJump, limit: limits.energyJump, unit: 'eV/atom' };
    if (hot > allowed) return { code: 'TEMPERATURE_RUNAWAY', value: hot, limit: allowed, unit: 'K' };
    if (facts.skin > 0 && this.fastest.value > facts.skin) {
      return { code: 'ATOM_TOO_FAST', ...this.fastest, limit: facts.skin, unit: 'A' };
    }
    if (this.rebuildsInRow >= limits.rebuilds) {
      return { code: 'NEIGHBOUR_OVERFLOW', value: this.rebuildsInRow, limit: limits.rebuilds, unit: 'list builds in a row' };
    }
    if (!(drift <= limits.conservedDrift) && limits.conservedDrift !== Infinity) {
      return { code: 'CONSERVATION', value: drift, limit: limits.conservedDrift, unit: 'eV/atom' };
    }
    return undefined;
  }

  /** The warning of a slow drift, once a stage; undefined otherwise. */
  driftWarning(conserved: number): string | undefined {
    const drift = Math.abs(conserved - this.conservedStart) / this.state.natoms;
    if (this.warned || !(drift > this.limits.conservedWarning)) return undefined;
    this.warned = true;
    return `the conserved quantity has moved by ${drift.toPrecision(3)} eV/atom since the stage began: the time step may be too long`;
  }

  /** What a checkpoint keeps. */
  save(): { conservedStart: number; rebuildsInRow: number; largestForceSum: number; warned: boolean } {
    const { conservedStart, rebuildsInRow, largestForceSum, warned } = this;
    return { conservedStart, rebuildsInRow, largestForceSum, warned };
  }

  load(saved: ReturnType<Watchdog['save']>): void {
    this.conservedStart = saved.conservedStart;
    this.rebuildsInRow = saved.rebuildsInRow;
    this.largestForceSum = saved.largestForceSum;
    this.warned = saved.warned;
    this.remember(0);
  }
}
