// Builds what is missing or older than its sources, and says so. Part of `npm run demo`, `npm test` and `npm run bench`.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildJavaScript, buildNativeAddon } from './build.mjs';
import { isFresh, NATIVE, TYPESCRIPT } from './stamp.mjs';

export function ensureBuilt() {
  for (const [target, build] of [
    [NATIVE, buildNativeAddon],
    [TYPESCRIPT, buildJavaScript],
  ]) {
    if (isFresh(target)) continue;
    const start = Date.now();
    console.error(`building the ${target.name} (about a minute the first time) ...`);
    build();
    console.error(`built the ${target.name} in ${((Date.now() - start) / 1000).toFixed(0)} s`);
  }
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  try {
    ensureBuilt();
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
