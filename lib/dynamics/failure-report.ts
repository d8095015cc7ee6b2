/** Turns an alarm into the error of dynamics.md 17: which atoms, what they looked like, and what probably happened. */
import { SYMBOLS } from '../elements.js';
import { SimulationError } from '../errors.js';
import { closestPair, contactDistance, nearestNeighbours, type PairDistance } from './closest-pair.js';
import { temperatureOf } from './kinetic.js';
import type { Stage } from './stage.js';
import { inUserFrame, type System } from './system.js';
import { stressOf } from './thermo.js';
import type { Alarm, FailureCode, Moment, StepRow } from './watchdog.js';

/** Farther than this no atom counts as a neighbour in a report, A. */
const REACH = 5;

const SENTENCES: Readonly<Record<FailureCode, (alarm: Alarm, who: string) => string>> = {
  NONFINITE_FORCE: (alarm, who) => `the force on ${who} is ${alarm.value}`,
  NONFINITE_ENERGY: (alarm) => `the potential energy is ${alarm.value}`,
  NONFINITE_STATE: (alarm, who) => `position or velocity of ${who} is ${alarm.value}`,
  ATOM_TOO_FAST: (alarm, who) => `${who} moves ${text(alarm.value)} A in one step, the limit is ${text(alarm.limit)} A`,
  FORCE_TOO_LARGE: (alarm, who) => `the force on ${who} is ${text(alarm.value)} eV/A, the limit is ${text(alarm.limit)} eV/A`,
  ENERGY_JUMP: (alarm) =>
    `the potential energy jumped by ${text(alarm.value)} eV/atom in one step, the limit is ${text(alarm.limit)}`,
  TEMPERATURE_RUNAWAY: (alarm) => `the temperature is ${text(alarm.value)} K, the limit is ${text(alarm.limit)} K`,
  NEIGHBOUR_OVERFLOW: (alarm) => `the neighbour list had to be built ${alarm.value} steps in a row: atoms outrun its skin`,
  CONSERVATION: (alarm) =>
    `the conserved quantity has left its start by ${text(alarm.value)} eV/atom, the limit is ${text(alarm.limit)} eV/atom`,
};

const text = (x: number) => String(Number(x.toPrecision(4)));

export interface Failure {
  readonly alarm: Alarm;
  readonly system: System;
  readonly stage: Stage;
  /** The state before the step. */
  readonly before: Moment;
  readonly rows: readonly StepRow[];
  readonly kinetic: number;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the potential threw, where it gave up itself. */
  readonly cause?: unknown;
}

/** The error; its details are plain data, keys ending in their unit, positions and velocities in the user's frame. */
export function failureError(failure: Failure): SimulationError {
  const { alarm, system, stage, before } = failure;
  const { state } = stage;
  const neighbours = nearestNeighbours(state, REACH);
  const closest = closestPair(neighbours);
  const closestBefore = closestPair(nearestNeighbours({ ...state, positions: before.positions }, REACH));
  const worst = worstAtoms(failure);
  const atom = alarm.atom ?? worst[0];
  const symbol = (i: number) => SYMBOLS[system.structure.species[i]!]!;
  const who = atom === undefined ? 'an atom' : `atom ${atom} (${symbol(atom)})`;
  const time = stage.step * stage.timestep;
  const stress = stressOf(state);
  const causes = likelyCauses(failure, closestBefore);
  const pair = (found: PairDistance | null) =>
    found && { atoms: found.atoms, species: found.atoms.map(symbol), distance_A: found.distance };
  return new SimulationError(alarm.code, `step ${stage.step} (${text(time)} fs): ${SENTENCES[alarm.code](alarm, who)}`, {
    atom,
    hint: causes[0],
    cause: failure.cause,
    step: stage.step,
    global_step: stage.globalStep,
    time_fs: time,
    value: alarm.value,
    limit: alarm.limit,
    unit: alarm.unit,
    worst_atoms: worst.map((i) => ({
      atom: i,
      species: symbol(i),
      position_A: inUserFrame(state.positions.subarray(3 * i, 3 * i + 3), system.rotation).map(
        (x, k) => x + system.structure.origin[k]!,
      ),
      velocity_A_per_fs: inUserFrame(state.velocities.subarray(3 * i, 3 * i + 3), system.rotation),
      force_eV_per_A: inUserFrame(state.forces.subarray(3 * i, 3 * i + 3), system.rotation),
      energy_eV: state.atomEnergies[i]!,
      nearest: neighbours[i] && {
        atom: neighbours[i].atoms[1],
        species: symbol(neighbours[i].atoms[1]),
        distance_A: neighbours[i].distance,
      },
    })),
    closest_pair: pair(closest),
    closest_pair_before: pair(closestBefore),
    cell_A: system.structure.cell ? Array.from(state.cell) : null,
    volume_A3: system.structure.cell ? state.cell[0]! * state.cell[4]! * state.cell[8]! : null,
    temperature_K: temperatureOf(failure.kinetic, stage.degreesOfFreedom),
    stress_GPa: stress && Array.from(stress),
    last_rows: failure.rows,
    last_good_step: before.step,
    settings: failure.settings,
    likely_causes: causes,
  });
}

