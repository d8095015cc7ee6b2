/** Order, reversibility and conservation of the integrators (dynamics.md 19 C), each with a variant that must fail. */
import type { Ensemble } from '../../lib/dynamics/ensembles.js';
import { nve, nvt } from '../../lib/dynamics/ensembles.js';
import type { Integrator, StepContext } from '../../lib/dynamics/integrator.js';
import { kineticEnergy, momentum } from '../../lib/dynamics/kinetic.js';
import { LangevinBaoab } from '../../lib/dynamics/langevin.js';
import { NoseHooverChain } from '../../lib/dynamics/nose-hoover.js';
import { Simulation, type SimulationOptions } from '../../lib/dynamics/simulation.js';
import { kick, move, VelocityVerlet } from '../../lib/dynamics/velocity-verlet.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { BOLTZMANN } from '../../lib/units.js';
import { argon, largestDifference, nativePotential, rockSalt, simulate } from './systems.js';

const quiet = { limits: { conservedDrift: Infinity, conservedWarning: Infinity, displacement: 2, rebuilds: Infinity } } as const;

/** A state of the dynamics to start from: `fs` of Nose-Hoover dynamics away from the lattice. */
async function warmed(structure: Structure, temperature: number, fs: number, timestep: number): Promise<Structure> {
  const simulation = simulate(structure, nvt({ temperature, thermostat: { noseHoover: { damping: 50 } } }), { timestep });
  await simulation.run({ time: fs });
  const now = simulation.structureNow();
  await simulation.close();
  return now;
}

/** Standard deviation of the conserved quantity over a run, eV. */
async function spread(
  start: Structure,
  ensemble: Ensemble,
  timestep: number,
  time: number,
  more: Partial<SimulationOptions> = {},
) {
  const simulation = simulate(start, ensemble, { timestep, velocities: 'file', ...quiet, ...more });
  await simulation.prepare();
  const values: number[] = [];
  for (let step = 0; step < time / timestep; step++) {
    await simulation.advance({ steps: 1 });
    values.push(simulation.measure().conserved_eV);
  }
  await simulation.close();
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

const ratios = (values: readonly number[]) => values.slice(1).map((value, k) => values[k]! / value);

/** Wrong on purpose: forces of the positions before the move (first order). */
class StaleForces extends VelocityVerlet {
  override async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    kick(state, timestep);
    move(state, timestep);
    await context.computeForces();
  }
}

/** Wrong on purpose: counts one degree of freedom too many in the bath energy. */
class MiscountedChain extends NoseHooverChain {
  override bathEnergy(freedom: number): number {
    return super.bathEnergy(freedom + 3);
  }
}

/** Wrong on purpose: leaves every tenth of the heat out. */
class LeakyLangevin extends LangevinBaoab {
  override conserved(context: StepContext): number {
    return super.conserved(context) + 0.1 * this.heat;
  }
}

