/** What is published: entries that exist, nothing that runs at installation, every dependency with its reason. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const runtime = Object.keys(manifest.dependencies);
const development = Object.keys(manifest.devDependencies);

function sources(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}

/** Names of packages that a file loads: imports, re-exports, requires and resolves with a literal name. */
function packagesOf(file: string): string[] {
  // Comments may quote code.
  const text = read(file).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
  const names = [
    ...text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|(?<!\.)\brequire(?:\.resolve)?\(\s*)'([^'.][^']*)'/g),
  ].map((match) => match[1]!);
  const outside = names.filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
  return outside.map((name) =>
    name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/'),
  );
}

describe('package.json', () => {
  test('says what the package is', () => {
    expect(manifest).toMatchObject({ name: 'ionclay', license: 'MIT', type: 'commonjs', engines: { node: '>=20' } });
    expect(manifest.version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  test('nothing runs at installation', () => {
    // npm runs node-gyp by itself where it finds a binding.gyp, unless gypfile is false.
    expect(manifest.gypfile).toBe(false);
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'])
      expect(manifest.scripts).not.toHaveProperty(script);
    const lock = JSON.parse(read('package-lock.json'));
    const scripted = Object.entries<{ hasInstallScript?: boolean; dev?: boolean }>(lock.packages).filter(
      ([, p]) => p.hasInstallScript && !p.dev,
    );
    expect(scripted.map(([name]) => name)).toEqual([]);
  });

  test('every entry has its source, and types come first', () => {
    const targets: string[] = [manifest.main, manifest.types, ...Object.values<string>(manifest.bin)];
    for (const conditions of Object.values<{ types: string; default: string }>(manifest.exports['.'])) {
      expect(Object.keys(conditions)[0]).toBe('types');
      targets.push(conditions.types, conditions.default);
    }
    const made = read('scripts/build.mjs');
    for (const target of targets) {
      const path = target.replace(/^\.\/dist\//, '');
      expect(target).toMatch(/^\.\/dist\//);
      // The ES module entry is written by the build; everything else is compiled from the file of the same name.
      if (/\.m(js|ts)$|\.d\.mts$/.test(path)) expect(made).toContain(`'${path}'`);
      else
        expect({ target, source: existsSync(join(root, 'lib', path.replace(/(\.d\.ts|\.js)$/, '.ts'))) }).toEqual({
          target,
          source: true,
        });
    }
    expect(read('lib/cli/main.ts')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(existsSync(join(root, manifest.exports['./schema/study.json']))).toBe(true);
  });

  test('one version of Node-API everywhere, and one that every supported Node has', () => {
    // cmake-js takes the headers of node-api-headers instead of a download where it finds this key.
    expect(manifest.binary).toEqual({ napi_versions: [8] });
    for (const file of ['binding.gyp', 'CMakeLists.txt']) expect(read(file)).toContain('NAPI_VERSION=8');
  });
});

describe('dependencies', () => {
  const used = new Map<string, string>();
  for (const file of sources('lib', /\.ts$/)) for (const name of packagesOf(file)) used.set(name, file);
  /** Needed to build from source on the user's machine, not by lib/. */
  const forBuilding = ['node-addon-api', 'node-api-headers'];

  test('lib/ loads nothing that is not declared', () => {
    expect([...used].filter(([name]) => !runtime.includes(name))).toEqual([]);
  });

  test('nothing is declared that is not used', () => {
    expect(runtime.filter((name) => !used.has(name) && !forBuilding.includes(name))).toEqual([]);
    const building = read('binding.gyp') + read('scripts/build-native.mjs');
    for (const name of forBuilding) expect(building).toContain(name);
  });

  test('docs/dependencies.md gives the reason for each, in the right table, and for no other', () => {
    const [before, after] = read('docs/dependencies.md').split('## What developers get');
    const rows = (text: string): string[] =>
      [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| (.{20,}) \|$/gm)].map((match) => match[1]!);
    expect(rows(before!)).toEqual(runtime);
    expect(rows(after!)).toEqual(development);
  });
});

describe('the packed files', () => {
  let files: string[];
  let size: number;
  beforeAll(() => {
    const result = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    const [packed] = JSON.parse(result.stdout);
    files = packed.files.map((file: { path: string }) => file.path);
    size = packed.size;
  });

  test('hold everything that building from source needs', () => {
    const needed = [
      'package.json',
      'binding.gyp',
      'scripts/build-native.mjs',
      'native/sources.json',
      ...sources('native', /\.(cpp|hpp)$/).filter((f) => !f.startsWith('native/test')),
    ];
    expect(needed.filter((file) => !files.includes(file))).toEqual([]);
    // The build script of users may not reach for anything that they do not have.
    const reached = [...read('scripts/build-native.mjs').matchAll(/from '(\.[^']+)'/g)].map((match) => match[1]);
    expect(reached).toEqual([]);
    for (const name of packagesOf('scripts/build-native.mjs')) expect([...runtime, 'node-gyp', 'npm']).toContain(name);
  });

  test('hold the models with their READMEs, the crystals, the schema, the licence and the change log', () => {
    for (const model of ['mg-ga-f-cl', 'li-ga-f-cl', 'li-y-cl-br']) {
      expect(files).toContain(`models/${model}/model.pb`);
      expect(files).toContain(`models/${model}/README.md`);
    }
    expect(files.filter((file) => file.startsWith('data/crystals/')).length).toBeGreaterThan(10);
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'schema/study.json']) expect(files).toContain(file);
  });

  test('hold nothing else', () => {
    expect(
      files.filter(
        (file) =>
          /^(test|lib|build|build-headers|bench|\.ci|node_modules)\/|\.(log|tmp|stamp)$|\.tsbuildinfo$/.test(file) &&
          file !== 'dist/ionclay.stamp',
      ),
    ).toEqual([]);
    // Above 40 MB binaries would have to move to packages of their own (one a platform).
    expect(size).toBeLessThan(40e6);
  });
});
