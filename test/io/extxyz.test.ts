import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { StructureError } from '../../lib/errors.js';
import { parseExtxyz, virialOf } from '../../lib/io/extxyz.js';
import { formatExtxyz } from '../../lib/io/extxyz-format.js';
import { ExtxyzReader, ExtxyzWriter } from '../../lib/io/extxyz-stream.js';
import { type JsonValue, makeStructure, type Structure, symbolsOf } from '../../lib/structure.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { arbitraryStructure, errorOf, mutations } from './generators.js';

const frame = (comment: string, ...lines: string[]) => `${lines.length}\n${comment}\n${lines.join('\n')}\n`;
const one = (text: string, options = {}): Structure => parseExtxyz(text, options)[0]!;
const value = (text: string): JsonValue => one(frame(`Properties=species:S:1:pos:R:3 x=${text}`, 'Li 0 0 0')).info.x!;

describe('values of the comment line', () => {
  test.each<[string, JsonValue]>([
    ['7', 7],
    ['-0.5', -0.5],
    ['-.5', -0.5],
    ['3d-1', 0.3],
    ['1E+3', 1000],
    ['T', true],
    ['FALSE', false],
    ['tRUE', 'tRUE'],
    ['nan', 'nan'],
    ['Fe2', 'Fe2'],
    ['"two words"', 'two words'],
    ["'two words'", 'two words'],
    ["it's", "it's"],
    ['"a \\"b\\" \\\\ c\\nd"', 'a "b" \\ c\nd'],
    ['"1 2 3"', [1, 2, 3]],
    ['"1 2.5"', [1, 2.5]],
    ['"T F"', [true, false]],
    ['"1 T"', '1 T'],
    ['"7"', 7],
    ['{0.5 1.5}', [0.5, 1.5]],
    ['""', ''],
    ['[1, 2, 3]', [1, 2, 3]],
    ['[ 1 , 2 ]', [1, 2]],
    ['[a, "b c"]', ['a', 'b c']],
    [
      '[[1,2],[3, 4]]',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['[7]', [7]],
  ])('%s', (text, expected) => expect(value(text)).toEqual(expected));

  test.each(['"open', '[1, 2', '{1 2', '[1 2]', 'a"b"', '[1, [2]]', 'a]', '[[1, 2]'])('%s is E_XYZ_QUOTE on line 2', (text) => {
    const error = errorOf(() => value(text));
    expect(error).toMatchObject({ code: 'E_XYZ_QUOTE', line: 2 });
  });

  test('keys cannot reach the prototype of objects', () => {
    const structure = one(frame('Properties=species:S:1:pos:R:3:__proto__:R:1 __proto__=5 constructor=6', 'Li 0 0 0 9'));
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(Object.keys(structure.info).sort()).toEqual(['__proto__', 'constructor']);
    expect(Object.entries(structure.tags)).toEqual([['__proto__', Float64Array.of(9)]]);
    expect(parseExtxyz(formatExtxyz(structure))[0]).toEqual(structure);
  });

  test('a key that stands twice: the last wins, with a warning', () => {
    const structure = one(frame('Properties=species:S:1:pos:R:3 x=1 x=2', 'Li 0 0 0'));
    expect(structure.info.x).toBe(2);
    expect(structure.warnings).toEqual([expect.objectContaining({ code: 'W_XYZ_DUPLICATE_KEY', line: 2 })]);
  });
});

describe('special keys', () => {
  const lattice = 'Lattice="5 0 0 1 4 0 0.5 0.25 6"';
  const head = `${lattice} Properties=species:S:1:pos:R:3`;

  test('six components are xx yy zz yz xz xy, and the virial follows from the stress', () => {
    const structure = one(frame(`${head} stress="1 2 3 4 5 6"`, 'Li 0 0 0'));
    expect(structure.info.stress).toEqual([1, 6, 5, 6, 2, 4, 5, 4, 3]);
    // V = 5 x 4 x 6
    expect(virialOf(structure)).toEqual([1, 6, 5, 6, 2, 4, 5, 4, 3].map((x) => -120 * x));
  });

  test('stress and virial of opposite conventions are refused', () => {
    const error = errorOf(() => one(frame(`${head} stress="1 0 0 0 1 0 0 0 1" virial="120 0 0 0 120 0 0 0 120"`, 'Li 0 0 0')));
    expect(error).toMatchObject({ code: 'E_XYZ_CONFLICT', line: 2 });
    expect(() =>
      one(frame(`${head} stress="1 0 0 0 1 0 0 0 1" virial="-120 0 0 0 -120 0 0 0 -120.005"`, 'Li 0 0 0')),
    ).not.toThrow();
  });

  test('an asymmetric virial is read row by row with a warning', () => {
    const structure = one(frame(`${head} virial="1 2 3 4 5 6 7 8 9"`, 'Li 0 0 0'));
    expect(structure.info.virial).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(structure.warnings[0]).toMatchObject({ code: 'W_XYZ_ASYMMETRIC' });
  });

  test('Time is in ps unless told otherwise; 0.3 ps are exactly 300 fs', () => {
    expect(one(frame(`${head} Time=0.3`, 'Li 0 0 0')).info.time).toBe(300);
    expect(one(frame(`${head} time=0.3`, 'Li 0 0 0'), { timeUnit: 'fs' }).info.time).toBe(0.3);
  });

  test('periodicity: default, given, without a cell', () => {
    expect(one(frame(head, 'Li 0 0 0')).pbc).toEqual([true, true, true]);
    expect(one(frame(`${head} pbc="T F T"`, 'Li 0 0 0')).pbc).toEqual([true, false, true]);
    expect(one(frame('Properties=species:S:1:pos:R:3', 'Li 0 0 0')).pbc).toEqual([false, false, false]);
    expect(errorOf(() => one(frame('Properties=species:S:1:pos:R:3 pbc="T T T"', 'Li 0 0 0'))).code).toBe('E_CELL_INVALID');
  });

  test('three numbers are an orthogonal cell, with a warning', () => {
    const structure = one(frame('Lattice="4 5 6" Properties=species:S:1:pos:R:3', 'Li 0 0 0'));
    expect([...structure.cell!]).toEqual([4, 0, 0, 0, 5, 0, 0, 0, 6]);
    expect(structure.warnings[0]).toMatchObject({ code: 'W_XYZ_LATTICE_DIAGONAL' });
  });

  test('a left-handed cell is refused, or negated on request', () => {
    const text = frame('Lattice="0 4 0 5 0 0 0 0 6" Properties=species:S:1:pos:R:3:images:I:3', 'Li 1 2 3 1 -2 0');
    expect(errorOf(() => one(text))).toMatchObject({ code: 'E_CELL_LEFT_HANDED', line: 2 });
    const structure = one(text, { fixHandedness: true });
    expect([...structure.cell!]).toEqual([0, -4, 0, -5, 0, 0, 0, 0, -6]);
    expect([...structure.positions]).toEqual([1, 2, 3]);
    // position + images x cell is the same place: 1 (0 4 0) - 2 (5 0 0) = -1 (0 -4 0) + 2 (-5 0 0)
    expect([...structure.images!]).toEqual([-1, 2, 0]);
    expect(structure.warnings[0]).toMatchObject({ code: 'W_CELL_NEGATED' });
  });
});

describe('columns', () => {
  test('velocities: units of the file, exact in decimal', () => {
    const text = frame('Properties=species:S:1:pos:R:3:vel:R:3', 'Li 0 0 0 1.1 -2.2 3.3');
    expect([...one(text).velocities!]).toEqual([1.1e-3, -2.2e-3, 3.3e-3]);
    expect([...one(text, { velocityUnit: 'A/fs' }).velocities!]).toEqual([1.1, -2.2, 3.3]);
    // sqrt(eV/u) is 98.2269 A/ps (structures.md 7.2, six digits)
    expect(one(text, { velocityUnit: 'ase' }).velocities![0]! / 1.1).toBeCloseTo(0.0982269, 7);
  });

  test('momenta are divided by the masses', () => {
    const text = frame('Properties=species:S:1:pos:R:3:momenta:R:3:masses:R:1', 'Li 0 0 0 7 0 0 7', 'H 1 1 1 0 1 0 1');
    const structure = one(text);
    expect(structure.velocities![0]).toBeCloseTo(0.0982269, 7);
    expect(structure.velocities![4]).toBeCloseTo(0.0982269, 7);
  });

  test('move_mask says what may move, the tag fixed what may not', () => {
    const text = frame('Properties=species:S:1:pos:R:3:move_mask:L:3', 'Li 0 0 0 T F T', 'Li 1 1 1 F F F');
    expect([...(one(text).tags.fixed as Int32Array)]).toEqual([2, 7]);
    expect(formatExtxyz(one(text))).toContain('move_mask:L:3');
    expect(parseExtxyz(formatExtxyz(one(text)))[0]).toEqual(one(text));
  });

  test('species and Z must agree', () => {
    const error = errorOf(() => one(frame('Properties=species:S:1:Z:I:1:pos:R:3', 'Li 3 0 0 0', 'Cl 9 1 1 1')));
    expect(error).toMatchObject({ code: 'E_XYZ_SPECIES', line: 4, atom: 1 });
    expect(symbolsOf(one(frame('Properties=Z:I:1:pos:R:3', '3 0 0 0', '17 1 1 1')))).toEqual(['Li', 'Cl']);
  });

  test.each([
    ['Properties=species:S:1:pos:R', 'E_XYZ_PROPERTIES', 2],
    ['Properties=species:S:1:pos:R:0', 'E_XYZ_PROPERTIES', 2],
    ['Properties=species:S:1:pos:X:3', 'E_XYZ_PROPERTIES', 2],
    ['Properties=species:S:1:pos:I:3', 'E_XYZ_PROPERTIES', 2],
    ['Properties=pos:R:3', 'E_XYZ_PROPERTIES', 2],
    ['Properties=species:S:1:force:R:3', 'E_XYZ_PROPERTIES', 2],
    ['Properties=species:S:1:pos:R:3:q:R:1', 'E_XYZ_COLUMNS', 3],
  ])('%s', (comment, code, line) => {
    expect(errorOf(() => one(frame(comment, 'Li 0 0 0')))).toMatchObject({ code, line });
  });

  test.each([
    ['Xx 0 0 0', 'E_XYZ_SPECIES'],
    ['li 0 0 0', 'E_XYZ_SPECIES'],
    ['Li 0 inf 0', 'E_NUMBER'],
    ['Li 0 1e999 0', 'E_NUMBER'],
    ['Li 0 1e 0', 'E_NUMBER'],
    ['Li 0 1.2.3 0', 'E_NUMBER'],
    ['Li 0 0', 'E_XYZ_COLUMNS'],
    ['Li 0 0 0 0', 'E_XYZ_COLUMNS'],
  ])('atom line "%s"', (line, code) => {
    const error = errorOf(() => one(frame('Properties=species:S:1:pos:R:3', 'Li 1 1 1', line), { file: 'a.xyz' }));
    expect(error).toMatchObject({ code, line: 4, file: 'a.xyz', atom: 1 });
    expect(error.message).toMatch(/^a\.xyz:4: /);
  });
});

describe('frames', () => {
  test('plain XYZ: the comment is free text, further columns are ignored, numbers may stand for symbols', () => {
    const structure = one('2\nit\'s "5 nm" [wide\n3 0 0 0\nH 0 0 1.6 more of it\n');
    expect(symbolsOf(structure)).toEqual(['Li', 'H']);
    expect(structure.cell).toBeNull();
    expect(structure.info).toEqual({ comment: 'it\'s "5 nm" [wide' });
  });

  test('Windows line ends, a byte order mark, tabs, blank lines between frames, no newline at the end', () => {
    const text = '\ufeff1\r\nLattice="4 0 0 0 4 0 0 0 4" note="a b"\r\nLi\t0 0 1\r\n\r\n 1 \r\n\r\nCl 0 0 2';
    const [first, second] = parseExtxyz(text);
    expect(first!.info.note).toBe('a b');
    expect(first!.positions[2]).toBe(1);
    expect(second!.positions[2]).toBe(2);
  });

  test.each([
    ['', 'E_EMPTY', undefined],
    ['\n \n', 'E_EMPTY', undefined],
    ['two\n', 'E_XYZ_COUNT', 1],
    ['0\n\n', 'E_XYZ_COUNT', 1],
    ['-1\n\n', 'E_XYZ_COUNT', 1],
    ['2.0\n\n', 'E_XYZ_COUNT', 1],
    ['3', 'E_XYZ_TRUNCATED', 2],
    ['3\n', 'E_XYZ_TRUNCATED', 3],
    ['3\n\nLi 0 0 0\nLi 1 1 1\n\n\n', 'E_XYZ_TRUNCATED', 5],
    ['3\n\nLi 0 0 0\nLi 1 1 1\n   ', 'E_XYZ_TRUNCATED', 5],
    ['99999999999999\n\nLi 0 0 0\n', 'E_XYZ_TRUNCATED', 4],
    ['1\n\nLi 0 0 0\nLi 1 1 1\n', 'E_XYZ_COUNT', 4],
  ])('%j', (text, code, line) => {
    expect(errorOf(() => parseExtxyz(text))).toMatchObject({ code, line });
  });
});

describe('writing', () => {
  test('keys in the fixed order, then sorted; velocities in A/ps', () => {
    const structure = makeStructure({
      species: Uint8Array.of(3),
      positions: Float64Array.of(0, -0, 0.1),
      velocities: Float64Array.of(0.0012, 0, -1e-7),
      cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
      info: { zeta: 'a b', step: 3, time: 1500, energy: -1.5, alpha: true },
    });
    expect(formatExtxyz(structure)).toBe(
      '1\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:velo:R:3 energy=-1.5 pbc="T T T" Time=1.5 step=3 alpha=T zeta="a b"\n' +
        'Li 0 -0 0.1 1.2 0 -0.0001\n',
    );
    expect(formatExtxyz(structure, { decimals: 2 })).toContain('Li 0.00 0.00 0.10 1.20 0.00 -0.00\n');
  });

  test('what the grammar cannot hold comes back all the same', () => {
    const info = {
      text: '12',
      logical: 'T',
      list: [5],
      nothing: null,
      nested: [
        [1, 2],
        [3, 4],
      ],
      provenance: [{ builder: 'x', n: 3 }],
      empty: [],
      mixed: [1, 'a'],
      mark: '_JSON x',
      words: ['1', 'a b', 'T'],
    };
    const structure = makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3), info });
    expect(one(formatExtxyz(structure)).info).toEqual(info);
    expect(formatExtxyz(structure, { dialect: 'new' })).toContain('nested=[[1, 2], [3, 4]]');
    expect(one(formatExtxyz(structure, { dialect: 'new' })).info).toEqual(info);
  });

  test.each<[string, Partial<Structure>, string]>([
    ['a tag with blanks', { tags: { label: ['a b'] } }, 'E_XYZ_COLUMNS'],
    ['a tag of a wrong length', { tags: { grain: Int32Array.of(1, 2, 3, 4).subarray(0, 0) } }, 'E_XYZ_COLUMNS'],
    ['a tag with a name of the format', { tags: { pos: Float64Array.of(1) } }, 'E_XYZ_PROPERTIES'],
    ['a force that is not finite', { forces: Float64Array.of(0, Number.NaN, 0) }, 'E_NUMBER'],
    ['an energy that is not finite', { info: { energy: Number.NaN } }, 'E_NUMBER'],
  ])('%s is refused', (_, extra, code) => {
    const structure = makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3), ...extra });
    expect(errorOf(() => formatExtxyz(structure)).code).toBe(code);
  });

  test('any structure comes back bit for bit', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStructure, { minLength: 1, maxLength: 3 }), (structures) => {
        const text = formatExtxyz(structures);
        const back = parseExtxyz(text);
        expect(back.length).toBe(structures.length);
        // toEqual compares with Object.is: the sign of zero counts too.
        structures.forEach((structure, i) => {
          expect(back[i]).toEqual({ ...structure, warnings: [] });
        });
        expect(formatExtxyz(back)).toBe(text);
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  test('numbers are read with correct rounding, as the language reads them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), { minLength: 3, maxLength: 3 }),
        fc.integer({ min: 0, max: 20 }),
        (xs, digits) => {
          for (const text of [
            xs.map(String),
            xs.map((x) => (Math.abs(x) < 1e300 ? x.toExponential(digits) : String(x))),
            xs.map((x) => (Math.abs(x) < 1e20 ? x.toFixed(digits) : String(x))),
          ]) {
            const structure = one(`1\n\nLi ${text.join(' ')}\n`);
            expect([...structure.positions]).toEqual(text.map(Number));
          }
        },
      ),
      { numRuns: 500, seed: 8 },
    );
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-xyz-'));
  const path = join(folder, 'trajectory.xyz');
  const make = (k: number) =>
    makeStructure({
      species: Uint8Array.from({ length: 1 + (k % 3) }, () => 3),
      positions: Float64Array.from({ length: 3 + 3 * (k % 3) }, (_, i) => k + i / 7),
      info: { step: k },
    });

  beforeAll(async () => {
    const writer = await ExtxyzWriter.open(path);
    for (let k = 0; k < 50; k++) await writer.write(make(k));
    await writer.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the writer gives the bytes of the formatter', () => {
    expect(readFileSync(path, 'utf8')).toBe(formatExtxyz(Array.from({ length: 50 }, (_, k) => make(k))));
  });

  test.each<[string | number | undefined, number[]]>([
    [undefined, Array.from({ length: 50 }, (_, k) => k)],
    [7, [7]],
    [-1, [49]],
    ['45:', [45, 46, 47, 48, 49]],
    ['-2:', [48, 49]],
    ['::20', [0, 20, 40]],
    ['3:9:2', [3, 5, 7]],
    ['48:200', [48, 49]],
    ['60:', []],
  ])('frames %s', async (selection, expected) => {
    const reader = await ExtxyzReader.open(path);
    const steps: number[] = [];
    for await (const structure of reader.frames(selection)) steps.push(structure.info.step as number);
    await reader.close();
    expect(steps).toEqual(expected);
  });

  test('random access in any order, and frames that are not there', async () => {
    const reader = await ExtxyzReader.open(path);
    for (const k of [30, 2, 49, -50, 31]) expect((await reader.frame(k)).info.step).toBe(k < 0 ? k + 50 : k);
    expect(await reader.count()).toBe(50);
    await expect(reader.frame(50)).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
    await expect(reader.frame(-51)).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
    await reader.close();
  });

  test.each(['a', '1:2:3:4', '::0', '1.5', '::-1'])('selection "%s" is refused', async (selection) => {
    const reader = await ExtxyzReader.open(path);
    await expect(reader.frames(selection).next()).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
    await reader.close();
  });

  test('frames larger than the read buffer and cut by its edges', async () => {
    const large = join(folder, 'large.xyz');
    const structures = [40_000, 3, 150_000, 1].map((n, k) =>
      makeStructure({
        species: new Uint8Array(n).fill(17),
        positions: Float64Array.from({ length: 3 * n }, (_, i) => i / 3 + k),
        info: { step: k },
      }),
    );
    writeFileSync(large, formatExtxyz(structures).trimEnd());
    const reader = await ExtxyzReader.open(large);
    let k = 0;
    // Bytes are compared: a matcher would look at half a million numbers one by one.
    const same = (a: Float64Array, b: Float64Array) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;
    for await (const structure of reader.frames()) {
      expect(structure.info).toEqual({ step: k });
      expect(structure.species.length).toBe(structures[k]!.species.length);
      expect(same(structure.positions, structures[k++]!.positions)).toBe(true);
    }
    expect(k).toBe(4);
    expect(same((await reader.frame(2)).positions, structures[2]!.positions)).toBe(true);
    await reader.close();
  });

  test.each([
    ['two\n', 'E_XYZ_COUNT', 1],
    ['1\n\nLi 0 0 0\n3\n\nLi 0 0 0\n\n', 'E_XYZ_TRUNCATED', 7],
    ['1\n\nLi 0 0 0\n3', 'E_XYZ_TRUNCATED', 5],
    ['1\n\nLi 0 0 0\n9999999999\n\nLi 0 0 0\n\n', 'E_XYZ_TRUNCATED', 7],
    ['1\n\nLi 0 0 0\n1\n\nLi 0 x 0\n', 'E_NUMBER', 6],
    ['', 'E_EMPTY', undefined],
  ])('errors of a stream have the lines of the file: %j', async (text, code, line) => {
    const bad = join(folder, 'bad.xyz');
    writeFileSync(bad, text);
    const reader = await ExtxyzReader.open(bad);
    const read = async () => {
      for await (const _ of reader.frames());
    };
    await expect(read()).rejects.toMatchObject({ code, line, file: bad });
    await reader.close();
  });

  test('a missing file', async () => {
    await expect(ExtxyzReader.open(join(folder, 'none.xyz'))).rejects.toMatchObject({ code: 'E_FILE_NOT_FOUND' });
    await expect(ExtxyzReader.open(folder)).rejects.toMatchObject({ code: 'E_FILE_IS_DIRECTORY' });
    await expect(ExtxyzWriter.open(join(folder, 'none', 'x.xyz'))).rejects.toMatchObject({ code: 'E_FILE_NOT_WRITABLE' });
  });
});

