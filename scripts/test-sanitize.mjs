// `npm run test:sanitize`: the native tests under AddressSanitizer (with leaks), UndefinedBehaviorSanitizer and ThreadSanitizer, in turn.
// `node scripts/test-sanitize.mjs tsan` runs one of them.
import { buildPreset, requireTools, run } from './cmake-presets.mjs';

const PRESETS = ['asan', 'ubsan', 'tsan'];
// A finding ends the program with a status of its own, and never only prints.
const ENVIRONMENT = {
  ASAN_OPTIONS: 'detect_leaks=1:exitcode=99',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1:exitcode=99',
};

function main() {
  requireTools({ cmake: 'Debian: apt-get install cmake' });
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !PRESETS.includes(name));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are ${PRESETS.join(', ')}`);
  const failed = [];
  for (const preset of wanted.length > 0 ? wanted : PRESETS) {
    buildPreset(preset, ['native_tests']);
    if (!run('ctest', ['--preset', preset], ENVIRONMENT)) failed.push(preset);
  }
  console.log(failed.length === 0 ? '\nsanitizers: nothing found' : `\nsanitizers: failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
