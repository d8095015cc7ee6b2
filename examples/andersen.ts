/**
 * An integrator of your own: velocity Verlet with an Andersen thermostat (Andersen, J. Chem. Phys. 72, 2384 (1980), section V): each
 * atom meets the bath at a given rate and then takes a new velocity from the Maxwell-Boltzmann distribution. A page of code; sampling, checkpoints,
 * progress and cancellation come from Simulation.
 *
 *     const ensemble = { integrator: new Andersen('300 K', '10 /ps'), temperature: '300 K' };
 *     const simulation = new Simulation({ structure, potential, ensemble, seed: 1 });
 */
import { BOLTZMANN, fillNormals, type Integrator, quantity, type SavedValues, type StepContext, uniformPair } from 'ionclay';

/** Random streams from 100 on are the user's (dynamics.md 10.3). */
const COLLISIONS = 100;
const VELOCITIES = 101;

export class Andersen implements Integrator {
  readonly name = 'andersen';
  readonly conservesMomentum = false;
  readonly #kT: number;
  readonly #rate: number;
  /** Energy that the bath has given, eV: U + K - heat is conserved. */
  #heat = 0;

  constructor(temperature: number | string, rate: number | string) {
    this.#kT = BOLTZMANN * quantity(temperature, 'temperature', 'temperature');
    this.#rate = quantity(rate, 'rate', 'rate');
  }

  begin(): void {
    this.#heat = 0;
  }

  async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    const kick = () => {
      for (let i = 0; i < 3 * state.natoms; i++) {
        const atom = Math.floor(i / 3);
        if (!state.frozen[atom]) state.velocities[i]! += (0.5 * timestep * state.forces[i]!) / state.masses[atom]!;
      }
    };
    kick();
    for (let i = 0; i < 3 * state.natoms; i++) {
      state.positions[i]! += timestep * state.velocities[i]!;
      state.drift[i]! += timestep * state.velocities[i]!;
    }
    await context.computeForces();
    kick();
    this.#collide(context);
  }

  #collide({ state, seed, globalStep, timestep }: StepContext): void {
    const chance = 1 - Math.exp(-this.#rate * timestep);
    const normals = new Float64Array(3 * state.natoms);
    fillNormals({ seed, purpose: VELOCITIES, step: globalStep }, 0, normals);
    for (let atom = 0; atom < state.natoms; atom++) {
      const [draw] = uniformPair({ seed, purpose: COLLISIONS, step: globalStep }, atom, 0);
      if (draw >= chance || state.frozen[atom]) continue;
      const mass = state.masses[atom]!;
      for (let k = 3 * atom; k < 3 * atom + 3; k++) {
        const old = state.velocities[k]!;
        state.velocities[k] = Math.sqrt(this.#kT / mass) * normals[k]!;
        this.#heat += 0.5 * mass * (state.velocities[k]! ** 2 - old ** 2);
      }
    }
  }

  conserved({ state }: StepContext): number {
    let kinetic = 0;
    for (let i = 0; i < 3 * state.natoms; i++) kinetic += 0.5 * state.masses[Math.floor(i / 3)]! * state.velocities[i]! ** 2;
    return state.potentialEnergy + kinetic - this.#heat;
  }

  save(): SavedValues {
    return { heat: this.#heat };
  }

  load(saved: SavedValues): void {
    this.#heat = Number(saved.heat);
  }
}
