/** The integrator of a user (examples/andersen.ts), imported from the package by name: its physics, and what Simulation gives it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Andersen } from '../../examples/andersen.js';
import { encodeCheckpoint } from '../../lib/dynamics/checkpoint.js';
import type { Integrator, StepContext } from '../../lib/dynamics/integrator.js';
import { Simulation } from '../../lib/dynamics/simulation.js';
import { BOLTZMANN } from '../../lib/units.js';
import { nativePotential, rockSalt, simulate } from '../dynamics/systems.js';

const TEMPERATURE = 300;
const RATE = '100 /ps';
const folder = mkdtempSync(join(tmpdir(), 'ionclay-andersen-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** At the start all energy is kinetic: left alone, half of it goes into the springs. */
const started = (integrator: Integrator) =>
  simulate(rockSalt(2), { integrator, temperature: TEMPERATURE }, { velocities: { temperature: TEMPERATURE } });

interface Recorded {
  /** K, every 10 fs. */
  readonly temperatures: number[];
  /** eV, every 10 fs. */
  readonly conserved: number[];
  /** v sqrt(m/kT) of every component, every 200 fs. */
  readonly scaled: number[];
}

/** After 1 ps (100 mean times between collisions) to settle. */
async function record(integrator: Integrator, steps: number): Promise<Recorded> {
  const simulation = started(integrator);
  await simulation.advance({ steps: 1000 });
  const out: Recorded = { temperatures: [], conserved: [], scaled: [] };
  for (let step = 10; step <= steps; step += 10) {
    await simulation.advance({ steps: 10 });
    const { temperature_K, conserved_eV } = simulation.measure();
    out.temperatures.push(temperature_K!);
    out.conserved.push(conserved_eV);
    if (step % 200 !== 0) continue;
    const { velocities, masses } = simulation.state();
    const unit = Array.from(masses, (mass) => Math.sqrt(mass / (BOLTZMANN * TEMPERATURE)));
    for (const [k, v] of velocities.entries()) out.scaled.push(v * unit[Math.floor(k / 3)]!);
  }
  await simulation.close();
  return out;
}

/** Mean and its error from 20 blocks. */
function blockMean(values: readonly number[]): { mean: number; error: number } {
  const blocks = 20;
  const size = Math.floor(values.length / blocks);
  const means = Array.from({ length: blocks }, (_, b) =>
    values.slice(b * size, (b + 1) * size).reduce((sum, x) => sum + x / size, 0),
  );
  const mean = means.reduce((sum, x) => sum + x / blocks, 0);
  return { mean, error: Math.sqrt(means.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (blocks * (blocks - 1))) };
}

const isCanonical = (temperatures: readonly number[]) => {
  const { mean, error } = blockMean(temperatures);
  return Math.abs(mean - TEMPERATURE) < 4 * error;
};

const largestChange = (values: readonly number[]) => Math.max(...values.map((value) => Math.abs(value - values[0]!)));

/**
 * Velocity Verlet leaves an error that scatters by 2e-4 eV for 64 ions at 1 fs, 3e-5 eV an ion. A collision draws it anew for its ion; the
 * 100/ps * 20 ps * 64 = 128000 collisions make a random walk of 358 * sqrt(2) * 3e-5 = 0.015 eV. Four standard deviations.
 */
const WALK = 4 * 0.015;

