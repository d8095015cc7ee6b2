/** Exact distributions (dynamics.md 5, 8.1 and 19 C8, D): fixed seeds, 4 sigma with block errors, each with a variant that must fail. */
import { nve, nvt } from '../../lib/dynamics/ensembles.js';
import type { StepContext } from '../../lib/dynamics/integrator.js';
import { LangevinBaoab } from '../../lib/dynamics/langevin.js';
import { Simulation } from '../../lib/dynamics/simulation.js';
import { kick, move } from '../../lib/dynamics/velocity-verlet.js';
import { makeStructure } from '../../lib/structure.js';
import { AMU, BOLTZMANN } from '../../lib/units.js';
import { argon, simulate } from './systems.js';
import { Wells } from './wells.js';

const off = {
  displacement: Infinity,
  force: Infinity,
  temperature: Infinity,
  temperatureRatio: Infinity,
  energyJump: Infinity,
  conservedDrift: Infinity,
  conservedWarning: Infinity,
} as const;
const MASS = 40;

/** `n` atoms of 40 amu far from each other, without a cell. */
const atoms = (n: number, velocities?: Float64Array) =>
  makeStructure({
    species: new Uint8Array(n).fill(18),
    positions: Float64Array.from({ length: 3 * n }, (_, k) => (k % 3 === 0 ? 10 * k : 0)),
    masses: new Float64Array(n).fill(MASS),
    velocities,
  });

/** Stiffness (eV/A^2) of a well with w dt = `wdt` at dt = 1 fs. */
const stiffness = (wdt: number) => MASS * AMU * wdt ** 2;

/** Mean and its error from 20 blocks. */
function blockMean(values: readonly number[]): { mean: number; error: number } {
  const blocks = 20;
  const size = Math.floor(values.length / blocks);
  const means = Array.from(
    { length: blocks },
    (_, b) => values.slice(b * size, (b + 1) * size).reduce((sum, x) => sum + x, 0) / size,
  );
  const mean = means.reduce((sum, x) => sum + x, 0) / blocks;
  return { mean, error: Math.sqrt(means.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (blocks * (blocks - 1))) };
}

describe('velocity Verlet on a harmonic mode (C8)', () => {
  const oscillator = (wdt: number) =>
    new Simulation({
      structure: atoms(1, Float64Array.of(0.01, 0, 0)),
      potential: new Wells(stiffness(wdt)),
      ensemble: nve(),
      velocities: 'file',
      degreesOfFreedom: 3,
      removeDrift: false,
      skin: 0,
      limits: off,
    });

  test.each([0.1, 0.5, 1, 1.9])('w dt = %d: frequency (2/dt) asin(w dt/2), and the modified energy is exact', async (wdt) => {
    const simulation = oscillator(wdt);
    const effective = 2 * Math.asin(wdt / 2);
    const factor = Math.sqrt(1 - wdt ** 2 / 4);
    for (let n = 1; n <= 100; n++) {
      await simulation.advance({ steps: 1 });
      const { positions, velocities } = simulation.state();
      // From x = 0, v = v0: x_n = v0 sin(n W)/(w sqrt(1 - (w dt)^2/4)), v_n = v0 cos(n W). Its means give m<v^2>/m w^2<x^2> = 1 - (w dt)^2/4.
      expect(Math.abs(positions[0]! - (0.01 * Math.sin(n * effective)) / (wdt * factor))).toBeLessThan(
        1e-10 * (0.01 / (wdt * factor)),
      );
      expect(Math.abs(velocities[0]! - 0.01 * Math.cos(n * effective))).toBeLessThan(1e-12);
    }
    // The frequency without its shift would be off by far more than the limit.
    expect(Math.abs(Math.cos(100 * effective) - Math.cos(100 * wdt))).toBeGreaterThan(1e-3);
    await simulation.close();
  });

  test('beyond w dt = 2 it is unstable', async () => {
    const simulation = oscillator(2.05);
    await simulation.advance({ steps: 100 });
    expect(Math.abs(simulation.state().positions[0]!)).toBeGreaterThan(1);
    await simulation.close();
  });
});

/** Noise outside the moves (OBABO): a right thermostat with another error, here the WRONG one to tell apart. */
class Obabo extends LangevinBaoab {
  override async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    kick(state, timestep / 2);
    move(state, timestep);
    await context.computeForces();
    kick(state, timestep / 2);
    (this as unknown as { exchange(context: StepContext): void }).exchange(context);
  }
}

