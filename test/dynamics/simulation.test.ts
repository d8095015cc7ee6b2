/** The public class: states, sampling, stages, frames of reference, failures. */

import { crystal } from '../../lib/builders/crystal.js';
import { nph, npt, nve, nvt } from '../../lib/dynamics/ensembles.js';
import { temperatureOf } from '../../lib/dynamics/kinetic.js';
import { Simulation } from '../../lib/dynamics/simulation.js';
import { thermoHeader, thermoLine } from '../../lib/dynamics/thermo.js';
import { loadPotential } from '../../lib/potential/load.js';
import { makeStructure, type Structure } from '../../lib/structure.js';
import { argon, largestDifference, nativePotential, rockSalt, simulate } from './systems.js';
import { Wells } from './wells.js';

const warm = nvt({ temperature: 300 });
const code = (name: string) => expect.objectContaining({ code: name });

describe('methods in states', () => {
  type Method = [string, (s: Simulation) => unknown];
  const methods: Method[] = [
    ['prepare', (s) => s.prepare()],
    ['run', (s) => s.run({ steps: 1 })],
    ['advance', (s) => s.advance({ steps: 1 })],
    [
      'sample',
      async (s) => {
        for await (const _ of s.sample({ steps: 1, every: '1 fs' })) break;
      },
    ],
    ['measure', (s) => s.measure()],
    ['frame', (s) => s.frame()],
    ['state', (s) => s.state()],
    ['lastGoodFrame', (s) => s.lastGoodFrame()],
    ['postMortem', (s) => s.postMortem()],
    ['structureNow', (s) => s.structureNow()],
    ['save', (s) => s.save()],
    ['setEnsemble', (s) => s.setEnsemble(nve())],
  ];
  const states: Record<string, () => Promise<[Simulation, () => Promise<unknown>]>> = {
    fresh: async () => [simulate(rockSalt(1), warm), () => Promise.resolve()],
    ready: async () => {
      const s = simulate(rockSalt(1), warm);
      await s.run({ steps: 2 });
      return [s, () => Promise.resolve()];
    },
    running: async () => {
      const s = simulate(rockSalt(1), warm);
      const controller = new AbortController();
      const end = s.run({ steps: 1e6, signal: controller.signal }).catch(() => undefined);
      return [
        s,
        () => {
          controller.abort();
          return end;
        },
      ];
    },
    aborted: async () => {
      const s = simulate(rockSalt(1), warm);
      await s.prepare();
      await expect(s.run({ steps: 5, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
      return [s, () => Promise.resolve()];
    },
    failed: async () => {
      const s = simulate(rockSalt(1), warm, { limits: { displacement: 1e-9 } });
      await expect(s.run({ steps: 5 })).rejects.toMatchObject({ code: 'ATOM_TOO_FAST' });
      return [s, () => Promise.resolve()];
    },
    closed: async () => {
      const s = simulate(rockSalt(1), warm);
      await s.close();
      return [s, () => Promise.resolve()];
    },
  };
  const allowedAfterFailure = ['state', 'lastGoodFrame', 'postMortem'];
  const outcome = (state: string, method: string): string | null => {
    if (state === 'fresh') return method === 'measure' ? 'SIMULATION_NOT_STARTED' : null;
    if (state === 'running') return 'SIMULATION_BUSY';
    if (state === 'failed') return allowedAfterFailure.includes(method) ? null : 'SIMULATION_FAILED';
    return state === 'closed' ? 'SIMULATION_CLOSED' : null;
  };

  test.each(Object.keys(states).flatMap((state) => methods.map(([name, call]) => [state, name, call] as const)))(
    '%s: %s',
    async (state, name, call) => {
      const [simulation, end] = await states[state]!();
      expect(simulation.status).toBe(state);
      const refused = outcome(state, name);
      const attempt = (async () => call(simulation))();
      if (refused) await expect(attempt).rejects.toThrow(code(refused));
      else await attempt;
      await end();
      await simulation.close();
      await simulation.close();
      expect(simulation.status).toBe('closed');
    },
  );

  test('closing under a running call ends it', async () => {
    const simulation = simulate(rockSalt(2), warm);
    const running = simulation.run({ steps: 1e6 });
    setTimeout(() => simulation.close(), 5);
    await expect(running).rejects.toThrow(code('SIMULATION_CLOSED'));
  });
});

describe('sampling', () => {
  test('frames at every interval, the start among them, whatever the buffer; positions as those of a plain run', async () => {
    for (const buffer of [0, 1, 3]) {
      const simulation = simulate(rockSalt(1), warm);
      const steps: number[] = [];
      let last: Float64Array | undefined;
      for await (const frame of simulation.sample({ steps: 25, every: '10 fs', buffer })) {
        steps.push(frame.step);
        last = frame.positions;
        if (buffer === 0) expect(simulation.measure().step).toBe(frame.step);
      }
      expect(steps).toEqual([0, 10, 20]);
      expect(simulation.step).toBe(25);
      const plain = simulate(rockSalt(1), warm);
      await plain.run({ steps: 20 });
      expect(last).toEqual(plain.frame().positions);
      // Going on repeats no frame.
      const more: number[] = [];
      for await (const frame of simulation.sample({ time: '20 fs', every: '10 fs', buffer })) more.push(frame.step);
      expect(more).toEqual([35, 45]);
      await Promise.all([simulation.close(), plain.close()]);
    }
  });

  test('the simulation waits for a slow consumer, and stops when it leaves', async () => {
    const simulation = simulate(rockSalt(1), warm);
    for await (const frame of simulation.sample({ steps: 1000, every: '10 fs', buffer: 2 })) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      // Two frames wait, one is in the consumer's hands.
      expect(simulation.step - frame.step).toBeLessThanOrEqual(20 + 1);
      if (frame.step === 50) break;
    }
    expect(simulation.step).toBeLessThan(90);
    expect(simulation.status).toBe('ready');
    await simulation.run({ steps: 1 });
    await simulation.close();
  });

  test('an abort reaches the consumer after the frames before it; closing inside the loop does not hang', async () => {
    const simulation = simulate(rockSalt(1), warm);
    const controller = new AbortController();
    let seen = 0;
    const consume = async () => {
      for await (const _ of simulation.sample({ steps: 1e6, every: '10 fs', signal: controller.signal }))
        if (++seen === 3) controller.abort(new Error('stop'));
    };
    await expect(consume()).rejects.toThrow('stop');
    expect(simulation.status).toBe('aborted');
    const closing = async () => {
      for await (const _ of simulation.sample({ steps: 1e6, every: '10 fs' })) await simulation.close();
    };
    await expect(closing()).rejects.toThrow(code('SIMULATION_CLOSED'));
  });

  test('the event loop keeps turning', async () => {
    const simulation = simulate(rockSalt(1), warm);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await simulation.run({ steps: 2000 });
    clearInterval(timer);
    // One turn every 5 ms or so of a run of more than 50 ms; a run that blocks would give none at all.
    expect(turns).toBeGreaterThan(2);
    await simulation.close();
  });
});

describe('stages', () => {
  test('baths and the step start anew, the global step and the atoms go on', async () => {
    const simulation = simulate(rockSalt(1), nvt({ temperature: 300 }));
    await simulation.run({ steps: 30 });
    const before = simulation.frame();
    simulation.setEnsemble(nvt({ temperature: [300, 400], thermostat: { langevin: { friction: '5 /ps' } } }), {
      stageSteps: 10,
      timestep: '0.5 fs',
    });
    expect(largestDifference(simulation.frame().positions, before.positions)).toBe(0);
    expect(simulation.frame().velocities).toEqual(before.velocities);
    const end = await simulation.run({ steps: 10 });
    expect([end.step, end.time_fs, simulation.globalStep]).toEqual([10, 5, 40]);
    expect(end.temperature_target_K).toBe(400);
    expect(simulation.degreesOfFreedom).toBe(24);
    simulation.setEnsemble(nve(), { velocities: { temperature: 100 } });
    expect(
      temperatureOf(
        simulation.state().velocities.reduce((sum, v, k) => sum + (simulation.state().masses[Math.floor(k / 3)]! * v * v) / 2, 0),
        21,
      ),
    ).toBeCloseTo(100, 9);
    await simulation.close();
  });

  test('frozen atoms stay, whatever moves the others', async () => {
    for (const ensemble of [nve(), warm, nvt({ temperature: 300, thermostat: { langevin: { friction: '10 /ps' } } })]) {
      const start = rockSalt(1);
      const simulation = simulate(start, ensemble, { fixed: { species: ['Cl'] }, velocities: { temperature: 300 } });
      expect(simulation.degreesOfFreedom).toBe(12);
      await simulation.run({ steps: 20 });
      const { positions } = simulation.structureNow();
      expect(largestDifference(positions.subarray(12), start.positions.subarray(12))).toBeLessThan(1e-15);
      expect(largestDifference(positions.subarray(0, 12), start.positions.subarray(0, 12))).toBeGreaterThan(1e-3);
      await simulation.close();
    }
    expect(() => simulate(rockSalt(1), warm, { fixed: { species: ['Br'] } })).toThrow(code('BAD_VALUE'));
    expect(() => simulate(rockSalt(1), warm, { fixed: { atoms: [8] } })).toThrow(code('BAD_VALUE'));
    const flags = makeStructure({ ...rockSalt(1), tags: { fixed: Int32Array.of(0, 3, 0, 0, 0, 0, 0, 0) } });
    expect(() => simulate(flags, warm)).toThrow(expect.objectContaining({ code: 'NOT_AVAILABLE', atom: 1 }));
  });
});

describe('frames of reference', () => {
  const turned = (structure: Structure): Structure => {
    // A rotation about (1, 2, 3) by 50 degrees, and an origin elsewhere.
    const [x, y, z] = [1, 2, 3].map((u) => u / Math.sqrt(14)) as [number, number, number];
    const [c, s] = [Math.cos(0.87), Math.sin(0.87)];
    const q = [
      [c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
      [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
      [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
    ];
    const rotate = (v: Float64Array, shift: readonly number[]) =>
      v.map((_, k) => q.reduce((sum, row, j) => sum + v[k - (k % 3) + j]! * row[k % 3]!, 0) + shift[k % 3]!);
    return makeStructure({
      ...structure,
      cell: rotate(structure.cell!, [0, 0, 0]),
      positions: rotate(structure.positions, [3, -2, 5]),
      origin: [3, -2, 5],
    });
  };

  test('a rotated cell runs the same path, and comes back in its own frame', async () => {
    const straight = rockSalt(1);
    const run = async (structure: Structure) => {
      const simulation = simulate(structure, nve(), { velocities: { temperature: 300 } });
      const start = simulation.structureNow();
      const row = await simulation.run({ steps: 50 });
      const result = { start, row, frame: simulation.frame(), now: simulation.structureNow() };
      await simulation.close();
      return result;
    };
    const a = await run(straight);
    const b = await run(turned(straight));
    // Velocities are drawn in the restricted frame, so paths agree there to rounding.
    expect(largestDifference(a.frame.positions, b.frame.positions)).toBeLessThan(1e-11);
    expect(Math.abs(a.row.conserved_eV - b.row.conserved_eV)).toBeLessThan(1e-10);
    expect(largestDifference(b.start.positions, turned(straight).positions)).toBeLessThan(1e-13);
    expect(largestDifference(b.now.cell!, turned(straight).cell!)).toBe(0);
    const rotatedBack = turned(makeStructure({ ...straight, positions: a.frame.positions })).positions;
    const { positions, images, cell } = b.now;
    const whole = positions.map((x, k) => {
      const atom = k - (k % 3);
      return x + [0, 1, 2].reduce((sum, c) => sum + images![atom + c]! * cell![3 * c + (k % 3)]!, 0);
    });
    expect(largestDifference(whole, rotatedBack)).toBeLessThan(1e-11);
  });

  test('a left-handed cell is negated, and that is said', async () => {
    const start = rockSalt(1);
    const leftHanded = { ...start, cell: start.cell!.map((x, k) => (k < 3 ? -x : x)) };
    const simulation = simulate(leftHanded, nve(), { velocities: 'zero' });
    expect(simulation.warnings()).toEqual([code('CELL_NEGATED')]);
    const right = simulate(start, nve(), { velocities: 'zero' });
    await Promise.all([simulation.prepare(), right.prepare()]);
    expect(simulation.measure().potential_energy_eV).toBeCloseTo(right.measure().potential_energy_eV, 9);
    await Promise.all([simulation.close(), right.close()]);
  });

  test('a cluster has no pressure, and an empty field stands for it', async () => {
    const { species, positions } = argon(2);
    const simulation = simulate(makeStructure({ species, positions }), nve(), { velocities: { temperature: 20 } });
    const row = await simulation.run({ steps: 10 });
    expect(row.pressure_GPa).toBeNull();
    expect(row.volume_A3).toBeNull();
    const fields = thermoLine(row).split(',');
    expect(fields).toHaveLength(thermoHeader(false).split(',').length);
    expect(fields.slice(6)).toEqual([...new Array(15).fill(''), String(row.max_force_eV_per_A)]);
    expect(thermoLine(row)).not.toMatch(/NaN|Infinity|null/);
    expect(simulation.frame().cell).toBeNull();
    await simulation.close();
  });
});

describe('failures say what happened (19 H6)', () => {
  test('overlapping atoms', async () => {
    const start = rockSalt(1);
    const positions = start.positions.slice();
    positions.set([0.3, 0, 0], 3);
    const simulation = simulate(makeStructure({ ...start, positions }), nve(), { velocities: 'zero' });
    const error = await simulation.run({ steps: 100 }).then(
      () => null,
      (e) => e,
    );
    expect(error).toMatchObject({ kind: 'work', details: { closest_pair: { atoms: [0, 1] } } });
    expect(error.hint).toMatch(/overlapping atoms/);
    await simulation.close();
  });

  test('a time step of 30 fs: code, step, atom, worst atoms, rows, last good frame, post-mortem', async () => {
    const simulation = simulate(rockSalt(2), nve(), { velocities: { temperature: 50 }, timestep: '30 fs' });
    const error = await simulation.run({ steps: 100 }).then(
      () => null,
      (e) => e,
    );
    expect(error.code).toBe('ATOM_TOO_FAST');
    expect(error.message).toMatch(/^step \d+ \(\d+ fs\): atom \d+ \((Li|Cl)\) moves [\d.]+ A in one step, the limit is 0.3 A$/);
    const { details } = error;
    expect(details.step).toBeGreaterThan(0);
    const { step } = details;
    expect(details).toMatchObject({
      time_fs: 30 * step,
      limit: 0.3,
      unit: 'A',
      last_good_step: step - 1,
      settings: { timestep_fs: 30 },
    });
    expect(details.worst_atoms).toHaveLength(5);
    expect(details.worst_atoms[0].atom).toBe(error.atom);
    expect(details.worst_atoms[0].nearest.distance_A).toBeGreaterThan(0.5);
    expect(details.last_rows).toHaveLength(Math.min(20, step));
    expect(details.likely_causes[0]).toMatch(/time step too long/);
    expect(simulation.lastGoodFrame()!.step).toBe(step - 1);
    const again = simulate(rockSalt(2), nve(), { velocities: { temperature: 50 }, timestep: '30 fs' });
    await again.run({ steps: step - 1 });
    expect(largestDifference(simulation.lastGoodFrame()!.positions, again.frame().positions)).toBe(0);
    const { before, after } = simulation.postMortem()!;
    expect(largestDifference(before.positions, after.positions)).toBeGreaterThan(0.1);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'ATOM_TOO_FAST', atom: error.atom });
    await simulation.close();
  });

  const wells = (fault: Wells['fault'], limits = {}) => {
    const potential = new Wells(1);
    potential.fault = fault;
    const structure = makeStructure({
      species: new Uint8Array(3).fill(18),
      positions: Float64Array.of(0, 0, 0, 9, 0, 0, 0, 9, 0),
    });
    return new Simulation({ structure, potential, ensemble: nve(), velocities: { temperature: 50 }, seed: 1, limits });
  };
  test.each([
    [
      'NONFINITE_FORCE',
      (f: Float64Array, n: number) => {
        if (n === 5) f[4] = Number.NaN;
      },
      {},
      1,
    ],
    [
      'FORCE_TOO_LARGE',
      (f: Float64Array, n: number) => {
        if (n === 5) f[8] = 300;
      },
      {},
      2,
    ],
    ['TEMPERATURE_RUNAWAY', undefined, { temperature: 1 }, undefined],
    [
      'CONSERVATION',
      (f: Float64Array) => {
        f[0]! += 0.5;
      },
      { conservedDrift: 1e-3 },
      undefined,
    ],
  ] as const)('%s', async (name, fault, limits, atom) => {
    const simulation = wells(fault as Wells['fault'], limits);
    const error = await simulation.run({ steps: 200 }).then(
      () => null,
      (e) => e,
    );
    expect(error).toMatchObject({ code: name, kind: 'work' });
    if (atom !== undefined) expect(error).toMatchObject({ atom, details: { step: 5 } });
    expect(simulation.status).toBe('failed');
    await simulation.close();
  });

  test('a list that must be built at every step, and a potential that gives up by itself', async () => {
    const simulation = simulate(argon(2), nve(), { velocities: { temperature: 300 }, skin: 0.04, timestep: 4 });
    await expect(simulation.run({ steps: 50 })).rejects.toMatchObject({ code: 'NEIGHBOUR_OVERFLOW', details: { value: 3 } });
    await simulation.close();
    const own = wells((_f, n) => {
      if (n === 3) throw new Error('no more');
    });
    await expect(own.run({ steps: 10 })).rejects.toThrow('no more');
    expect(own.status).toBe('failed');
    expect(own.step).toBe(3);
    await own.close();
  });

  test('a slow drift is a warning first', async () => {
    const simulation = wells(
      (f) => {
        f[0]! += 0.5;
      },
      { conservedWarning: 1e-5, conservedDrift: Infinity, temperature: Infinity, displacement: Infinity },
    );
    await simulation.run({ steps: 100 });
    expect(simulation.warnings().filter((w) => w.code === 'CONSERVATION')).toHaveLength(1);
    await simulation.close();
  });
});

describe('what is wrong in a request', () => {
  const make = (options: object) => () =>
    new Simulation({
      structure: rockSalt(1),
      potential: nativePotential('bm-licl'),
      ensemble: warm,
      seed: 1,
      ...options,
    } as never);
  test.each([
    [{ seed: undefined }, 'SEED_MISSING'],
    [{ seed: 1.5 }, 'BAD_VALUE'],
    [{ ensemble: nve() }, 'VELOCITIES_MISSING'],
    [{ velocities: 'file' }, 'VELOCITIES_MISSING'],
    [{ timestep: '1 K' }, 'WRONG_DIMENSION'],
    [{ timestep: 0 }, 'BAD_VALUE'],
    [{ timestap: 1 }, 'UNKNOWN_KEY'],
    [{ structure: undefined }, 'WRONG_TYPE'],
    [{ structure: Promise.resolve() }, 'WRONG_TYPE'],
    [{ potential: Promise.resolve() }, 'WRONG_TYPE'],
    [{ ensemble: 'nvt' }, 'WRONG_TYPE'],
    [{ structure: argon(1) }, 'MODEL_UNKNOWN_SPECIES'],
  ])('%j', (options, expected) => {
    expect(make(options)).toThrow(expect.objectContaining({ code: expect.stringMatching(new RegExp(`${expected}|SPECIES`)) }));
  });

  test.each([
    [() => nvt({ temperature: '300 ps' }), 'WRONG_DIMENSION', 'temperature'],
    [() => nvt({ temperature: 0 }), 'BAD_VALUE', 'temperature'],
    [() => nvt({ temperature: [1, 2, 3] }), 'BAD_VALUE', 'temperature'],
    [() => nvt({ temperature: 300, thermostat: { noseHoover: { weights: 2 } } }), 'BAD_VALUE', 'thermostat.noseHoover.weights'],
    [() => nvt({ temperature: 300, thermostat: { noseHoover: { chain: 0 } } }), 'BAD_VALUE', 'thermostat.noseHoover.chain'],
    [() => nvt({ temperature: 300, thermostat: { langevin: {} } as never }), 'BAD_VALUE', 'thermostat.langevin.friction'],
    [() => nvt({ temperature: 300, thermostat: { csvr: {} } }), 'NOT_AVAILABLE', 'thermostat.csvr'],
    [() => nvt({ temperature: 300, thermostat: { nosehoover: {} } as never }), 'UNKNOWN_KEY', 'thermostat.nosehoover'],
    [() => npt({}, 'stages[1]'), 'NOT_AVAILABLE', 'stages[1].ensemble'],
    [() => nph({}), 'NOT_AVAILABLE', 'ensemble'],
  ])('%s', (call, expected, key) => {
    expect(call).toThrow(expect.objectContaining({ code: expected, key }));
  });

  test('ensembles are plain data with every default in them', () => {
    expect(JSON.parse(JSON.stringify(nvt({ temperature: ['300 K', '900 K'] })))).toEqual({
      ensemble: 'nvt',
      temperature: [300, 900],
      thermostat: { noseHoover: { damping: 200, chain: 3, weights: 1, substeps: 1 } },
    });
  });
});

describe('tables in dynamics', () => {
  const options = { ensemble: nve(), velocities: { temperature: 300 }, seed: 1 } as const;
  const structureOf = () => crystal({ name: 'LiCl' });

  test('are the default of a simulation, not of a single evaluation; what is said holds for both', async () => {
    const structure = await structureOf();
    const run = async (compression?: 'none' | 'auto') => {
      const potential = await loadPotential('li-ga-f-cl', compression ? { compression } : {});
      const simulation = new Simulation({ structure, potential, ...options });
      await simulation.run({ steps: 5 });
      return { energy: (await potential.evaluate(structure)).energy, positions: [...simulation.frame().positions] };
    };
    const [unsaid, none, auto] = [await run(), await run('none'), await run('auto')];
    expect(unsaid.positions).toEqual(auto.positions);
    expect(unsaid.positions).not.toEqual(none.positions);
    expect(unsaid.energy).toBe(none.energy);
    expect(unsaid.energy).not.toBe(auto.energy);
  });
});