describe('64 ions of LiCl at 300 K', () => {
  let run: Recorded;
  beforeAll(async () => {
    // Blocks of 1 ps are far longer than the memory of the kinetic energy, some 10 fs between collisions.
    run = await record(new Andersen('300 K', RATE), 20000);
  });

  test('the mean temperature is that of the bath', () => {
    expect(isCanonical(run.temperatures)).toBe(true);
    // Sharp enough to see three degrees of freedom too few: 189 for 192 is 4.8 K.
    expect(4 * blockMean(run.temperatures).error).toBeLessThan(4.8);
  });

  test('velocities are Maxwellian: mean square kT/m and kurtosis 3', () => {
    // Frames are twenty mean times between collisions apart, 64 ions of two masses in each.
    for (const [power, moment] of [
      [2, 1],
      [4, 3],
    ] as const) {
      const { mean, error } = blockMean(run.scaled.map((v) => v ** power));
      expect(Math.abs(mean - moment)).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.03 * moment);
    }
  });

  test('the energy less the heat of the bath stays', () => {
    expect(largestChange(run.conserved)).toBeLessThan(WALK);
  });

  test('WRONG: without collisions the temperature is not reached, without its heat the energy is not kept', async () => {
    const alone = await record(new Andersen('300 K', '0 /ps'), 4000);
    expect(isCanonical(alone.temperatures)).toBe(false);
    class Forgetful extends Andersen {
      override conserved(context: StepContext): number {
        return super.conserved(context) + Number(this.save().heat);
      }
    }
    // The crystal takes up half of 3 N k T/2 from the bath, 0.02 eV an atom, and what is given and taken then goes on at random.
    const simulation = started(new Forgetful('300 K', RATE));
    await simulation.prepare();
    const start = simulation.measure().conserved_eV;
    await simulation.advance({ steps: 1000 });
    expect(Math.abs(simulation.measure().conserved_eV - start)).toBeGreaterThan(4 * WALK);
    await simulation.close();
  });
});

describe('what it never had to write', () => {
  const bytes = (simulation: Simulation) => encodeCheckpoint(simulation.save());

  test('a run that was saved and resumed with other threads has the bits of one that was not', async () => {
    const whole = started(new Andersen('300 K', RATE));
    await whole.advance({ steps: 200 });
    const first = started(new Andersen('300 K', RATE));
    await first.advance({ steps: 93 });
    const path = join(folder, 'run.ionclay');
    await first.checkpoint(path);
    await first.close();
    const options = { potential: nativePotential('bm-licl'), threads: 2 };
    const second = await Simulation.resume(path, { ...options, integrator: new Andersen('300 K', RATE) });
    await second.advance({ steps: 107 });
    expect(bytes(second).equals(bytes(whole))).toBe(true);
    // WRONG: a bath that forgets its heat is found out.
    class Amnesiac extends Andersen {
      override load(): void {}
    }
    const other = await Simulation.resume(path, { ...options, integrator: new Amnesiac('300 K', RATE) });
    await other.advance({ steps: 107 });
    expect(bytes(other).equals(bytes(whole))).toBe(false);
    await Promise.all([whole, second, other].map((simulation) => simulation.close()));
  });

  test('frames come as asked, and leave the path as it is', async () => {
    const plain = started(new Andersen('300 K', RATE));
    await plain.advance({ steps: 200 });
    const sampled = started(new Andersen('300 K', RATE));
    const times: number[] = [];
    for await (const frame of sampled.sample({ time: '200 fs', every: '50 fs' })) {
      times.push(frame.time);
      expect(frame.positions.every(Number.isFinite)).toBe(true);
    }
    expect(times).toEqual([0, 50, 100, 150, 200]);
    expect(bytes(sampled).equals(bytes(plain))).toBe(true);
    await Promise.all([plain, sampled].map((simulation) => simulation.close()));
  });

  test('a signal stops it between steps, with its reason, and it can go on as if nothing had been', async () => {
    const whole = started(new Andersen('300 K', RATE));
    await whole.advance({ steps: 200 });
    const controller = new AbortController();
    const reason = new Error('the student goes home');
    let calls = 0;
    class Interrupted extends Andersen {
      override async step(context: StepContext): Promise<void> {
        if (++calls === 77) controller.abort(reason);
        await super.step(context);
      }
    }
    const stopped = started(new Interrupted('300 K', RATE));
    await expect(stopped.run({ time: '200 fs', signal: controller.signal })).rejects.toBe(reason);
    // The step during which the signal came is finished, and no other is begun.
    expect({ step: stopped.step, status: stopped.status }).toEqual({ step: 77, status: 'aborted' });
    await stopped.run({ steps: 123 });
    expect(bytes(stopped).equals(bytes(whole))).toBe(true);
    await Promise.all([whole, stopped].map((simulation) => simulation.close()));
  });
});
