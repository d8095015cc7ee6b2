/** The commands in the order of the help page; each file registers itself (see command.ts). */
import type { Register } from './command.js';
import { register as analyze } from './commands/analyze.js';
import { register as bench } from './commands/bench.js';
import { register as build } from './commands/build.js';
import { register as check } from './commands/check.js';
import { register as doctor } from './commands/doctor.js';
import { register as evaluate } from './commands/evaluate.js';
import { register as inspect } from './commands/inspect.js';
import { register as model } from './commands/model.js';
import { register as report } from './commands/report.js';
import { register as run } from './commands/run.js';
import { register as status } from './commands/status.js';

export const COMMANDS: readonly Register[] = [
  run,
  status,
  report,
  check,
  build,
  inspect,
  evaluate,
  analyze,
  model,
  bench,
  doctor,
];
