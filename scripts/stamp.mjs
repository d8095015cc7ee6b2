// Content hashes of sources: what is built is stale when they change, whatever the clock says.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function* filesUnder(path) {
  if (!existsSync(path)) return;
  if (statSync(path).isFile()) {
    yield path;
    return;
  }
  for (const name of readdirSync(path).sort()) yield* filesUnder(join(path, name));
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesUnder(join(root, path)))
      hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

export const NATIVE = {
  name: 'native addon',
  inputs: [
    'native/addon',
    'native/analysis',
    'native/core',
    'native/potential',
    'native/simd',
    'native/sources.json',
    'binding.gyp',
  ],
  output: 'build/Release/ionclay.node',
  stamp: 'build/ionclay.stamp',
};

export const TYPESCRIPT = {
  name: 'JavaScript',
  inputs: ['lib', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs', 'package.json'],
  output: 'dist/index.js',
  stamp: 'dist/ionclay.stamp',
};

export function isFresh(target) {
  const stamp = join(root, target.stamp);
  return existsSync(join(root, target.output)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hashOf(target.inputs);
}

export function markFresh(target) {
  const stamp = join(root, target.stamp);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hashOf(target.inputs));
}
