// `npm run bench`: this machine, and side by side with DeePMD-kit where that is installed. Never part of the tests: speed is measured, not
// asserted. What is measured is in bench/README.md; results go to one JSON file and, as tables, to the terminal.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureDeepmd } from './deepmd.mjs';
import { measurePeak } from './peak.mjs';
import { bundled, clay, growth, root, small } from './systems.mjs';
import { tables } from './tables.mjs';

const INTERFACE_ATOMS = 143;
/** The first steps of TensorFlow take up to twice as long as the later ones. */
const DEEPMD_WARMUP = 10;
const PARTS = ['peak', 'bundled', 'paper', 'threads', 'small', 'list', 'growth', 'isa'];

const OPTIONS = {
  deepmd: { type: 'string' },
  lammps: { type: 'string' },
  clay: { type: 'string' },
  parts: { type: 'string', default: PARTS.join(',') },
  rounds: { type: 'string', default: '3' },
  steps: { type: 'string', default: '10' },
  'deepmd-steps': { type: 'string', default: '20' },
  'most-atoms': { type: 'string', default: '1100000' },
  clock: { type: 'string', default: 'wall' },
  core: { type: 'string', default: String(availableParallelism() - 1) },
  out: { type: 'string', default: join(root, 'build', 'bench', 'results.json') },
};

