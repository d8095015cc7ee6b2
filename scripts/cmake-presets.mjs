// CMake presets from scripts: tools that are missing are named with where they come from, and failures carry the compiler's words.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './stamp.mjs';

const onPath = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, program)));

/** `tools`: program -> what to install. Throws one error that names all that are missing. */
export function requireTools(tools) {
  const missing = Object.entries(tools).filter(([program]) => !onPath(program));
  if (missing.length === 0) return;
  const names = missing.map(([program]) => program).join(', ');
  const sources = [...new Set(missing.map(([, source]) => source))].join('; ');
  throw new Error(`not found on the PATH: ${names} (${sources})`);
}

function call(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error) throw new Error(`${program}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')} failed\n${result.stdout ?? ''}${result.stderr ?? ''}`);
}

/** Configures and builds; returns the folder of the programs. */
export function buildPreset(preset, targets, jobs = 2) {
  call('cmake', ['--preset', preset]);
  call('cmake', ['--build', '--preset', preset, '-j', String(jobs), '--target', ...targets]);
  return join(root, 'build', 'cmake', preset);
}

/** Runs a program with its output as ours; whether it succeeded. */
export function run(program, args, env = {}) {
  console.log(`\n${[program, ...args].join(' ')}`);
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  return result.status === 0;
}