describe('Langevin on harmonic modes (D6) and free particles (D5)', () => {
  const kT = BOLTZMANN * 300;

  test.each([0.5, 1])(
    'linear recursion of BAOAB at w dt = %d: m w^2 <x^2> = kT and m <v^2> = kT (1 - (w dt)^2/4) to rounding',
    async (wdt) => {
      const gamma = 0.3;
      // The step is linear: its matrix from two runs without noise (friction alone), its noise from the O step through the same matrices.
      const w2 = wdt ** 2;
      const c = Math.exp(-gamma);
      const b = [
        [1, 0],
        [-w2 / 2, 1],
      ];
      const a = [
        [1, 0.5],
        [0, 1],
      ];
      const o = [
        [1, 0],
        [0, c],
      ];
      const times = (p: number[][], q: number[][]) =>
        p.map((row) => [0, 1].map((j) => row[0]! * q[0]![j]! + row[1]! * q[1]![j]!));
      const after = times(b, a);
      const matrix = times(times(times(after, o), a), b);
      // Integrator against matrix at zero noise: temperature so low that the noise vanishes against 1e-12.
      const structure = atoms(1, Float64Array.of(0.01, 0, 0));
      const cold = nvt({ temperature: 1e-30, thermostat: { langevin: { friction: gamma } } });
      const options = {
        structure,
        potential: new Wells(stiffness(wdt)),
        ensemble: cold,
        velocities: 'file' as const,
        seed: 1,
        limits: off,
      };
      const simulation = new Simulation(options);
      await simulation.advance({ steps: 1 });
      const { positions, velocities } = simulation.state();
      expect(Math.abs(positions[0]! - 0.01 * matrix[0]![1]!)).toBeLessThan(1e-14);
      expect(Math.abs(velocities[0]! - 0.01 * matrix[1]![1]!)).toBeLessThan(1e-14);
      await simulation.close();
      // Covariance S = M S M^T + N by iteration; noise (1 - c^2) kT/m enters v before the last A and B.
      const noise = [
        [0, 0],
        [0, 1 - c * c],
      ];
      const transpose = (p: number[][]) => [
        [p[0]![0]!, p[1]![0]!],
        [p[0]![1]!, p[1]![1]!],
      ];
      const added = times(times(after, noise), transpose(after));
      let s = [
        [0, 0],
        [0, 0],
      ];
      for (let k = 0; k < 400; k++) {
        const moved = times(times(matrix, s), transpose(matrix));
        s = moved.map((row, i) => row.map((x, j) => x + added[i]![j]!));
      }
      expect(Math.abs(w2 * s[0]![0]! - 1)).toBeLessThan(1e-12);
      expect(Math.abs(s[1]![1]! - (1 - w2 / 4))).toBeLessThan(1e-12);
    },
  );

  test('sampled at w dt = 1: <x^2> is right, <v^2> low by a quarter; OBABO has it the other way', async () => {
    const measure = async (integrator: LangevinBaoab) => {
      const options = {
        structure: atoms(100),
        potential: new Wells(stiffness(1)),
        velocities: { temperature: 300 },
        seed: 3,
        limits: off,
      };
      const simulation = new Simulation({ ...options, ensemble: { integrator, temperature: 300 } });
      await simulation.advance({ steps: 50 });
      const x2: number[] = [];
      const v2: number[] = [];
      const start = Float64Array.from({ length: 300 }, (_, k) => (k % 3 === 0 ? 10 * k : 0));
      for (let k = 0; k < 1000; k++) {
        await simulation.advance({ steps: 1 });
        const { positions, velocities } = simulation.state();
        x2.push((stiffness(1) * positions.reduce((sum, x, i) => sum + (x - start[i]!) ** 2, 0)) / (300 * kT));
        v2.push((MASS * AMU * velocities.reduce((sum, v) => sum + v * v, 0)) / (300 * kT));
      }
      await simulation.close();
      return { x: blockMean(x2), v: blockMean(v2) };
    };
    const settings = { friction: 0.3, removeDrift: false };
    const { x, v } = await measure(new LangevinBaoab(settings));
    expect(Math.abs(x.mean - 1)).toBeLessThan(4 * x.error);
    expect(Math.abs(v.mean - 0.75)).toBeLessThan(4 * v.error);
    // The power of the test: a noise amplitude off by 5 % is 10 % in both.
    expect(4 * x.error).toBeLessThan(0.05);
    const wrong = await measure(new Obabo(settings));
    expect(Math.abs(wrong.x.mean - 1)).toBeGreaterThan(4 * wrong.x.error);
    expect(Math.abs(wrong.x.mean - 4 / 3)).toBeLessThan(4 * wrong.x.error);
  });

  test('free particles: velocity autocorrelation (kT/m) exp(-gamma t), MSD to 6 kT/(m gamma) t', async () => {
    const gamma = 0.05;
    const n = 500;
    const structure = atoms(n);
    const ensemble = nvt({ temperature: 300, thermostat: { langevin: { friction: gamma } } });
    const simulation = new Simulation({ structure, potential: new Wells(0), ensemble, seed: 11, limits: off });
    await simulation.advance({ steps: 100 });
    const first = simulation.state();
    const kTm = kT / (MASS * AMU);
    for (const lag of [10, 20, 40]) {
      await simulation.advance({ steps: lag - simulation.step + 100 });
      const now = simulation.state();
      const products = Array.from({ length: 3 * n }, (_, k) => (first.velocities[k]! * now.velocities[k]!) / kTm);
      const { mean, error } = blockMean(products);
      expect(Math.abs(mean - Math.exp(-gamma * lag))).toBeLessThan(4 * error);
      expect(Math.abs(mean - 1)).toBeGreaterThan(4 * error);
    }
    await simulation.advance({ steps: 960 });
    const t = 1000;
    const moved = simulation.state().drift;
    const squares = Array.from({ length: n }, (_, i) =>
      [0, 1, 2].reduce((sum, k) => sum + (moved[3 * i + k]! - first.drift[3 * i + k]!) ** 2, 0),
    );
    const { mean, error } = blockMean(squares);
    // Ornstein-Uhlenbeck: 6 kT/(m gamma^2) (gamma t - 1 + exp(-gamma t)); BAOAB samples it with gamma -> (2/dt) tanh(gamma dt/2), 2e-4 here.
    const expected = (6 * kTm * (gamma * t - 1 + Math.exp(-gamma * t))) / gamma ** 2;
    expect(Math.abs(mean - expected)).toBeLessThan(4 * error);
    expect(4 * error).toBeLessThan(0.3 * expected);
    await simulation.close();
  });
});

