// `npm run test:neon`: cross-compiles the native tests for arm64, runs them under qemu, and evaluates the reference models and the bundled ones
// there, each to its own tolerance. Without reference data the bundled models alone. Needs Debian's g++-aarch64-linux-gnu and qemu-user.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPreset, requireTools, run } from './cmake-presets.mjs';
import { dumpModels } from './dump-models.mjs';
import { ensureBuilt } from './ensure-built.mjs';

async function main() {
  requireTools({
    cmake: 'Debian: apt-get install cmake',
    'aarch64-linux-gnu-g++': 'Debian: apt-get install g++-aarch64-linux-gnu',
    'qemu-aarch64': 'Debian: apt-get install qemu-user',
  });
  ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-neon-'));
  try {
    const models = join(folder, 'models.tree');
    const written = await dumpModels(models);
    const build = buildPreset('arm64-neon', ['native_tests', 'evaluate_model']);
    const failed = run('ctest', ['--preset', 'arm64-neon']) ? [] : ['native tests'];
    if (!run('qemu-aarch64', [join(build, 'evaluate_model'), models])) failed.push('evaluate_model');
    console.log();
    if (!written.reference) console.log('reference data were not found: the bundled models alone were evaluated');
    for (const line of written.unread) console.log(`left out, not evaluated by this version: ${line}`);
    console.log(
      failed.length === 0 ? `arm64: all passed, ${written.models.length} models` : `arm64: failed: ${failed.join(', ')}`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