describe('the error of the conserved quantity is of second order in the time step (C1, C2)', () => {
  let salt: Structure;
  let liquid: Structure;
  beforeAll(async () => {
    salt = await warmed(rockSalt(2), 500, 300, 1);
    liquid = await warmed(argon(3, 5.7), 110, 2000, 4);
  });

  // 4.0 +- 0.3 of dynamics.md 19 C1: the next order is (w dt)^2/4 of it, a few per cent at these steps.
  const near4 = (values: readonly number[]) => {
    for (const ratio of ratios(values)) expect(Math.abs(ratio - 4)).toBeLessThan(0.3);
  };

  test('NVE: argon at 8, 4, 2 fs and LiCl at 2, 1, 0.5 fs', async () => {
    const argonSpread: number[] = [];
    for (const dt of [8, 4, 2]) argonSpread.push(await spread(liquid, nve(), dt, 2000));
    near4(argonSpread);
    const saltSpread: number[] = [];
    for (const dt of [2, 1, 0.5]) saltSpread.push(await spread(salt, nve(), dt, 500));
    near4(saltSpread);
    // The size for 64 ions near 480 K is 2.2e-4 eV at 1 fs (dynamics.md 19 C1); this start state is another one.
    expect(saltSpread[1]).toBeGreaterThan(1e-4);
    expect(saltSpread[1]).toBeLessThan(5e-4);
  });

  test('NVE: symplectic Euler instead fails it', async () => {
    const wrong: number[] = [];
    for (const dt of [1, 0.5]) wrong.push(await spread(salt, { integrator: new StaleForces() }, dt, 300));
    expect(ratios(wrong)[0]).toBeLessThan(2.5);
  });

  const chain = { damping: 30, chain: 3, weights: 1, substeps: 1 } as const;
  test('Nose-Hoover chain, also in a ramp', async () => {
    const ensemble = nvt({ temperature: 500, thermostat: { noseHoover: chain } });
    near4([await spread(salt, ensemble, 1, 500), await spread(salt, ensemble, 0.5, 500)]);
    const ramp = nvt({ temperature: [400, 600], thermostat: { noseHoover: chain } });
    const corrected = [
      await spread(salt, ramp, 1, 400, { stageSteps: 400 }),
      await spread(salt, ramp, 0.5, 400, { stageSteps: 800 }),
    ];
    expect(ratios(corrected)[0]).toBeGreaterThan(3.3);
    expect(ratios(corrected)[0]).toBeLessThan(4.3);
    // Without the correction of 7.6 the ramp alone moves it by far more (below 1 % is the limit there).
    class Uncorrected extends NoseHooverChain {
      override conserved(context: StepContext): number {
        return super.conserved(context) + this.ramp;
      }
    }
    const raw = await spread(salt, { integrator: new Uncorrected(chain), temperature: [400, 600] }, 1, 400, { stageSteps: 400 });
    expect(corrected[0]! / raw).toBeLessThan(0.01);
  });

  test('Nose-Hoover chain with a wrong count of freedoms fails it', async () => {
    const wrong = (dt: number) => spread(salt, { integrator: new MiscountedChain(chain), temperature: 500 }, dt, 500);
    expect((await wrong(1)) / (await wrong(0.5))).toBeLessThan(1.5);
  });

  // The noise differs between time steps, so the ratio scatters by more than that of deterministic runs; averaged over seeds.
  const langevinSpread = async (dt: number, make: () => Ensemble) => {
    let sum = 0;
    for (let seed = 1; seed <= 3; seed++) sum += (await spread(salt, make(), dt, 300, { seed })) ** 2;
    return Math.sqrt(sum);
  };
  test('BAOAB: effective energy', async () => {
    const make = () => nvt({ temperature: 500, thermostat: { langevin: { friction: 0.002 } } });
    const ratio = (await langevinSpread(1, make)) / (await langevinSpread(0.5, make));
    expect(ratio).toBeGreaterThan(3.3);
    expect(ratio).toBeLessThan(4.7);
    const wrong = () => ({ integrator: new LeakyLangevin({ friction: 0.002, removeDrift: false }), temperature: 500 });
    expect((await langevinSpread(1, wrong)) / (await langevinSpread(0.5, wrong))).toBeLessThan(2);
  });
});

describe('time reversal (C6)', () => {
  /** Distance of the return after n steps forth, velocities turned round, n steps back. */
  async function returnError(integrator: Integrator, temperature: number | undefined): Promise<number> {
    const start = await warmed(rockSalt(2), 500, 100, 1);
    const there = simulate(start, { integrator, temperature }, { velocities: 'file', ...quiet });
    await there.run({ steps: 200 });
    // Chain velocities turn round with the atoms, so the way back is made through saved sections.
    const sections = there.save();
    const turned = sections['simulation.velocities'] as Float64Array;
    for (let k = 0; k < turned.length; k++) turned[k] = -turned[k]!;
    const z = sections['simulation.integrator.etaRate'] as Float64Array | undefined;
    if (z) for (let k = 0; k < z.length; k++) z[k] = -z[k]!;
    const back = Simulation.restore(sections, { potential: nativePotential('bm-licl'), integrator, threads: 1 });
    await back.run({ steps: 200 });
    const error = largestDifference(back.frame().positions, startPositions(start));
    await Promise.all([there.close(), back.close()]);
    return error;
  }
  const startPositions = (start: Structure) => {
    const out = start.positions.slice();
    for (let i = 0; i < out.length; i += 3) {
      for (let axis = 0; axis < 3; axis++) {
        for (let k = 0; k < 3; k++) out[i + axis]! += (start.images?.[i + k] ?? 0) * start.cell![3 * k + axis]!;
      }
    }
    return out;
  };

  // The limit of dynamics.md 19 C6: the reference returns to 7e-15 A.
  test('velocity Verlet and Nose-Hoover chain come back', async () => {
    expect(await returnError(new VelocityVerlet(), undefined)).toBeLessThan(1e-11);
    const chain = new NoseHooverChain({ damping: 30, chain: 3, weights: 1, substeps: 1 });
    expect(await returnError(chain, 500)).toBeLessThan(1e-11);
  });
  test('an integrator that is not symmetric does not', async () => {
    expect(await returnError(new StaleForces(), undefined)).toBeGreaterThan(1e-4);
  });
});

