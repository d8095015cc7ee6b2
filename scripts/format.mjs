// Format and lint of both languages: Biome for TypeScript and JSON, clang-format (WebAssembly, so that everyone has the same
// version) for C++. `--check` changes nothing and fails where something would change; `--write` changes it. Files may be named
// after the option; without them everything is looked at.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from '@wasm-fmt/clang-format';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function* filesUnder(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

const isCpp = (path) => /\.(cpp|hpp)$/.test(path);

/** Biome prints what it finds; returns whether all is well. */
function biome(write, files) {
  if (files !== null && files.length === 0) return true;
  const folder = dirname(require.resolve('@biomejs/biome/package.json'));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const args = ['check', ...(write ? ['--write'] : []), '--error-on-warnings', '--no-errors-on-unmatched', ...(files ?? ['.'])];
  return (
    spawnSync(process.execPath, [join(folder, bin.biome), ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
      .status === 0
  );
}

function clangFormat(write, files) {
  const style = readFileSync(join(root, '.clang-format'), 'utf8');
  const wrong = [];
  for (const path of files ?? [...filesUnder(join(root, 'native'))].filter(isCpp).sort()) {
    const source = readFileSync(path, 'utf8');
    const formatted = format(source, path, style);
    if (formatted === source) continue;
    wrong.push(relative(root, path));
    if (write) writeFileSync(path, formatted);
    else console.error(`${relative(root, path)}:${firstDifference(source, formatted)}: not formatted`);
  }
  if (wrong.length === 0) return true;
  if (write) console.error(`formatted ${wrong.length} C++ files`);
  else console.error(`${wrong.length} C++ files are not formatted: npm run format`);
  return write;
}

/** 1-based. */
function firstDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const line = left.findIndex((text, i) => text !== right[i]);
  return (line < 0 ? left.length : line) + 1;
}

const [option, ...named] = process.argv.slice(2);
if (option !== '--check' && option !== '--write') {
  console.error('usage: node scripts/format.mjs --check | --write [files]');
  process.exit(2);
}
const write = option === '--write';
const paths = named.length > 0 ? named.map((name) => resolve(name)) : null;
const results = [biome(write, paths?.filter((path) => !isCpp(path)) ?? null), clangFormat(write, paths?.filter(isCpp) ?? null)];
process.exitCode = results.every(Boolean) ? 0 : 1;
