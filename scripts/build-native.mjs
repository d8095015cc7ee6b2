// Builds the native addon into build/Release with node-gyp. Nothing is downloaded: the headers are those of node-api-headers.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(join(root, 'package.json'));

/** node-gyp expects a Node source or install tree; Node-API needs only four headers of it and an empty configuration. */
export function headerTree() {
  const include = join(root, 'build-headers', 'include', 'node');
  mkdirSync(include, { recursive: true });
  cpSync(require('node-api-headers').include_dir, include, { recursive: true });
  const config = {
    target_defaults: { cflags: [], default_configuration: 'Release', defines: [], include_dirs: [], libraries: [] },
    variables: {},
  };
  writeFileSync(join(include, 'config.gypi'), JSON.stringify(config, null, 1));
  writeFileSync(join(include, 'common.gypi'), commonSettings());
  return join(root, 'build-headers');
}

/** The part of Node's common.gypi that addons rely on: configurations and position-independent code. */
function commonSettings() {
  return `{
  'variables': { 'visibility%': 'hidden' },
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': {
      'Release': { 'cflags': ['-O3'], 'msvs_settings': { 'VCCLCompilerTool': { 'Optimization': 3, 'RuntimeLibrary': 0 } } },
      'Debug': { 'cflags': ['-g', '-O0'] },
    },
    'conditions': [
      ['OS!="win"', { 'cflags': ['-fPIC', '-pthread'], 'ldflags': ['-pthread'] }],
      ['OS=="mac"', { 'xcode_settings': { 'OTHER_LDFLAGS': ['-undefined', 'dynamic_lookup'] } }],
    ],
  },
}
`;
}

function nodeGyp() {
  for (const candidate of ['node-gyp/bin/node-gyp.js', 'npm/node_modules/node-gyp/bin/node-gyp.js']) {
    try {
      return require.resolve(candidate);
    } catch {
      // try the next place
    }
  }
  const bundled = join(
    dirname(process.execPath),
    '..',
    'lib',
    'node_modules',
    'npm',
    'node_modules',
    'node-gyp',
    'bin',
    'node-gyp.js',
  );
  if (existsSync(bundled)) return bundled;
  throw new Error('node-gyp was not found: run "npm install" in the package folder, or install npm, which brings it');
}

/** Incremental: only what changed is compiled again. */
export function buildNative({ jobs = 'max' } = {}) {
  const gyp = nodeGyp();
  const common = ['--release', `--nodedir=${headerTree()}`, `--jobs=${jobs}`, '--loglevel=warn'];
  for (const command of ['configure', 'build']) {
    // What the compiler says matters only when it fails.
    const result = spawnSync(process.execPath, [gyp, command, ...common], {
      cwd: root,
      encoding: 'utf8',
      env: process.env,
      maxBuffer: 1 << 28,
    });
    if (result.status !== 0) console.error(`${result.stdout}${result.stderr}`);
    if (result.status !== 0) {
      throw new Error(
        'the native addon could not be built: a C++20 compiler (g++ 11, clang 14, MSVC 2022 or newer), make and Python 3 are needed',
      );
    }
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    buildNative();
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