const exists = (program) => spawnSync(program, ['--version']).error === undefined;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** What was asked, and what this machine has. */
function settingsFrom(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  const parts = values.parts.split(',');
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0) throw new Error(`--parts: unknown ${unknown.join(', ')}; there are ${PARTS.join(', ')}`);
  if (values.clock !== 'wall' && values.clock !== 'processor') throw new Error('--clock: expected wall or processor');
  const deepmd = values.deepmd && resolve(values.deepmd);
  const lammps = values.lammps ?? process.env.IONCLAY_LAMMPS ?? (deepmd ? join(deepmd, 'venv', 'bin', 'lmp') : null);
  if (lammps && !existsSync(lammps)) throw new Error(`${lammps}: not found (bench/paper-size.mjs makes it)`);
  const number = (name) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name}: expected a whole number, got ${values[name]}`);
    return value;
  };
  return {
    parts,
    deepmd,
    lammps,
    clay: clay(values.clay),
    rounds: Math.max(1, number('rounds')),
    steps: Math.max(1, number('steps')),
    deepmdSteps: Math.max(1, number('deepmd-steps')),
    clock: values.clock,
    mostAtoms: number('most-atoms'),
    core: number('core'),
    out: resolve(values.out),
    pin: exists('taskset'),
    time: existsSync('/usr/bin/time') ? '/usr/bin/time' : null,
  };
}

class Bench {
  constructor(settings) {
    this.settings = settings;
    this.results = {
      machine: {
        cpu: cpus()[0].model,
        cores: availableParallelism(),
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
      },
      settings: {
        rounds: settings.rounds,
        steps: settings.steps,
        deepmdSteps: settings.deepmdSteps,
        clock: settings.clock,
        pinned: settings.pin,
      },
    };
  }

  log(text) {
    process.stderr.write(`${text}\n`);
  }

  /** The words of a command that keep it on `threads` cores. */
  pinned(program, args, threads = 1) {
    const { pin, core } = this.settings;
    const cores = threads === 1 ? String(core) : `0-${availableParallelism() - 1}`;
    return pin ? ['taskset', '-c', cores, program, ...args] : [program, ...args];
  }

  /** By the clock that was asked for; several threads have the wall clock only. */
  clocked(measured, wall = this.settings.clock === 'wall') {
    if (measured.refused || wall) return measured;
    return { ...measured, wallUsPerAtomStep: measured.usPerAtomStep, usPerAtomStep: measured.processorUsPerAtomStep };
  }

  ours(task) {
    const full = { precision: 'double', compression: 'none', threads: 1, warmup: 2, steps: this.settings.steps, ...task };
    const words = this.pinned(process.execPath, [join(root, 'bench', 'measure.mjs'), JSON.stringify(full)], full.threads);
    const result = spawnSync(words[0], words.slice(1), { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (result.status !== 0) throw new Error(`${JSON.stringify(full)}\n${result.stdout}${result.stderr}`);
    const measured = this.clocked(JSON.parse(result.stdout.trim().split('\n').at(-1)), full.wall);
    const what = `ionclay ${full.precision} ${full.compression} ${full.threads} thread${full.threads > 1 ? 's' : ''}${full.isa ? ` ${full.isa}` : ''}`;
    this.log(`  ${what}: ${measured.refused ?? `${measured.usPerAtomStep.toFixed(2)} us/atom/step, ${measured.natoms} atoms`}`);
    return measured;
  }

  async theirs(task) {
    const { lammps, core, pin, time, deepmdSteps } = this.settings;
    const measured = this.clocked(
      await measureDeepmd({ lammps, core, pin, time, warmup: DEEPMD_WARMUP, steps: deepmdSteps, ...task }),
    );
    this.log(`  DeePMD-kit ${task.label}: ${measured.usPerAtomStep.toFixed(1)} us/atom/step`);
    return measured;
  }

  /**
   * All variants in turn, round by round, so that what else the machine does falls on all alike. A variant: {name, run, rounds?};
   * one that was refused once is not tried again.
   */
  async rounds(variants) {
    const rows = variants.map(({ name }) => ({ name, refused: null, times: [], last: null }));
    for (let round = 0; round < this.settings.rounds; round++) {
      this.log(` round ${round + 1}`);
      for (const [k, variant] of variants.entries()) {
        const row = rows[k];
        if (row.refused || round >= (variant.rounds ?? this.settings.rounds)) continue;
        const measured = await variant.run();
        if (measured.refused) row.refused = measured.refused;
        else {
          row.times.push(measured.usPerAtomStep);
          row.last = measured;
        }
      }
    }
    return rows.map(({ name, refused, times, last }) =>
      refused ? { name, refused } : { name, ...last, usPerAtomStep: median(times), times },
    );
  }

  /** `plainRounds`: rounds of the variants that run the nets themselves, where these take long. */
  ourVariants(model, structure, plainRounds) {
    const all = [
      ['double', 'none'],
      ['double', 'auto'],
      ['mixed', 'none'],
      ['mixed', 'auto'],
    ];
    return all.map(([precision, compression]) => ({
      name: `ionclay ${precision} ${compression}`,
      rounds: compression === 'none' ? plainRounds : undefined,
      run: () => this.ours({ model, structure, precision, compression }),
    }));
  }

  async bundled() {
    const { lammps, deepmd } = this.settings;
    const systems = [];
    for (const { model, label, structure } of bundled) {
      this.log(`${model}, ${label}`);
      const variants = this.ourVariants(model, structure);
      if (lammps) {
        const { species } = await this.modelOf(model);
        const file = join(root, 'models', model, 'model.pb');
        variants.push({
          name: 'DeePMD-kit double plain',
          run: () => this.theirs({ label: 'plain', model: file, structure, species }),
        });
        const compressed = deepmd && join(deepmd, 'bundled', `${model}-compressed.pb`);
        if (compressed && existsSync(compressed)) {
          variants.push({
            name: 'DeePMD-kit double compressed',
            run: () => this.theirs({ label: 'compressed', model: compressed, structure, species }),
          });
        }
      }
      systems.push({ model, label, rows: await this.rounds(variants) });
    }
    return systems;
  }

  async modelOf(model) {
    const { default: ionclay } = await import('../dist/index.js');
    return ionclay.loadPotential(model);
  }

  async paper() {
    const { deepmd, clay: structure } = this.settings;
    if (!deepmd) return { missing: 'no --deepmd FOLDER (bench/paper-size.md)' };
    if (!structure) return { missing: 'no clay assembly: --clay FILE (bench/paper-size.md)' };
    this.log('paper-size model, clay');
    const plain = join(deepmd, 'double', 'paper.pb');
    const variants = this.ourVariants(plain, structure, 1);
    variants.push({
      name: "ionclay double, the file's tables",
      run: () => this.ours({ model: join(deepmd, 'double', 'paper-compressed.pb'), structure }),
    });
    if (this.settings.lammps) {
      const { species } = await this.modelOf(plain);
      const theirs = (name, file, extra = {}) => ({
        name: `DeePMD-kit ${name}`,
        rounds: extra.rounds,
        run: () => this.theirs({ label: name, model: join(deepmd, file), structure, species, ...extra }),
      });
      variants.push(theirs('double compressed', 'double/paper-compressed.pb'));
      variants.push(theirs('float32 compressed', 'float32/paper-compressed.pb'));
      // Minutes a step: one round, few steps.
      variants.push(theirs('double plain', 'double/paper.pb', { warmup: 1, steps: 2, rounds: 1 }));
    }
    return { rows: await this.rounds(variants) };
  }

  /** One thread and all of them in turn. */
  async threads() {
    const most = availableParallelism();
    const systems = [];
    const { deepmd, clay: structure } = this.settings;
    const cases = bundled.map(({ model, label, structure: s }) => ({ model, label, structure: s }));
    if (deepmd && structure) cases.unshift({ model: join(deepmd, 'double', 'paper.pb'), label: 'paper size, clay', structure });
    for (const { model, label, structure: s } of cases) {
      for (const [precision, compression] of [
        ['double', 'auto'],
        ['mixed', 'auto'],
      ]) {
        this.log(`threads: ${label}`);
        const rows = await this.rounds(
          [1, most].map((threads) => ({
            name: `${threads}`,
            run: () => this.ours({ model, structure: s, precision, compression, threads, seconds: 2, wall: true }),
          })),
        );
        systems.push({ label, precision, compression, rows });
      }
    }
    return { threads: most, systems };
  }

  /** A hundred atoms: what a step costs beyond the force kernel. */
  async small() {
    const rows = [];
    for (const { model } of bundled.filter((one) => one.model === 'li-y-cl-br')) {
      for (const [precision, compression] of [
        ['double', 'none'],
        ['double', 'auto'],
        ['mixed', 'auto'],
      ]) {
        const measured = this.ours({ model, structure: small, precision, compression, steps: 100, seconds: 5, warmup: 20 });
        if (measured.refused) continue;
        const kernel = Object.values(measured.phasesUsPerAtom).reduce((sum, value) => sum + value, 0);
        rows.push({
          model,
          precision,
          compression,
          ...measured,
          kernelUsPerAtom: kernel,
          overhead: 1 - kernel / measured.usPerAtomStep,
        });
      }
    }
    return rows;
  }

  /** A list that is built at every evaluation. */
  async list() {
    const { deepmd, clay: structure } = this.settings;
    const cases = bundled.map(({ model, label, structure: s }) => ({ model, label, structure: s }));
    if (deepmd && structure) cases.unshift({ model: join(deepmd, 'double', 'paper.pb'), label: 'paper size, clay', structure });
    return cases.map(({ model, label, structure: s }) => {
      this.log(`list: ${label}`);
      const measured = this.ours({ model, structure: s, compression: 'auto', rebuilds: true, steps: 1, phaseSeconds: 5 });
      return {
        label,
        natoms: measured.natoms,
        neighbours: measured.neighbours,
        usPerAtom: measured.rebuildUsPerAtom,
        refused: measured.refused,
      };
    });
  }

  /** Time and memory over the number of atoms, one density. */
  async growth() {
    const { deepmd, mostAtoms, clay: assembly } = this.settings;
    const cases = [{ model: 'mg-ga-f-cl', label: 'bundled mg-ga-f-cl', precision: 'double', compression: 'auto' }];
    const paper = deepmd && join(deepmd, 'double', 'paper.pb');
    if (paper) cases.push({ model: paper, label: 'paper size', precision: 'mixed', compression: 'auto' });
    const series = [];
    for (const { label, ...one } of cases) {
      this.log(`growth: ${label}, ${one.precision} ${one.compression}`);
      const rows = [];
      for (const structure of growth) {
        const natoms = structure.repeat.reduce((product, n) => product * n, INTERFACE_ATOMS);
        if (natoms > mostAtoms) continue;
        // A step of a million atoms takes a minute; of a thousand, as many as it takes to measure.
        const large = natoms > 5e5;
        const measured = this.ours({ ...one, structure, warmup: large ? 0 : 1, steps: 2, seconds: large ? 0 : 3, phases: false });
        if (measured.refused) break;
        rows.push(measured);
      }
      if (rows.length > 0) series.push({ label, ...one, rows, exponent: exponentOf(rows.filter((row) => row.natoms >= 1000)) });
    }
    // The clay repeated to a million atoms under the paper-size model: does it run, and in what memory?
    const clay = assembly && { ...assembly, repeat: [7, 4, 3] };
    const million =
      paper && clay && mostAtoms >= 1e6
        ? this.ours({
            model: paper,
            structure: clay,
            precision: 'mixed',
            compression: 'auto',
            warmup: 0,
            steps: 2,
            phases: false,
          })
        : null;
    return { series, million: million?.refused ? null : million };
  }

  /** Every instruction set of this machine. */
  async isa() {
    const systems = [];
    for (const { model, label, structure } of bundled) {
      this.log(`instruction sets: ${label}`);
      const rows = [];
      for (const isa of ['avx512', 'avx2', 'neon', 'baseline']) {
        for (const [precision, compression] of [
          ['double', 'none'],
          ['double', 'auto'],
          ['mixed', 'auto'],
        ]) {
          const measured = this.ours({ model, structure, isa, precision, compression });
          if (!measured.refused) rows.push({ isa, precision, compression, ...measured });
        }
      }
      systems.push({ model, label, rows });
    }
    return systems;
  }

  save() {
    mkdirSync(dirname(this.settings.out), { recursive: true });
    writeFileSync(this.settings.out, `${JSON.stringify(this.results, null, 1)}\n`);
  }
}

/** Slope of log(total time) over log(atoms) by least squares: 1 is time in proportion to atoms. */
function exponentOf(rows) {
  if (rows.length < 2) return null;
  const x = rows.map((row) => Math.log(row.natoms));
  const y = rows.map((row) => Math.log(row.natoms * row.usPerAtomStep));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  return mean(x.map((value, k) => (value - mx) * (y[k] - my))) / mean(x.map((value) => (value - mx) ** 2));
}

async function main() {
  const bench = new Bench(settingsFrom(process.argv.slice(2)));
  for (const part of bench.settings.parts) {
    bench.results[part] = part === 'peak' ? measurePeak((program, args) => bench.pinned(program, args)) : await bench[part]();
    // After each part: what was measured is kept if the next one fails.
    bench.save();
  }
  console.log(tables(bench.results));
  bench.log(`\n${bench.settings.out}`);
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
