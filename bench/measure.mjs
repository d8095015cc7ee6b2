// One measurement in a process of its own, so that its memory is its own and it can be pinned to a core: `node bench/measure.mjs JSON` with
// {model, structure, precision, compression, isa?, threads, warmup, steps, seconds?, phases?, rebuilds?}; prints one line of JSON. A variant that this
// version refuses gives {refused}.
import { readFileSync } from 'node:fs';
import ionclay from '../dist/index.js';
import { multiplyAdds } from './peak.mjs';
import { structureOf } from './systems.mjs';

const { loadPotential, nve, Simulation } = ionclay;
const SKIN = 1;
// A model of the benchmark has seen 200 steps of training: what its forces do to the atoms is no matter here.
const UNLIMITED = Object.fromEntries(
  [
    'displacement',
    'force',
    'temperatureRatio',
    'temperature',
    'energyJump',
    'conservedDrift',
    'conservedWarning',
    'rebuilds',
  ].map((name) => [name, 1e9]),
);

/** Largest resident memory of this process so far, bytes (Linux), null elsewhere. */
function peakMemory() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  } catch {
    return null;
  }
}

/** NVE steps at 300 K: `steps` of them, and more until `seconds` have passed. */
async function dynamics(task, structure, potential) {
  const simulation = new Simulation({
    structure,
    potential,
    ensemble: nve(),
    velocities: { temperature: 300 },
    seed: 1,
    threads: task.threads,
    skin: SKIN,
    limits: UNLIMITED,
  });
  const start = performance.now();
  await simulation.prepare();
  const prepared = (performance.now() - start) / 1000;
  if (task.warmup > 0) await simulation.advance({ steps: task.warmup });
  const block = Math.max(1, task.steps);
  let seconds = 0;
  let steps = 0;
  const begun = performance.now();
  const processor = process.cpuUsage();
  do {
    steps += await simulation.advance({ steps: block });
    seconds = (performance.now() - begun) / 1000;
  } while (seconds < (task.seconds ?? 0));
  const { user, system } = process.cpuUsage(processor);
  await simulation.close();
  return { prepared, seconds, steps, processorSeconds: (user + system) * 1e-6 };
}

/** Seconds of each phase of one evaluation at rest, mean over `count` of them; and of the list where it is rebuilt every time. */
async function phases(task, structure, potential, count) {
  const natoms = structure.species.length;
  const arrays = {
    positions: Float64Array.from(structure.positions),
    images: null,
    cell: Float64Array.from(structure.cell),
    forces: new Float64Array(3 * natoms),
    atomEnergies: new Float64Array(natoms),
    virial: new Float64Array(9),
  };
  const types = potential.typesOf(structure);
  const mean = async (skin) => {
    const field = potential.bind(types, structure.pbc, arrays, { threads: task.threads, skin });
    const sums = {};
    await field.compute();
    for (let k = 0; k < count; k++) {
      await field.compute();
      for (const [phase, value] of Object.entries(field.phaseSeconds)) sums[phase] = (sums[phase] ?? 0) + value / count;
    }
    const neighbours = field.pairsInside / natoms;
    field.dispose();
    return { sums, neighbours };
  };
  const kept = await mean(SKIN);
  const rebuilt = task.rebuilds ? await mean(0) : null;
  return { phases: kept.sums, neighbours: kept.neighbours, rebuild: rebuilt?.sums.list ?? null };
}

async function main() {
  const task = JSON.parse(process.argv[2]);
  const { model, isa, precision, compression, threads } = task;
  let potential;
  const start = performance.now();
  try {
    potential = await loadPotential(model, { isa, precision, compression, threads });
  } catch (error) {
    if (error.code !== 'NOT_AVAILABLE' && error.code !== 'ISA_UNAVAILABLE') throw error;
    return { refused: error.message };
  }
  const loaded = (performance.now() - start) / 1000;
  const structure = await structureOf(task.structure);
  const natoms = structure.species.length;
  const { prepared, seconds, steps, processorSeconds } = await dynamics(task, structure, potential);
  const memory = peakMemory();
  // As many evaluations at rest as fill a second; none of a million atoms.
  const count = Math.max(1, Math.min(200, Math.round((task.phaseSeconds ?? 1) / (seconds / steps))));
  const split = task.phases === false ? null : await phases(task, structure, potential, count);
  const { descriptors, fitting } = potential.parameters;
  const perAtom = (value) => (value * 1e6) / natoms;
  return {
    natoms,
    isa: potential.info().isa,
    usPerAtomStep: perAtom(seconds / steps),
    // Much less than the time that passed, times threads, where something else ran on the machine.
    processorUsPerAtomStep: perAtom(processorSeconds / steps),
    steps,
    loadSeconds: loaded,
    prepareSeconds: prepared,
    memoryBytes: memory,
    ...(split && {
      neighbours: split.neighbours,
      multiplyAdds: descriptors.length === 1 ? multiplyAdds(descriptors[0], fitting[0].layers, split.neighbours) : null,
      phasesUsPerAtom: Object.fromEntries(Object.entries(split.phases).map(([name, value]) => [name, perAtom(value)])),
      rebuildUsPerAtom: split.rebuild === null ? null : perAtom(split.rebuild),
    }),
  };
}

console.log(JSON.stringify(await main()));