describe('kinetic energy in the canonical ensemble (D1, D2, D3)', () => {
  /** Liquid-like argon under a thermostat: kinetic energies and per-axis energies of thinned samples, in kT. */
  async function sample(thermostat: Parameters<typeof nvt>[0]['thermostat'], temperature: number) {
    const simulation = simulate(argon(2, 5.9), nvt({ temperature, thermostat }), {
      timestep: 5,
      skin: 2,
      limits: { rebuilds: Infinity },
    });
    await simulation.advance({ steps: 400 });
    const kT = BOLTZMANN * temperature;
    const total: number[] = [];
    const axes: number[][] = [[], [], []];
    const components: number[] = [];
    // Every 40 steps = 0.2 ps, about the correlation time of the kinetic energy under these couplings.
    for (let k = 0; k < 600; k++) {
      await simulation.advance({ steps: 40 });
      const { masses, velocities } = simulation.state();
      total.push(simulation.measure().kinetic_energy_eV / kT);
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let i = 0; i < masses.length; i++) sum += masses[i]! * velocities[3 * i + axis]! ** 2;
        axes[axis]!.push(sum / kT);
      }
      for (let i = 0; i < velocities.length; i += 5) components.push(velocities[i]! * Math.sqrt(masses[Math.floor(i / 3)]! / kT));
    }
    const { degreesOfFreedom } = simulation;
    await simulation.close();
    return { total, axes, components, degreesOfFreedom, natoms: 32 };
  }

  test.each([
    ['Nose-Hoover', { noseHoover: { damping: 200 } }],
    ['Langevin', { langevin: { friction: '5 /ps' } }],
  ] as const)('%s', async (_, thermostat) => {
    const { total, axes, components, degreesOfFreedom: freedom, natoms } = await sample(thermostat, 120);
    const { mean, error } = blockMean(total);
    // Gamma(N_f/2): mean N_f/2, variance N_f/2 in units of kT and (kT)^2. BAOAB's <v^2> is low by (w dt)^2/4, 1e-3 at 5 fs for argon.
    expect(Math.abs(mean - freedom / 2)).toBeLessThan(4 * error + 1e-3 * (freedom / 2));
    // N_f off by 3, the classical slip, must not pass.
    expect(Math.abs(mean - (freedom - 3) / 2)).toBeGreaterThan(4 * error);
    expect(Math.abs(mean - (freedom + 3) / 2)).toBeGreaterThan(4 * error);
    const variance = blockMean(total.map((x) => (x - mean) ** 2));
    expect(Math.abs(variance.mean - freedom / 2)).toBeLessThan(4 * variance.error);
    expect(4 * variance.error).toBeLessThan(0.5 * (freedom / 2));
    for (const axis of axes) {
      const own = blockMean(axis);
      expect(Math.abs(own.mean - freedom / 3)).toBeLessThan(4 * own.error + 1e-3 * (freedom / 3));
    }
    // Components: variance kT/m (less the share of the fixed centre of mass), fourth moment three times its square.
    const second = blockMean(components.map((x) => x * x));
    const fourth = blockMean(components.map((x) => x ** 4));
    const expected = freedom / (3 * natoms);
    expect(Math.abs(second.mean - expected)).toBeLessThan(4 * second.error + 1e-3);
    expect(Math.abs(fourth.mean - 3 * expected ** 2)).toBeLessThan(4 * fourth.error + 1e-2);
    expect(4 * fourth.error).toBeLessThan(0.5);
  });
});
