// Measured peak of one core (bench/peak.cpp), and the multiply-adds that a model needs at least.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './systems.mjs';

/** {double, float} in GFLOP/s, or null where there is no compiler. */
export function measurePeak(pinned) {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-peak-'));
  try {
    const program = join(folder, 'peak');
    const compiler = process.env.CXX ?? 'c++';
    const flags = ['-O3', '-std=c++17', process.arch === 'arm64' ? '-mcpu=native' : '-march=native', '-ffp-contract=fast'];
    const built = spawnSync(compiler, [...flags, '-o', program, join(root, 'bench', 'peak.cpp')], { encoding: 'utf8' });
    if (built.status !== 0) return null;
    const words = pinned(program, []);
    return JSON.parse(spawnSync(words[0], words.slice(1), { encoding: 'utf8' }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Multiply-adds an atom of one evaluation with tabulated embedding nets of degree 5 (deep-potential.md 1): the table gives value and slope of
 * M functions for each neighbour, R^T G and its two gradients take 4 M each, D takes 4 M M2 three times, and the fitting net runs forward and
 * once backward to its input. Activations, the environment and the sums of forces are not counted.
 */
export function multiplyAdds(descriptor, fitting, neighbours) {
  const { width: M, axis } = descriptor;
  const net = fitting.reduce((sum, layer) => sum + layer.inputs * layer.outputs, 0);
  return neighbours * (10 * M + 3 * 4 * M) + 3 * 4 * M * axis + 2 * net;
}
