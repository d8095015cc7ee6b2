// Builds everything: the native addon, the JavaScript of lib/, the ES module entry and the declarations.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './build-native.mjs';
import { markFresh, NATIVE, root, TYPESCRIPT } from './stamp.mjs';

const require = createRequire(import.meta.url);

export function buildNativeAddon() {
  buildNative();
  markFresh(NATIVE);
}

export function buildJavaScript() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const tsc = require.resolve('typescript/bin/tsc');
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) throw new Error('the TypeScript sources do not compile (see above)');
  writeModuleEntry();
  chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
  markFresh(TYPESCRIPT);
}

/** One implementation for both module systems: a second copy would have its own classes and its own native pool. */
function writeModuleEntry() {
  const names = Object.keys(require(join(root, 'dist', 'index.js'))).sort();
  const lines = names.map((name) => `export const ${name} = ionclay.${name};`);
  writeFileSync(
    join(root, 'dist', 'index.mjs'),
    `import ionclay from './index.js';\n${lines.join('\n')}\nexport default ionclay;\n`,
  );
  writeFileSync(join(root, 'dist', 'index.d.mts'), "export * from './index.js';\n");
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  try {
    buildNativeAddon();
    buildJavaScript();
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
