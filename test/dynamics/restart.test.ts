/** Restart, abort and thread counts bit for bit (dynamics.md 19 H1, H2, H7). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCheckpoint } from '../../lib/dynamics/checkpoint.js';
import type { Ensemble } from '../../lib/dynamics/ensembles.js';
import { nve, nvt } from '../../lib/dynamics/ensembles.js';
import type { Integrator, SavedValues, StepContext } from '../../lib/dynamics/integrator.js';
import { kineticEnergy } from '../../lib/dynamics/kinetic.js';
import { Simulation, type SimulationOptions } from '../../lib/dynamics/simulation.js';
import { thermoLine } from '../../lib/dynamics/thermo.js';
import { kick, move } from '../../lib/dynamics/velocity-verlet.js';
import { nativePotential, rockSalt } from './systems.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-restart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A user's own integrator with state: isokinetic by a gentle rescaling; nothing in it knows of checkpoints. */
class Rescaling implements Integrator {
  readonly name = 'rescaling';
  readonly conservesMomentum = true;
  private work = 0;
  begin(): void {
    this.work = 0;
  }
  async step(context: StepContext): Promise<void> {
    const { state, timestep } = context;
    kick(state, timestep / 2);
    move(state, timestep);
    await context.computeForces();
    kick(state, timestep / 2);
    const before = kineticEnergy(state.masses, state.velocities);
    const scale = 1 + 1e-3 * Math.sin(context.step);
    for (let k = 0; k < state.velocities.length; k++) state.velocities[k]! *= scale;
    this.work += kineticEnergy(state.masses, state.velocities) - before;
  }
  conserved({ state }: StepContext): number {
    return state.potentialEnergy + kineticEnergy(state.masses, state.velocities) - this.work;
  }
  save(): SavedValues {
    return { work: this.work };
  }
  load(saved: SavedValues): void {
    this.work = saved.work as number;
  }
}

const ensembles: [string, () => Ensemble][] = [
  ['NVE', () => nve()],
  [
    'Nose-Hoover ramp',
    () => nvt({ temperature: [600, 900], thermostat: { noseHoover: { damping: 40, weights: 3, chain: 4, substeps: 2 } } }),
  ],
  ['Langevin', () => nvt({ temperature: 700, thermostat: { langevin: { friction: '10 /ps' } } })],
  ["a user's integrator", () => ({ integrator: new Rescaling() })],
];

const options = (ensemble: Ensemble): SimulationOptions => ({
  structure: rockSalt(2),
  potential: nativePotential('bm-licl'),
  ensemble,
  seed: 2n ** 60n + 5n,
  velocities: { temperature: 900 },
  stageSteps: 200,
  skin: 0.4,
  fixed: { atoms: [3] },
  threads: 1,
});

/** Everything of a simulation as bytes, and the rows measured on the way. */
async function record(simulation: Simulation, steps: number, rows: string[]): Promise<void> {
  for (let k = 0; k < steps; k += 10) {
    await simulation.advance({ steps: 10 });
    rows.push(thermoLine(simulation.measure()));
  }
}

describe.each(ensembles)('%s', (_, make) => {
  test('200 steps = 93 + checkpoint + 107 with another number of threads (H1, H2), and a run that was aborted and went on (H7)', async () => {
    const whole = new Simulation(options(make()));
    await whole.advance({ steps: 93 });
    const rows: string[] = [];
    await record(whole, 100, rows);
    await whole.advance({ steps: 7 });
    const expected = encodeCheckpoint(whole.save());

    const path = join(folder, `${_.replace(/\W/g, '')}.ionclay`);
    const first = new Simulation({ ...options(make()), threads: 3 });
    await first.advance({ steps: 93 });
    await first.checkpoint(path);
    await first.close();
    const ensemble = make();
    const integrator = 'integrator' in ensemble ? ensemble.integrator : undefined;
    const second = await Simulation.resume(path, { potential: nativePotential('bm-licl'), threads: 2, integrator });
    expect(second.warnings()).toEqual([]);
    const again: string[] = [];
    await record(second, 100, again);
    await second.advance({ steps: 7 });
    expect(again).toEqual(rows);
    expect(encodeCheckpoint(second.save()).equals(expected)).toBe(true);

    const stopped = new Simulation(options(make()));
    const controller = new AbortController();
    const running = stopped.run({ steps: 200, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 8);
    await expect(running).rejects.toThrow('enough');
    expect(stopped.status).toBe('aborted');
    expect(stopped.step).toBeLessThan(200);
    await stopped.checkpoint(path);
    await stopped.run({ steps: 200 - stopped.step });
    expect(encodeCheckpoint(stopped.save()).equals(expected)).toBe(true);
    await Promise.all([whole, second, stopped].map((simulation) => simulation.close()));
  });
});

test('the checkpoint fell between two list builds, and a list built from other positions would change bits', async () => {
  const simulation = new Simulation(options(nve()));
  await simulation.advance({ steps: 93 });
  const sections = simulation.save();
  const reference = sections['simulation.reference.positions'] as Float64Array;
  const moved = reference.some((x, k) => x !== (sections['simulation.positions'] as Float64Array)[k]);
  expect(moved).toBe(true);
  await simulation.advance({ steps: 107 });
  const expected = encodeCheckpoint(simulation.save());
  // WRONG on purpose: "to be safe", the list from the present positions.
  const wrong = { ...sections, 'simulation.reference.positions': sections['simulation.positions']! };
  const other = Simulation.restore(wrong, { potential: nativePotential('bm-licl'), threads: 1 });
  await other.advance({ steps: 107 });
  expect(encodeCheckpoint(other.save()).equals(expected)).toBe(false);
  await Promise.all([simulation.close(), other.close()]);
});

test('Langevin without the seed of the checkpoint would differ', async () => {
  const simulation = new Simulation(options(ensembles[2]![1]()));
  await simulation.advance({ steps: 20 });
  const sections = simulation.save();
  await simulation.advance({ steps: 5 });
  const changed = { ...sections, simulation: { ...(sections.simulation as object), seed: '8' } };
  const other = Simulation.restore(changed, { potential: nativePotential('bm-licl'), threads: 1 });
  await other.advance({ steps: 5 });
  expect(other.frame().positions).not.toEqual(simulation.frame().positions);
  await Promise.all([simulation.close(), other.close()]);
});
