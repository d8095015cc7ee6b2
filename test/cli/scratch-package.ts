/** A package compiled from the sources as they are, in a scratch folder: tests that start processes need no build, and see no stale one. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from '@swc/core';

const ROOT = resolve(__dirname, '..', '..');

export interface ScratchPackage {
  readonly root: string;
  /** The command line: run it with `process.execPath`. */
  readonly main: string;
}

export function scratchPackage(): ScratchPackage {
  const root = mkdtempSync(join(tmpdir(), 'ionclay-package-'));
  for (const name of ['native', 'models', 'data', 'build', 'prebuilds', 'node_modules', 'binding.gyp', 'schema']) {
    symlinkSync(join(ROOT, name), join(root, name));
  }
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  compile(join(ROOT, 'lib'), join(root, 'dist'));
  return { root, main: join(root, 'dist', 'cli', 'main.js') };
}

function compile(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    if (entry.isDirectory()) compile(source, join(to, entry.name));
    else if (entry.name.endsWith('.ts')) {
      const target = join(to, entry.name.replace(/\.ts$/, '.js'));
      const { code } = transformSync(readFileSync(source, 'utf8'), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs', ignoreDynamic: true },
      });
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, code);
    }
  }
}
