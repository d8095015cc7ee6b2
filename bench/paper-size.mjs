// Makes what the comparison with DeePMD-kit needs: a Python environment with DeePMD-kit and LAMMPS, and a Deep Potential of the size that the
// clay papers used, trained for 200 steps in double and in single precision, frozen and compressed; and the bundled models compressed. See bench/paper-size.md.
//   node bench/paper-size.mjs --train FOLDER_OF_SYSTEMS --out FOLDER
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const PACKAGE = 'deepmd-kit[cpu,lmp]==3.2.0';
const BUNDLED = ['li-y-cl-br', 'mg-ga-f-cl'];
/** Systems smaller than this have atoms whose neighbours are mostly images of themselves. */
const SMALLEST_SYSTEM = 40;

function trainingInput(systems, precision) {
  return {
    model: {
      type_map: ['Mg', 'Ga', 'F', 'Cl'],
      descriptor: {
        type: 'se_e2_a',
        sel: [64, 80, 224, 128],
        rcut: 9,
        rcut_smth: 5.5,
        neuron: [24, 48, 96],
        axis_neuron: 16,
        resnet_dt: false,
        type_one_side: false,
        activation_function: 'tanh',
        precision,
        seed: 1,
      },
      fitting_net: { neuron: [240, 240, 240], resnet_dt: true, activation_function: 'tanh', precision, seed: 2 },
    },
    learning_rate: { type: 'exp', start_lr: 1e-3, stop_lr: 1e-4, decay_steps: 50 },
    loss: {
      type: 'ener',
      start_pref_e: 0.02,
      limit_pref_e: 1,
      start_pref_f: 1000,
      limit_pref_f: 1,
      start_pref_v: 0,
      limit_pref_v: 0,
    },
    training: {
      training_data: { systems, batch_size: 1 },
      numb_steps: 200,
      seed: 3,
      disp_file: 'lcurve.out',
      disp_freq: 50,
      save_freq: 200,
    },
  };
}

function call(program, args, cwd) {
  console.log(`${program} ${args.join(' ')}`);
  const result = spawnSync(program, args, { cwd, stdio: 'inherit', env: { ...process.env, OMP_NUM_THREADS: '2' } });
  if (result.error) throw new Error(`${program}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${program} ended with status ${result.status}`);
}

/** Folders in DeePMD-kit's format with at least SMALLEST_SYSTEM atoms. */
function systemsIn(folder) {
  const atoms = (system) => readFileSync(join(system, 'type.raw'), 'utf8').split(/\s+/).filter(Boolean).length;
  const systems = readdirSync(folder)
    .map((name) => resolve(folder, name))
    .filter((system) => existsSync(join(system, 'type.raw')) && atoms(system) >= SMALLEST_SYSTEM)
    .sort();
  if (systems.length === 0)
    throw new Error(`${folder}: no system of at least ${SMALLEST_SYSTEM} atoms (folders with a type.raw)`);
  return systems;
}

function main() {
  const { values } = parseArgs({ options: { train: { type: 'string' }, out: { type: 'string' } } });
  if (!values.train || !values.out)
    throw new Error('give --train FOLDER (of DeePMD-kit systems of Mg, Ga, F, Cl) and --out FOLDER');
  const out = resolve(values.out);
  const bin = join(out, 'venv', 'bin');
  mkdirSync(out, { recursive: true });
  if (!existsSync(join(bin, 'lmp'))) {
    call('python3', ['-m', 'venv', join(out, 'venv')], out);
    call(join(bin, 'pip'), ['install', '--quiet', PACKAGE], out);
  }
  const systems = systemsIn(resolve(values.train));
  console.log(`${systems.length} systems`);
  for (const [name, precision] of [
    ['double', 'float64'],
    ['float32', 'float32'],
  ]) {
    const folder = join(out, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'input.json'), JSON.stringify(trainingInput(systems, precision), null, 1));
    if (existsSync(join(folder, 'paper-compressed.pb'))) continue;
    call(join(bin, 'dp'), ['--tf', 'train', 'input.json'], folder);
    call(join(bin, 'dp'), ['--tf', 'freeze', '-o', 'paper.pb'], folder);
    call(join(bin, 'dp'), ['--tf', 'compress', '-i', 'paper.pb', '-o', 'paper-compressed.pb'], folder);
  }
  const models = join(resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..'), 'models');
  mkdirSync(join(out, 'bundled'), { recursive: true });
  for (const name of BUNDLED) {
    const compressed = `${name}-compressed.pb`;
    if (existsSync(join(out, 'bundled', compressed))) continue;
    call(join(bin, 'dp'), ['--tf', 'compress', '-i', join(models, name, 'model.pb'), '-o', compressed], join(out, 'bundled'));
  }
  console.log(`\nnode bench/run.mjs --deepmd ${out} --clay mg_assembly.xyz`);
}

try {
  main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