test('mutated files give structures or errors that name what is wrong', () => {
  const seeds = [
    formatExtxyz(
      makeStructure({
        species: Uint8Array.of(3, 17),
        positions: Float64Array.of(0, 0, 0, 2, 2, 2),
        velocities: new Float64Array(6),
        cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
        info: { energy: 1, stress: [1, 0, 0, 0, 1, 0, 0, 0, 1], a: [['x']], b: 'it "s"' },
      }),
    ),
    frame(
      'Lattice=[[4, 0, 0], [0, 4.5, 0], [0, 0, 5e0]] Properties=species:S:1:pos:R:3:tags:I:2 l=[T, F] o={1 2} Time=1',
      'Mg 0.0 1.0 2.0 3 4',
    ),
  ];
  let refused = 0;
  for (const bytes of mutations(seeds, 500, 99)) {
    try {
      for (const structure of parseExtxyz(bytes)) expect(structure.species.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(StructureError);
      refused++;
    }
  }
  // Most random changes break a file; if nearly none did, the mutations would test nothing.
  expect(refused).toBeGreaterThan(100);
});

describeReference('sample files', () => {
  const { files } = referenceJson('structures', 'files', 'expected.json');
  const read = (name: string) => parseExtxyz(readFileSync(referencePath('structures', 'files', name)), { file: name });
  const flat = (rows: number[][]) => rows.flat();

  test('extxyz_basic.xyz', () => {
    const expected = files['extxyz_basic.xyz'];
    const [structure] = read('extxyz_basic.xyz');
    expect([...structure!.cell!]).toEqual(flat(expected.cell));
    expect(structure!.pbc).toEqual(expected.pbc);
    expect(structure!.info).toMatchObject(expected.info);
    expect([...structure!.forces!]).toEqual(flat(expected.forces));
    expect(structure!.info.stress).toEqual(flat(expected.stress));
    flat(expected.virial_from_stress).forEach((w, i) => {
      expect(virialOf(structure!)![i]).toBeCloseTo(w, 12);
    });
  });

  test('extxyz_values.xyz', () => {
    const expected = files['extxyz_values.xyz'];
    const [structure] = read('extxyz_values.xyz');
    expect([...structure!.cell!]).toEqual(flat(expected.cell));
    expect(structure!.pbc).toEqual(expected.pbc);
    expect(structure!.info).toEqual(expected.info);
    expect([...structure!.ids!]).toEqual(expected.arrays.id);
    expect([...(structure!.tags.frozen as Int32Array)]).toEqual(expected.arrays.frozen.map(Number));
    expect([...(structure!.tags.tags as Int32Array)]).toEqual(flat(expected.arrays.tags));
  });

  test('extxyz_trajectory.xyz', () => {
    const expected = files['extxyz_trajectory.xyz'];
    const frames = read('extxyz_trajectory.xyz');
    expect(frames.map((f) => f.species.length)).toEqual(expected.atoms);
    expect(frames.map((f) => f.cell![8])).toEqual(expected.cell_zz);
    expect(frames.map((f) => (f.info.virial as number[])[0])).toEqual(expected.virial_xx);
    expect(frames.map((f) => f.info.time)).toEqual([0, 500, 1000, 1500]);
    expect([...frames[3]!.positions]).toEqual(flat(expected.last_frame_positions));
    expect(frames[0]!.velocities![2]).toBe(1e-5);
    expect(parseExtxyz(formatExtxyz(frames))).toEqual(frames);
  });

  test('plain.xyz', () => {
    const expected = files['plain.xyz'];
    const [structure] = read('plain.xyz');
    expect(structure!.cell).toBeNull();
    expect(symbolsOf(structure!)).toEqual(expected.species);
    expect(structure!.info.comment).toBe(expected.comment);
  });

  const { cases } = referenceJson('structures', 'malformed', 'expected.json');
  interface Malformed {
    format: string;
    file: string;
    error: string;
    line: number;
    why: string;
  }
  test.each((cases as Malformed[]).filter((c) => c.format === 'extxyz'))('$file: $why', ({ file, error, line }) => {
    const text = readFileSync(referencePath('structures', 'malformed', file));
    expect(errorOf(() => parseExtxyz(text, { file }))).toMatchObject({ code: error, line, file });
  });
});