describe('momentum (C7)', () => {
  const total = async (ensemble: Ensemble, steps: number) => {
    const simulation = simulate(argon(2), ensemble, {
      timestep: 4,
      velocities: { temperature: 60 },
      ...quiet,
      skin: 2,
      removeDrift: false,
    });
    await simulation.run({ steps });
    const { masses, velocities } = simulation.state();
    const p = momentum(masses, velocities);
    await simulation.close();
    return Math.hypot(...p.total) / Math.sqrt(p.mass * BOLTZMANN * 60);
  };
  // 1e-10 sqrt(M kT) after 1e5 steps; 1e4 steps here leave a tenth of the room.
  test('NVE and Nose-Hoover keep it at rounding level', async () => {
    expect(await total(nve(), 10_000)).toBeLessThan(1e-11);
    expect(await total(nvt({ temperature: 60 }), 10_000)).toBeLessThan(1e-11);
  });
  test('Langevin noise does not', async () => {
    expect(await total(nvt({ temperature: 60, thermostat: { langevin: { friction: '1 /ps' } } }), 100)).toBeGreaterThan(1e-2);
    const still = nvt({ temperature: 60, thermostat: { langevin: { friction: '1 /ps', removeDrift: true } } });
    expect(await total(still, 100)).toBeLessThan(1e-11);
  });
});

test('nothing but units: masses x4 and time x2 leave the path as it is (C10)', async () => {
  const start = await warmed(rockSalt(2), 500, 100, 1);
  const path = async (factor: number) => {
    const scaled = makeStructure({
      ...start,
      masses: Float64Array.from(start.species, (z) => (z === 3 ? 6.94 : 35.45) * factor ** 2),
      velocities: start.velocities!.map((v) => v / factor),
    });
    const simulation = simulate(scaled, nvt({ temperature: 500, thermostat: { noseHoover: { damping: 50 * factor } } }), {
      timestep: factor,
      velocities: 'file',
      ...quiet,
    });
    await simulation.run({ steps: 100 });
    const { positions } = simulation.frame();
    await simulation.close();
    return positions;
  };
  // A power of two scales every number exactly, so the bits are the same.
  expect(largestDifference(await path(1), await path(2))).toBe(0);
  expect(largestDifference(await path(1), await path(1.01))).toBeLessThan(1e-9);
});

// Minutes: part of `npm run test:slow`, not registered (and so not counted as skipped) in `npm test`.
const slow = (name: string, body: () => void) => process.env.IONCLAY_SLOW && describe(name, body);
slow('drift over long runs (C3, C4; minutes)', () => {
  const slope = async (ensemble: Ensemble) => {
    // 40 ps of relaxation first: while the melt settles, so does the offset of the conserved quantity that the time step makes.
    const start = await warmed(argon(4, 5.7), 110, 40_000, 4);
    const simulation = simulate(start, ensemble, { timestep: 4, velocities: 'file' });
    const times: number[] = [];
    const values: number[] = [];
    for (let k = 0; k < 250; k++) {
      await simulation.advance({ steps: 500 });
      const row = simulation.measure();
      times.push(row.time_fs / 1e6);
      values.push(row.conserved_eV / 256);
    }
    await simulation.close();
    const mean = (x: number[]) => x.reduce((sum, y) => sum + y, 0) / x.length;
    const [mt, mv] = [mean(times), mean(values)];
    const sxx = times.reduce((sum, t) => sum + (t - mt) ** 2, 0);
    const fit = times.reduce((sum, t, k) => sum + (t - mt) * (values[k]! - mv), 0) / sxx;
    const residual = times.reduce((sum, t, k) => sum + (values[k]! - mv - fit * (t - mt)) ** 2, 0) / (times.length - 2);
    return { fit, error: Math.sqrt(residual / sxx) };
  };
  // 1e-6 eV/atom/ns of dynamics.md 19 C3, C4 over 0.5 ns, where the fit's own error is a tenth of it.
  test.each([
    ['NVE', nve()],
    ['Nose-Hoover', nvt({ temperature: 110 })],
  ] as const)(
    '%s, 256 argon atoms',
    async (_, ensemble) => {
      const { fit, error } = await slope(ensemble);
      if (process.env.IONCLAY_SHOW) console.log(fit, error);
      expect(Math.abs(fit)).toBeLessThan(1e-6);
      expect(error).toBeLessThan(2e-7);
    },
    900_000,
  );
});

test('kinetic energy does not depend on the chunking of short arrays', () => {
  const masses = new Float64Array(1000).fill(2);
  // Whole numbers add up without rounding in any order.
  const velocities = Float64Array.from({ length: 3000 }, (_, k) => (k % 7) - 3);
  expect(kineticEnergy(masses, velocities)).toBe(velocities.reduce((sum, v) => sum + v * v, 0));
});
