// `npm run bench`: microseconds per atom and step of the bundled models on this machine, one and all threads, every instruction set.
//
// Side by side with DeePMD-kit: IONCLAY_LAMMPS=/path/to/lmp npm run bench, where lmp is a LAMMPS with `pair_style deepmd` (for
// instance of `pip install deepmd-kit[cpu,lmp]`). Both programs then run the same NVE steps of the same structure on one thread, in
// turn, and the table shows the ratio pair by pair. Never part of the tests: speed is measured, not asserted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ionclay from '../dist/index.js';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const { loadPotential, massesOf, nve, readStructure, restrictedForm, Simulation, supercell, symbolsOf } = ionclay;
const lammps = process.env.IONCLAY_LAMMPS;
const rounds = Number(process.env.IONCLAY_BENCH_ROUNDS ?? 3);
const steps = Number(process.env.IONCLAY_BENCH_STEPS ?? 10);

const systems = [
  { model: 'li-y-cl-br', file: 'Li3YCl6_trigonal_90_900K.extxyz', repeat: [2, 2, 3] },
  { model: 'mg-ga-f-cl', file: 'mg_interface.xyz', repeat: [2, 2, 2] },
];

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function ours(system, structure, isa, threads) {
  const potential = await loadPotential(system.model, { isa });
  const simulation = new Simulation({
    structure,
    potential,
    ensemble: nve(),
    velocities: { temperature: 300 },
    seed: 1,
    threads,
    skin: 1,
  });
  await simulation.prepare();
  await simulation.advance({ steps: 2 });
  const start = performance.now();
  await simulation.advance({ steps });
  const seconds = (performance.now() - start) / 1000;
  await simulation.close();
  return (seconds / steps / structure.species.length) * 1e6;
}

/** LAMMPS data and input of the same atoms; units metal, restricted cell. */
function lammpsCase(folder, system, structure, species) {
  const { cell, rotation } = restrictedForm(structure.cell);
  const n = structure.species.length;
  const symbols = symbolsOf(structure);
  const masses = massesOf(structure);
  const rows = symbols.map((symbol, i) => {
    const x = [0, 1, 2].map((k) => [0, 1, 2].reduce((sum, c) => sum + structure.positions[3 * i + c] * rotation[3 * c + k], 0));
    return `${i + 1} ${species.indexOf(symbol) + 1} ${x.join(' ')}`;
  });
  const mass = species.map((name, t) => `${t + 1} ${symbols.includes(name) ? masses[symbols.indexOf(name)] : 1}`);
  writeFileSync(
    join(folder, 'data'),
    `atoms\n\n${n} atoms\n${species.length} atom types\n0 ${cell[0]} xlo xhi\n0 ${cell[4]} ylo yhi\n0 ${cell[8]} zlo zhi\n` +
      `${cell[3]} ${cell[6]} ${cell[7]} xy xz yz\n\nMasses\n\n${mass.join('\n')}\n\nAtoms # atomic\n\n${rows.join('\n')}\n`,
  );
  writeFileSync(
    join(folder, 'in'),
    `units metal\natom_style atomic\nbox tilt large\nread_data data\npair_style deepmd ${join(root, 'models', system.model, 'model.pb')}\n` +
      `pair_coeff * * ${species.join(' ')}\nneighbor 1.0 bin\nneigh_modify every 1 delay 0 check yes\nvelocity all create 300 1\nfix 1 all nve\n` +
      `timestep 0.001\nrun 2\nrun ${steps}\n`,
  );
}

function theirs(folder, natoms) {
  const single = [
    'OMP_NUM_THREADS',
    'DP_INTRA_OP_PARALLELISM_THREADS',
    'DP_INTER_OP_PARALLELISM_THREADS',
    'TF_INTRA_OP_PARALLELISM_THREADS',
    'TF_INTER_OP_PARALLELISM_THREADS',
  ];
  const env = { ...process.env, ...Object.fromEntries(single.map((name) => [name, '1'])) };
  const result = spawnSync(lammps, ['-in', 'in', '-log', 'none'], { cwd: folder, encoding: 'utf8', env });
  const times = [...(result.stdout ?? '').matchAll(/Loop time of (\S+) on/g)].map((match) => Number(match[1]));
  if (times.length < 2) throw new Error(`LAMMPS gave no loop time:\n${result.stdout}\n${result.stderr}`);
  return (times.at(-1) / steps / natoms) * 1e6;
}

console.log(
  `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}; ${steps} NVE steps, ${rounds} rounds\n`,
);
for (const system of systems) {
  const unit = await readStructure(join(root, 'examples', 'structures', system.file));
  const structure = supercell(unit, system.repeat);
  const natoms = structure.species.length;
  const potential = await loadPotential(system.model);
  const { available, isa } = { available: ['avx512', 'avx2', 'neon', 'baseline'], isa: potential.info().isa };
  for (const set of available) {
    for (const threads of set === isa && availableParallelism() > 1 ? [1, availableParallelism()] : [1]) {
      const times = [];
      try {
        for (let round = 0; round < rounds; round++) times.push(await ours(system, structure, set, threads));
      } catch (error) {
        if (error.code === 'ISA_UNAVAILABLE') break;
        throw error;
      }
      console.log(
        `${system.model}  ${natoms} atoms  ${set.padEnd(8)} ${threads} thread${threads > 1 ? 's' : ' '}  ${median(times).toFixed(1).padStart(8)} us/atom/step  (${times.map((t) => t.toFixed(1)).join(' ')})`,
      );
    }
  }
  if (lammps) {
    const folder = mkdtempSync(join(tmpdir(), 'ionclay-bench-'));
    lammpsCase(folder, system, structure, potential.species);
    const pairs = [];
    for (let round = 0; round < rounds; round++) pairs.push([await ours(system, structure, isa, 1), theirs(folder, natoms)]);
    rmSync(folder, { recursive: true });
    const ratios = pairs.map(([mine, other]) => other / mine);
    console.log(
      `${system.model}  ${natoms} atoms  DeePMD-kit   1 thread   ${median(pairs.map((p) => p[1]))
        .toFixed(1)
        .padStart(8)} us/atom/step  ratio ${median(ratios).toFixed(2)} (${ratios.map((r) => r.toFixed(2)).join(' ')})`,
    );
  }
  console.log();
}
