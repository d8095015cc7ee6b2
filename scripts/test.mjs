// `npm test` (`npm run test:slow` adds the tests of minutes): builds what is stale, checks format, lint and types, runs jest, and ends with the counts alone on the last line.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './ensure-built.mjs';
import { root } from './stamp.mjs';

const require = createRequire(import.meta.url);
const node = (script, args, options = {}) =>
  spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options }).status ?? 1;

function main() {
  if (process.argv.includes('--slow')) process.env.IONCLAY_SLOW = '1';
  ensureBuilt();
  const checks = [
    ['format and lint', () => node(join(root, 'scripts', 'format.mjs'), ['--check'])],
    ['types', () => node(require.resolve('typescript/bin/tsc'), ['--noEmit', '-p', root])],
  ];
  for (const [name, check] of checks) {
    if (check() !== 0) {
      console.error(`error: ${name}: failed (see above)`);
      return 1;
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-jest-'));
  const output = join(folder, 'result.json');
  const status = node(
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    ['--json', `--outputFile=${output}`, ...process.argv.slice(2).filter((word) => word !== '--slow')],
    {
      // jest --json prints the document on standard output as well; people read the report on standard error.
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const result = JSON.parse(readFileSync(output, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  // A file that cannot be loaded has no tests to count: it is a failure all the same.
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  console.log(`${result.numPassedTests} passed, ${failed} failed, ${result.numPendingTests + result.numTodoTests} skipped`);
  return status === 0 && failed === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
