// `npm run demo`: the main job on a bundled model, about two minutes on two cores.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './stamp.mjs';

console.error(
  'Lithium in Li3YCl6 at 900 K: 12 ps of molecular dynamics with the bundled model li-y-cl-br (examples/demo.yaml)\n',
);
const study = join(root, 'examples', 'demo.yaml');
const result = spawnSync(
  process.execPath,
  [join(root, 'dist', 'cli', 'main.js'), 'run', study, '--out', join(root, 'runs', 'demo')],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exitCode = result.status ?? 1;
