/**
 * Nose-Hoover chain at constant volume (Martyna, Klein, Tuckerman 1992; splitting of Martyna et al. 1996; dynamics.md 6), with
 * Suzuki-Yoshida weights and sub-steps, and the ramp correction of 7.6.
 */
import { BOLTZMANN } from '../units.js';
import type { Integrator, SavedValues, StepContext } from './integrator.js';
import { kineticEnergy } from './kinetic.js';
import { kick, move } from './velocity-verlet.js';

export interface NoseHooverSettings {
  /** T_damp, fs; Q_1 = N_f kT tau^2 without a factor 2 pi. */
  readonly damping: number;
  /** Length of the chain. */
  readonly chain: number;
  /** Suzuki-Yoshida weights of the chain propagator. */
  readonly weights: 1 | 3 | 5 | 7;
  /** Repetitions of the propagator within a half-step. */
  readonly substeps: number;
}

/** Weights g of dynamics.md 6.2 (Suzuki 1991, Yoshida 1990). */
export const SUZUKI_YOSHIDA: Readonly<Record<1 | 3 | 5 | 7, readonly number[]>> = {
  1: [1],
  3: [1.3512071919596578, -1.7024143839193153, 1.3512071919596578],
  5: [0.41449077179437571, 0.41449077179437571, -0.65796308717750285, 0.41449077179437571, 0.41449077179437571],
  7: [
    0.78451361047756, 0.235573213359357, -1.17767998417887, 1.3151863206839, -1.17767998417887, 0.235573213359357,
    0.78451361047756,
  ],
};

export class NoseHooverChain implements Integrator {
  readonly name = 'nose-hoover';
  readonly conservesMomentum = true;
  /** eta_k. */
  eta: Float64Array;
  /** z_k = d eta_k/dt, 1/fs. */
  etaRate: Float64Array;
  /** Accelerations G_k, 1/fs^2; those of k >= 2 outlive the call and belong to the state (6.2). */
  private readonly acceleration: Float64Array;
  /** Target of the last step, K. */
  private target = Number.NaN;
  /** Change of the bath energy by changes of the target alone (7.6), eV. */
  ramp = 0;
  private readonly weights: readonly number[];

  constructor(readonly settings: NoseHooverSettings) {
    this.eta = new Float64Array(settings.chain);
    this.etaRate = new Float64Array(settings.chain);
    this.acceleration = new Float64Array(settings.chain);
    const once = SUZUKI_YOSHIDA[settings.weights].map((g) => g / settings.substeps);
    this.weights = Array.from({ length: settings.substeps }, () => once).flat();
  }

  begin(context: StepContext): void {
    this.eta.fill(0);
    this.etaRate.fill(0);
    this.ramp = 0;
    this.target = context.temperature(0);
    const kT = BOLTZMANN * this.target;
    for (let k = 1; k < this.eta.length; k++) this.acceleration[k] = this.linkAcceleration(k, context.degreesOfFreedom, kT);
  }

  async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    this.setTarget(context.temperature(context.step), context.degreesOfFreedom);
    this.chainHalfStep(context);
    kick(state, timestep / 2);
    move(state, timestep);
    await context.computeForces();
    kick(state, timestep / 2);
    this.chainHalfStep(context);
  }

  /** U + K + chain, less what the ramp put in. */
  conserved({ state, degreesOfFreedom }: StepContext): number {
    const kinetic = kineticEnergy(state.masses, state.velocities);
    return state.potentialEnergy + kinetic + this.bathEnergy(degreesOfFreedom) - this.ramp;
  }

  /** sum Q_k z_k^2/2 + N_f kT eta_1 + kT sum_{k>=2} eta_k with the present target, eV. */
  bathEnergy(freedom: number): number {
    const kT = BOLTZMANN * this.target;
    let energy = 0;
    for (let k = 0; k < this.eta.length; k++) {
      energy += (this.mass(k, freedom, kT) * this.etaRate[k]! ** 2) / 2 + (k === 0 ? freedom : 1) * kT * this.eta[k]!;
    }
    return energy;
  }

  save(): SavedValues {
    return {
      eta: this.eta.slice(),
      etaRate: this.etaRate.slice(),
      acceleration: this.acceleration.slice(),
      target: this.target,
      ramp: this.ramp,
    };
  }

  load(saved: SavedValues): void {
    this.eta.set(saved.eta as Float64Array);
    this.etaRate.set(saved.etaRate as Float64Array);
    this.acceleration.set(saved.acceleration as Float64Array);
    this.target = saved.target as number;
    this.ramp = saved.ramp as number;
  }

  private setTarget(temperature: number, freedom: number): void {
    if (temperature === this.target) return;
    const before = this.bathEnergy(freedom);
    this.target = temperature;
    this.ramp += this.bathEnergy(freedom) - before;
  }

  /** Q_k. */
  private mass(k: number, freedom: number, kT: number): number {
    return (k === 0 ? freedom : 1) * kT * this.settings.damping ** 2;
  }

  /** G_k for k >= 2 (index k >= 1 here). */
  private linkAcceleration(k: number, freedom: number, kT: number): number {
    return (this.mass(k - 1, freedom, kT) * this.etaRate[k - 1]! ** 2 - kT) / this.mass(k, freedom, kT);
  }

  /** The propagator of 6.2 over half a time step; velocities are scaled once, by the product of all factors. */
  private chainHalfStep({ state, timestep, degreesOfFreedom: freedom }: StepContext): void {
    const { eta, etaRate: z, acceleration: g } = this;
    const links = eta.length;
    const kT = BOLTZMANN * this.target;
    const first = this.mass(0, freedom, kT);
    let twiceKinetic = 2 * kineticEnergy(state.masses, state.velocities);
    let scale = 1;
    g[0] = (twiceKinetic - freedom * kT) / first;
    for (const weight of this.weights) {
      const d = weight * timestep;
      const damping = (k: number) => (k + 1 < links ? Math.exp((-d / 8) * z[k + 1]!) : 1);
      for (let k = links - 1; k >= 1; k--) {
        const e = damping(k);
        z[k] = (z[k]! * e + (g[k]! * d) / 4) * e;
      }
      const e1 = damping(0);
      z[0] = (z[0]! * e1 + (g[0]! * d) / 4) * e1;
      const s = Math.exp((-d / 2) * z[0]!);
      scale *= s;
      twiceKinetic *= s * s;
      for (let k = 0; k < links; k++) eta[k]! += (d / 2) * z[k]!;
      g[0] = (twiceKinetic - freedom * kT) / first;
      z[0] = (z[0]! * e1 + (g[0]! * d) / 4) * e1;
      for (let k = 1; k < links; k++) {
        const e = damping(k);
        z[k]! *= e;
        g[k] = this.linkAcceleration(k, freedom, kT);
        z[k] = (z[k]! + (g[k]! * d) / 4) * e;
      }
    }
    const { velocities } = state;
    for (let k = 0; k < velocities.length; k++) velocities[k]! *= scale;
  }
}
