/** Velocity Verlet at constant energy (dynamics.md 5): symplectic, time reversible, second order. */
import type { Integrator, SavedValues, StepContext } from './integrator.js';
import { kineticEnergy } from './kinetic.js';
import type { SystemState } from './state.js';

/** v += time f/m for every atom that moves. */
export function kick(state: SystemState, time: number): void {
  const { velocities, forces, masses, frozen, natoms } = state;
  for (let i = 0; i < natoms; i++) {
    if (frozen[i]) continue;
    const scale = time / masses[i]!;
    velocities[3 * i]! += scale * forces[3 * i]!;
    velocities[3 * i + 1]! += scale * forces[3 * i + 1]!;
    velocities[3 * i + 2]! += scale * forces[3 * i + 2]!;
  }
}

/** x += time v, and the same for the accumulated displacement D (dynamics.md 2.5). */
export function move(state: SystemState, time: number): void {
  const { positions, drift, velocities } = state;
  for (let k = 0; k < positions.length; k++) {
    const step = time * velocities[k]!;
    positions[k]! += step;
    drift[k]! += step;
  }
}

export class VelocityVerlet implements Integrator {
  readonly name = 'velocity-verlet';
  readonly conservesMomentum = true;

  begin(): void {}

  async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    kick(state, timestep / 2);
    move(state, timestep);
    await context.computeForces();
    kick(state, timestep / 2);
  }

  /** U + K. */
  conserved({ state }: StepContext): number {
    return state.potentialEnergy + kineticEnergy(state.masses, state.velocities);
  }

  save(): SavedValues {
    return {};
  }

  load(): void {}
}
