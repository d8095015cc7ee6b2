// The same atoms in LAMMPS with `pair_style deepmd`: one thread, one core, loop time of NVE steps.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ionclay from '../dist/index.js';
import { structureOf } from './systems.mjs';

const { massesOf, restrictedForm, symbolsOf } = ionclay;

const SINGLE = [
  'OMP_NUM_THREADS',
  'DP_INTRA_OP_PARALLELISM_THREADS',
  'DP_INTER_OP_PARALLELISM_THREADS',
  'TF_INTRA_OP_PARALLELISM_THREADS',
  'TF_INTER_OP_PARALLELISM_THREADS',
];

/** LAMMPS data and input; units metal, restricted cell. */
function writeCase(folder, { model, species, warmup, steps }, structure) {
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
    `units metal\natom_style atomic\nbox tilt large\nread_data data\npair_style deepmd ${model}\n` +
      `pair_coeff * * ${species.join(' ')}\nneighbor 1.0 bin\nneigh_modify every 1 delay 0 check yes\nvelocity all create 300 1\nfix 1 all nve\n` +
      `timestep 0.001\nrun ${warmup}\nrun ${steps}\n`,
  );
}

/** task: {lammps, model, structure, species, warmup, steps, core}. */
export async function measureDeepmd(task) {
  const structure = await structureOf(task.structure);
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-bench-'));
  try {
    writeCase(folder, task, structure);
    const env = { ...process.env, ...Object.fromEntries(SINGLE.map((name) => [name, '1'])) };
    // GNU time writes the peak memory behind what LAMMPS says; without it the memory is not known.
    const words = [task.lammps, '-in', 'in', '-log', 'none'];
    if (task.pin) words.unshift('taskset', '-c', String(task.core));
    if (task.time) words.unshift(task.time, '-v');
    const result = spawnSync(words[0], words.slice(1), { cwd: folder, encoding: 'utf8', env, maxBuffer: 1 << 28 });
    const times = [...(result.stdout ?? '').matchAll(/Loop time of (\S+) on/g)].map((match) => Number(match[1]));
    if (times.length < 2) throw new Error(`LAMMPS gave no loop time:\n${result.stdout}\n${result.stderr}`);
    // LAMMPS tells how much of the loop's time it had a processor: less than 100 % where something else ran.
    const share = [...result.stdout.matchAll(/([\d.]+)% CPU use/g)].map((match) => Number(match[1]) / 100);
    const memory = /Maximum resident set size \(kbytes\): (\d+)/.exec(result.stderr ?? '');
    const natoms = structure.species.length;
    const perAtom = (times.at(-1) / task.steps / natoms) * 1e6;
    return {
      natoms,
      usPerAtomStep: perAtom,
      processorUsPerAtomStep: perAtom * (share.at(-1) ?? 1),
      steps: task.steps,
      memoryBytes: memory ? Number(memory[1]) * 1024 : null,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
