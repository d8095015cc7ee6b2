/** Langevin dynamics by the BAOAB splitting (Leimkuhler, Matthews 2013; dynamics.md 8.1). */
import { BOLTZMANN } from '../units.js';
import type { Integrator, SavedValues, StepContext } from './integrator.js';
import { kineticEnergy, removeMomentum } from './kinetic.js';
import { fillNormals, PURPOSE } from './random.js';
import { kick, move } from './velocity-verlet.js';

export interface LangevinSettings {
  /** gamma, 1/fs. */
  readonly friction: number;
  /** Projects the noise to zero total momentum: the centre of mass then rests, and N_f = 3N - 3. */
  readonly removeDrift: boolean;
}

export class LangevinBaoab implements Integrator {
  readonly name = 'langevin';
  readonly conservesMomentum: boolean;
  /** Kinetic energy that the bath has given since the start of the stage, eV. */
  heat = 0;
  private noise = new Float64Array(0);

  constructor(readonly settings: LangevinSettings) {
    this.conservesMomentum = settings.removeDrift;
  }

  begin(): void {
    this.heat = 0;
  }

  async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    kick(state, timestep / 2);
    move(state, timestep / 2);
    this.exchange(context);
    move(state, timestep / 2);
    await context.computeForces();
    kick(state, timestep / 2);
  }

  /** U + K - heat: fluctuates as dt^2 and does not drift. */
  conserved({ state }: StepContext): number {
    return state.potentialEnergy + kineticEnergy(state.masses, state.velocities) - this.heat;
  }

  save(): SavedValues {
    return { heat: this.heat };
  }

  load(saved: SavedValues): void {
    this.heat = saved.heat as number;
  }

  /** The exact Ornstein-Uhlenbeck step v <- c v + sqrt((1 - c^2) kT/m) R, c = exp(-gamma dt). */
  private exchange(context: StepContext): void {
    const { state, seed, globalStep } = context;
    const { masses, velocities, frozen, natoms } = state;
    if (this.noise.length !== 3 * natoms) this.noise = new Float64Array(3 * natoms);
    const noise = this.noise;
    fillNormals({ seed, purpose: PURPOSE.langevinParticles, step: globalStep }, 0, noise);
    const c = Math.exp(-this.settings.friction * context.timestep);
    const variance = -Math.expm1(-2 * this.settings.friction * context.timestep) * BOLTZMANN * context.temperature(context.step);
    const before = kineticEnergy(masses, velocities);
    for (let i = 0; i < natoms; i++) {
      const amplitude = frozen[i] ? 0 : Math.sqrt(variance / masses[i]!);
      for (let k = 3 * i; k < 3 * i + 3; k++) noise[k] = frozen[i] ? 0 : amplitude * noise[k]!;
    }
    // Where atoms are frozen these hold the frame, and a projection would move them.
    if (this.settings.removeDrift && !frozen.includes(1)) removeMomentum(masses, noise);
    for (let k = 0; k < velocities.length; k++) velocities[k] = c * velocities[k]! + noise[k]!;
    this.heat += kineticEnergy(masses, velocities) - before;
  }
}
