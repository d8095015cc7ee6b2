// Makes the prebuilt binary of this platform (prebuilds/<platform>-<arch>/), which the package carries. Nothing is downloaded.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { headerTree } from './build-native.mjs';
import { root } from './stamp.mjs';

const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
const result = spawnSync(process.execPath, [prebuildify, '--napi', '--strip', '--tag-libc'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
  // node-gyp takes the headers from here instead of fetching those of a Node release.
  env: { ...process.env, npm_config_nodedir: headerTree() },
});
process.exitCode = result.status ?? 1;
