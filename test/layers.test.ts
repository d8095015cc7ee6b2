/** The house plan as a test: imports run downward only, native code keeps its rooms, and sources stay readable. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

const root = resolve(__dirname, '..');

function filesUnder(folder: string, pattern: RegExp): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.includes('node_modules/'))
    .sort();
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/**
 * Rooms of lib/ from the ground up. A file may import from its own room and from rooms of a smaller number; rooms that share a
 * number are neighbours and do not know each other.
 */
const ROOMS: Readonly<Record<string, number>> = {
  'errors.ts': 0,
  'units.ts': 1,
  'elements.ts': 1,
  'version.ts': 1,
  'cell.ts': 2,
  'estimate.ts': 2,
  'cell-reduction.ts': 3,
  'structure.ts': 3,
  'close-pairs.ts': 4,
  native: 4,
  io: 5,
  builders: 6,
  potential: 6,
  dynamics: 7,
  analysis: 8,
  protocol: 9,
  study: 10,
  sweep: 11,
  report: 11,
  cli: 12,
  'index.ts': 13,
};

const roomOf = (file: string): string => file.split('/')[1]!;

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

/** Every import, re-export and dynamic import of a file of the project, type-only ones too. */
function importsOf(file: string): Import[] {
  const text = read(file).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
  const found: Import[] = [];
  const statement =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)|\brequire\(\s*'(\.[^']+)'\s*\)/g;
  for (const match of text.matchAll(statement)) {
    const target = match[3] ?? match[4] ?? match[5]!;
    const path = join(dirname(file), target).replace(/\.js$/, '.ts').split(sep).join('/');
    if (path.endsWith('.ts')) found.push({ from: file, to: path, typeOnly: match[2] !== undefined });
  }
  return found;
}

const libFiles = filesUnder('lib', /\.ts$/);
const imports = libFiles.flatMap(importsOf);