/** Up to five atoms: those that the alarm is about first, by speed or by force. */
function worstAtoms({ alarm, stage }: Failure): number[] {
  const { natoms, velocities, forces } = stage.state;
  const array = alarm.code === 'ATOM_TOO_FAST' ? velocities : forces;
  const size = Array.from({ length: natoms }, (_, i) => {
    const square = array[3 * i]! ** 2 + array[3 * i + 1]! ** 2 + array[3 * i + 2]! ** 2;
    return Number.isNaN(square) ? Infinity : square;
  });
  const order = size.map((_, i) => i).sort((a, b) => size[b]! - size[a]! || a - b);
  const first = alarm.atom === undefined ? [] : [alarm.atom];
  return [...first, ...order.filter((i) => i !== alarm.atom)].slice(0, 5).filter((i) => i < natoms);
}

/** Plain sentences, the likeliest first, each with the number that speaks for it. */
function likelyCauses({ alarm, system, stage, before, rows }: Failure, closest: PairDistance | null): string[] {
  const { species } = system.structure;
  const { state, timestep } = stage;
  const causes: { weight: number; sentence: string }[] = [];
  if (closest) {
    const [i, j] = closest.atoms;
    const ratio = closest.distance / contactDistance(species[i]!, species[j]!);
    if (ratio < 0.6) {
      const pair = `atoms ${i} (${SYMBOLS[species[i]!]}) and ${j} (${SYMBOLS[species[j]!]})`;
      const sentence = `overlapping atoms: before this step ${pair} were ${text(closest.distance)} A apart; relax the structure first or check its cell and units`;
      causes.push({ weight: before.step < 10 ? 4 : 2, sentence });
    }
  }
  const light = system.masses.findIndex((m) => m < 0.5);
  const heavy = system.masses.findIndex((m) => m > 300);
  const odd = light >= 0 ? light : heavy;
  if (odd >= 0) {
    causes.push({
      weight: 5,
      sentence: `wrong unit of mass: atom ${odd} (${SYMBOLS[species[odd]!]}) has ${text(system.masses[odd]!)} amu`,
    });
  }
  const stress = stressOf(state);
  if (stress?.some((x) => Math.abs(x) > 1e4)) {
    causes.push({
      weight: 3,
      sentence: 'wrong unit of length: the stress is beyond 10,000 GPa; are the cell and the positions in Angstrom?',
    });
  }
  let speed = 0;
  for (let i = 0; i < state.natoms; i++) {
    const v2 = before.velocities[3 * i]! ** 2 + before.velocities[3 * i + 1]! ** 2 + before.velocities[3 * i + 2]! ** 2;
    speed = Math.max(speed, v2);
  }
  if (Math.sqrt(speed) * timestep > 0.1 || alarm.code === 'CONSERVATION') {
    const moved = Math.sqrt(speed) * timestep;
    const farthest = text(moved);
    // The step at which the fastest atom would have moved 0.1 A, and in any case a shorter one than this.
    const better = text(timestep * Math.min(0.5, 0.1 / moved));
    causes.push({
      weight: timestep > 5 ? 4.5 : 2.5,
      sentence: `time step too long: ${text(timestep)} fs moved an atom ${farthest} A in the step before; try ${better} fs or less`,
    });
  }
  const force = rows.at(-1)?.max_force_eV_per_A ?? 0;
  if (alarm.code.startsWith('NONFINITE') || force > 50) {
    causes.push({
      weight: 2,
      sentence:
        'the potential is outside its training range: forces this large were hardly in its data; look at the last good frame',
    });
  }
  if (speed === 0 && before.step === 0) causes.push({ weight: 1, sentence: 'no start velocities were given' });
  if (causes.length === 0)
    causes.push({
      weight: 0,
      sentence:
        'look at the last good frame and the rows before this step; a shorter time step tells a bad potential from bad dynamics',
    });
  return causes.sort((a, b) => b.weight - a.weight).map(({ sentence }) => sentence);
}