describe('lib/', () => {
  test('the reader of imports sees what is there', () => {
    expect(libFiles.length).toBeGreaterThan(50);
    expect(imports).toContainEqual({ from: 'lib/units.ts', to: 'lib/errors.ts', typeOnly: false });
    expect(imports).toContainEqual({ from: 'lib/dynamics/engine.ts', to: 'lib/dynamics/frame.ts', typeOnly: true });
    expect(imports.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  test('every room has its place in the order', () => {
    expect([...new Set(libFiles.map(roomOf))].filter((room) => !Object.hasOwn(ROOMS, room))).toEqual([]);
  });

  test('imports run downward only, type-only imports too', () => {
    const upward = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to) && ROOMS[roomOf(to)]! >= ROOMS[roomOf(from)]!);
    expect(upward.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('no circle of imports that exist at run time', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      else if (!done.has(file)) for (const to of next.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of libFiles) visit(file, []);
    expect(circles).toEqual([]);
  });
});

const cppFiles = filesUnder('native', /\.(cpp|hpp)$/);
const includesOf = (file: string): string[] =>
  [...read(file).matchAll(/^\s*#\s*include\s+[<"]([^>"]+)[>"]/gm)].map((match) => match[1]!);

/** The same for native/: numbers first, what knows Node last. */
const NATIVE_ROOMS: Readonly<Record<string, number>> = { core: 0, simd: 1, potential: 2, analysis: 2, addon: 3, test: 4 };

describe('native/', () => {
  test('only addon/ knows Node', () => {
    const knowing = cppFiles.filter((file) =>
      includesOf(file).some((name) => /(^|\/)(napi|napi-inl|node_api|js_native_api|node|uv|v8)\.h$/.test(name)),
    );
    expect(knowing.length).toBeGreaterThan(0);
    expect(knowing.filter((file) => !file.startsWith('native/addon/'))).toEqual([]);
  });

  test('includes run downward only', () => {
    const upward: string[] = [];
    for (const file of cppFiles) {
      for (const name of includesOf(file)) {
        if (!name.startsWith('native/')) continue;
        expect(existsSync(join(root, name))).toBe(true);
        const [own, other] = [roomOf(file), roomOf(name)];
        if (own !== other && NATIVE_ROOMS[other]! >= NATIVE_ROOMS[own]!) upward.push(`${file} includes ${name}`);
      }
    }
    expect(upward).toEqual([]);
  });

  test('kernels use nothing inline from outside their own namespace: the linker could hand an AVX-512 body to a baseline caller', () => {
    const allowed = /^(cmath|cstddef|cstdint|cstring|limits|immintrin\.h|arm_neon\.h|native\/.*)$/;
    const kernels = cppFiles.filter(
      (file) => /\.kernel\.hpp$|_(baseline|avx2|avx512|neon)\.(cpp|hpp)$/.test(file) || file === 'native/simd/math.hpp',
    );
    expect(kernels.length).toBeGreaterThan(8);
    for (const file of kernels)
      expect({ file, outside: includesOf(file).filter((name) => !allowed.test(name)) }).toEqual({ file, outside: [] });
  });

  test('native/sources.json lists every source once', () => {
    const list = JSON.parse(read('native/sources.json')) as { common: string[]; kernels: Record<string, string[]> };
    const listed = [...list.common, ...Object.values(list.kernels).flat()].sort();
    expect(listed).toEqual(cppFiles.filter((file) => file.endsWith('.cpp') && !file.startsWith('native/test/')));
    for (const [isa, files] of Object.entries(list.kernels))
      for (const file of files) expect(basename(file, '.cpp').endsWith(isa)).toBe(true);
  });

  test('no flag that changes values', () => {
    for (const file of ['binding.gyp', 'CMakeLists.txt', 'scripts/build-native.mjs']) {
      expect(read(file)).not.toMatch(/-ffast-math|-Ofast|-funsafe-math|\/fp:fast|-march=native/);
    }
    for (const file of ['binding.gyp', 'CMakeLists.txt']) expect(read(file)).toContain('-ffp-contract=off');
  });
});

describe('every source', () => {
  const sources = ['lib', 'native', 'test', 'scripts', 'bench', 'examples'].flatMap((folder) =>
    filesUnder(folder, /\.(ts|mts|mjs|cjs|js|cpp|hpp)$/),
  );
  const texts = [
    ...sources,
    ...['docs', 'models', 'data', 'schema'].flatMap((folder) => filesUnder(folder, /\.(md|json|yaml|txt)$/)),
    ...readdirSync(root).filter((name) => /\.(md|json|gyp|txt|cjs)$|^\.clang-format$/.test(name) && name !== 'package-lock.json'),
  ];

  test('has at most 600 lines', () => {
    expect(
      sources.map((file) => ({ file, lines: read(file).split('\n').length - 1 })).filter(({ lines }) => lines > 600),
    ).toEqual([]);
  });

  test('is named by the thing in it', () => {
    expect(sources.filter((file) => /^(utils?|helpers?|common|misc)\./.test(basename(file)))).toEqual([]);
  });

  // Written in parts, so that this file does not find itself.
  test.each([
    ['random numbers without a seed', new RegExp(`Math\\.${'random'}\\b`), sources],
    ['a word that silences the compiler', new RegExp(`@ts-${'(ignore|nocheck)'}`), sources],
    ['unfinished work', new RegExp(`\\b(${'TO'}DO|FIX${'ME'}|X${'XX'})\\b`), texts],
    ['paths of one machine', new RegExp(`(?<![\\w.])/(${'work'}|${'home'}|${'root'}|${'Users'})/`), texts],
    ['a reference to a ticket', new RegExp(`\\b${'issue'}s? #?\\d`, 'i'), texts],
  ])('has no %s', (_, pattern, files) => {
    const found = files.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test('reference data are found by one helper alone', () => {
    const finding = sources.filter(
      (file) =>
        !['test/reference.ts', 'test/reference-folder.cjs'].includes(file) &&
        /shared['"`/, ]+golden|IONCLAY_REFERENCE/.test(read(file)),
    );
    expect(finding.filter((file) => file !== 'test/layers.test.ts')).toEqual([]);
  });
});
