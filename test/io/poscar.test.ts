import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { determinant, timesMatrix } from '../../lib/cell.js';
import { StructureError } from '../../lib/errors.js';
import { parsePoscar } from '../../lib/io/poscar.js';
import { formatPoscar } from '../../lib/io/poscar-format.js';
import { makeStructure, symbolsOf } from '../../lib/structure.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { arbitraryCell, errorOf, mutations } from './generators.js';

const poscar = (...lines: string[]) => `${lines.join('\n')}\n`;
const head = ['comment', '1.0', '4 0 0', '0 5 0', '0 0 6'];

describe('reading', () => {
  test('direct coordinates of a skewed cell, suffixes of names, trailing text', () => {
    const s = parsePoscar(
      poscar('c', '2.0', '2 0 0', '1 2 0', '0 0 3', 'Li_sv/12ab Cl', '1 1', 'direct', '0.5 0.5 0.25 Li1', '0 0 1.5'),
    );
    expect(symbolsOf(s)).toEqual(['Li', 'Cl']);
    expect([...s.cell!]).toEqual([4, 0, 0, 2, 4, 0, 0, 0, 6]);
    expect([...s.positions]).toEqual([3, 2, 1.5, 0, 0, 9]);
    expect(s.info.comment).toBe('c');
    expect(s.pbc).toEqual([true, true, true]);
  });

  test('a negative scale is the volume, and Cartesian coordinates scale with it', () => {
    const s = parsePoscar(poscar('c', '-27', '1 0 0', '0 1 0', '0 0 1', 'Li', '1', 'K', '0.5 0 0'));
    expect(determinant(s.cell!)).toBeCloseTo(27, 12);
    expect(s.positions[0]).toBeCloseTo(1.5, 14);
  });

  test('three scales act on Cartesian components', () => {
    const s = parsePoscar(poscar('c', '2 3 4', '1 0 0', '1 1 0', '0 0 1', 'Li', '1', 'C', '1 1 1'));
    expect([...s.cell!]).toEqual([2, 0, 0, 2, 3, 0, 0, 0, 4]);
    expect([...s.positions]).toEqual([2, 3, 4]);
  });

  test('species blocks repeat and keep their order', () => {
    const s = parsePoscar(poscar(...head, 'Ga F Ga', '1 2 1', 'D', '0 0 0', '.1 0 0', '.2 0 0', '.3 0 0'));
    expect(symbolsOf(s)).toEqual(['Ga', 'F', 'F', 'Ga']);
  });

  test('VASP 4: names from the option, else from a comment that holds exactly as many', () => {
    const text = (comment: string) => poscar(comment, ...head.slice(1), '1 1', 'D', '0 0 0', '.5 0 0');
    expect(symbolsOf(parsePoscar(text('made by hand'), { species: ['Li', 'O'] }))).toEqual(['Li', 'O']);
    const named = parsePoscar(text('Li O'));
    expect(symbolsOf(named)).toEqual(['Li', 'O']);
    expect(named.warnings).toEqual([expect.objectContaining({ code: 'W_POSCAR_SPECIES', line: 1 })]);
    expect(errorOf(() => parsePoscar(text('Li')))).toMatchObject({ code: 'E_POSCAR_SPECIES', line: 6 });
    expect(errorOf(() => parsePoscar(text('x'), { species: ['Li'] })).code).toBe('E_POSCAR_COUNTS');
    expect(errorOf(() => parsePoscar(text('x'), { species: ['Li', 'Qq'] })).code).toBe('E_POSCAR_SPECIES');
  });

  test('selective dynamics: F is a component that may not move', () => {
    const s = parsePoscar(poscar(...head, 'Li', '3', 'Selective', 'D', '0 0 0 T F T', '0 0 0 F F F', '0 0 0 .TRUE. T T'));
    expect([...(s.tags.fixed as Int32Array)]).toEqual([2, 7, 0]);
    expect(errorOf(() => parsePoscar(poscar(...head, 'Li', '1', 'S', 'D', '0 0 0 T T')))).toMatchObject({
      code: 'E_POSCAR_MODE',
      line: 10,
    });
  });

  test('velocities after a blank or Cartesian line, after lattice velocities, zeros kept', () => {
    const lattice = ['Lattice velocities and vectors', '1', '0 0 0', '0 0 0', '0 0 0', '4 0 0', '0 5 0', '0 0 6'];
    for (const between of [[''], ['Cartesian'], [...lattice, ''], [...lattice, 'Cartesian']]) {
      const s = parsePoscar(poscar(...head, 'Li', '2', 'D', '0 0 0', '.5 0 0', ...between, '1e-3 0 -2D-3', '0 0 0'));
      expect([...s.velocities!]).toEqual([1e-3, 0, -2e-3, 0, 0, 0]);
      expect(s.warnings).toEqual([]);
    }
    const without = parsePoscar(poscar(...head, 'Li', '1', 'D', '0 0 0', '', '', ''));
    expect(without.velocities).toBeUndefined();
    expect(errorOf(() => parsePoscar(poscar(...head, 'Li', '1', 'D', '0 0 0', 'Direct', '0 0 0')))).toMatchObject({
      code: 'E_POSCAR_VELOCITIES',
      line: 10,
    });
  });

  test('a tail is reported, not read', () => {
    const s = parsePoscar(poscar(...head, 'Li', '1', 'D', '0 0 0', '', '0 0 0', '', '1', '0.5'));
    expect(s.warnings).toEqual([expect.objectContaining({ code: 'W_POSCAR_TAIL', line: 12 })]);
    expect(parsePoscar(poscar(...head, 'Li', '1', 'D', '0 0 0', '', 'augmentation charges')).warnings[0]).toMatchObject({
      code: 'W_POSCAR_TAIL',
    });
  });

  test('left-handed cells are refused or negated, positions stay', () => {
    const text = poscar('c', '1', '0 4 0', '5 0 0', '0 0 6', 'Li', '1', 'D', '.5 .25 .125');
    expect(errorOf(() => parsePoscar(text, { file: 'POSCAR' }))).toMatchObject({ code: 'E_CELL_LEFT_HANDED', file: 'POSCAR' });
    const s = parsePoscar(text, { fixHandedness: true });
    expect([...s.positions]).toEqual([1.25, 2, 0.75]);
    expect([...s.cell!]).toEqual([0, -4, 0, -5, 0, 0, 0, 0, -6]);
    expect(s.warnings[0]).toMatchObject({ code: 'W_CELL_NEGATED' });
  });

  test.each<[string, string[], string, number | undefined]>([
    ['nothing', [], 'E_EMPTY', undefined],
    ['the header is cut', head.slice(0, 4), 'E_POSCAR_TRUNCATED', 5],
    ['scale zero', ['c', '0', '4 0 0', '0 5 0', '0 0 6', 'Li', '1', 'D', '0 0 0'], 'E_POSCAR_SCALE', 2],
    ['no scale', ['c', 'x', '4 0 0', '0 5 0', '0 0 6', 'Li', '1', 'D', '0 0 0'], 'E_POSCAR_SCALE', 2],
    ['two scales', ['c', '1 1', '4 0 0', '0 5 0', '0 0 6', 'Li', '1', 'D', '0 0 0'], 'E_POSCAR_SCALE', 2],
    ['three scales, one negative', ['c', '1 -1 1', '4 0 0', '0 5 0', '0 0 6', 'Li', '1', 'D', '0 0 0'], 'E_POSCAR_SCALE', 2],
    ['a vector of two numbers', ['c', '1', '4 0', '0 5 0', '0 0 6', 'Li', '1', 'D', '0 0 0'], 'E_NUMBER', 3],
    ['a vector in the plane of the others', ['c', '1', '4 0 0', '0 5 0', '3 3 0', 'Li', '1', 'D', '0 0 0'], 'E_CELL_INVALID', 5],
    ['an unknown element', [...head, 'Li Qq', '1 1', 'D', '0 0 0', '0 0 1'], 'E_POSCAR_SPECIES', 6],
    ['a count of zero', [...head, 'Li Cl', '1 0', 'D', '0 0 0'], 'E_POSCAR_COUNTS', 7],
    ['a count that is no integer', [...head, 'Li', '1.5', 'D', '0 0 0'], 'E_POSCAR_COUNTS', 7],
    ['a huge count', [...head, 'Li', '99999999999', 'D', '0 0 0'], 'E_POSCAR_TRUNCATED', 10],
    ['no mode', [...head, 'Li', '1', '0 0 0'], 'E_POSCAR_MODE', 8],
    ['a coordinate that is no number', [...head, 'Li', '1', 'D', '0 nan 0'], 'E_NUMBER', 9],
    ['a blank line among the coordinates', [...head, 'Li', '2', 'D', '0 0 0', '', '0 0 0'], 'E_POSCAR_TRUNCATED', 10],
    ['velocities cut short', [...head, 'Li', '2', 'D', '0 0 0', '.5 0 0', '', '0 0 0'], 'E_POSCAR_TRUNCATED', 13],
  ])('%s', (_, lines, code, line) => {
    expect(errorOf(() => parsePoscar(poscar(...lines), { file: 'POSCAR' }))).toMatchObject({ code, line, file: 'POSCAR' });
  });
});

describe('writing', () => {
  test('equal neighbours share a block; sorting is stable and tells the permutation', () => {
    const s = makeStructure({
      species: Uint8Array.of(17, 3, 17, 17),
      positions: Float64Array.of(0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0),
      cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
    });
    const plain = formatPoscar(s).text.split('\n');
    expect(plain.slice(5, 7)).toEqual(['Cl Li Cl', '1 1 2']);
    const sorted = formatPoscar(s, { sortSpecies: true });
    expect(sorted.text.split('\n').slice(5, 7)).toEqual(['Cl Li', '3 1']);
    expect([...sorted.permutation]).toEqual([0, 2, 3, 1]);
    expect([...parsePoscar(sorted.text).positions.filter((_, i) => i % 3 === 0)]).toEqual([0, 2, 3, 1]);
  });

  test('what the format cannot hold is refused or reported', () => {
    const bare = makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3) });
    expect(errorOf(() => formatPoscar(bare)).code).toBe('E_CELL_INVALID');
    const slab = makeStructure({ ...bare, cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4), pbc: [true, true, false] });
    expect(formatPoscar(slab).warnings[0]).toMatchObject({ code: 'W_POSCAR_PERIODIC' });
  });

  test('random triclinic cells come back', () => {
    fc.assert(
      fc.property(
        arbitraryCell,
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 118 }),
            fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -3, max: 3, noNaN: true }))),
            fc.integer({ min: 0, max: 7 }),
          ),
          { minLength: 1, maxLength: 6 },
        ),
        fc.boolean(),
        (cell, atoms, direct) => {
          const positions = Float64Array.from(atoms.flatMap(([, f]) => timesMatrix(f, cell)));
          const s = makeStructure({
            cell,
            species: Uint8Array.from(atoms, ([z]) => z),
            positions,
            velocities: positions.map((x) => x / 777),
            tags: { fixed: Int32Array.from(atoms, ([, , bits]) => bits) },
            info: { comment: 'c' },
          });
          const back = parsePoscar(formatPoscar(s, { coordinates: direct ? 'direct' : 'cartesian' }).text);
          expect(back.species).toEqual(s.species);
          expect(back.tags).toEqual(s.tags);
          expect(back.info).toEqual(s.info);
          // Written with 17 digits: exact.
          expect(back.velocities).toEqual(s.velocities);
          // 16 decimals of numbers below 40 are 2.5e-18 of the cell; 1e-12 of its size leaves room for the inverse of skewed cells.
          const size = Math.max(...s.cell!.map(Math.abs));
          s.cell!.forEach((x, i) => {
            expect(Math.abs(back.cell![i]! - x)).toBeLessThan(1e-12 * size);
          });
          positions.forEach((x, i) => {
            expect(Math.abs(back.positions[i]! - x)).toBeLessThan(1e-12 * 3 * size);
          });
        },
      ),
      { numRuns: 200, seed: 3 },
    );
  });
});

test('mutated files give structures or errors that name what is wrong', () => {
  const seeds = [
    poscar(
      'Li Cl',
      '1.0',
      '4 0 0',
      '0 5 0',
      '0 0 6',
      'Li Cl',
      '1 2',
      'Selective',
      'Direct',
      '0 0 0 T T F',
      '.5 0 0 T T T',
      '0 .5 0 F F F',
      '',
      '0 0 0',
      '1 1 1',
      '2 2 2',
      '',
      '1',
    ),
    poscar('Li Cl', '-120', '4 0 0', '0 5 0', '0 0 6', '1 1', 'Cartesian', '0 0 0', '.5 0 0'),
  ];
  let refused = 0;
  for (const bytes of mutations(seeds, 500, 41)) {
    try {
      expect(parsePoscar(bytes.toString('utf8')).species.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(StructureError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});

interface Expected {
  species: string[];
  cell?: number[][];
  positions_cartesian?: number[][];
  fixed_axes?: boolean[][];
  volume?: number;
  first_cartesian?: number[];
  last_cartesian?: number[];
  velocities_angstrom_per_fs?: number[][];
  comment?: string;
  requires_option?: string;
}
interface Malformed {
  format: string;
  file: string;
  error: string;
  line: number;
  why: string;
}

describeReference('sample files', () => {
  const files = referenceJson<{ files: Record<string, Expected & { format: string }> }>(
    'structures',
    'files',
    'expected.json',
  ).files;
  const close = (actual: ArrayLike<number>, expected: number[]) =>
    // Lengths are given to 1e-6 A.
    expected.forEach((x, i) => {
      expect(Math.abs(actual[i]! - x)).toBeLessThan(1.5e-6);
    });

  test.each(Object.entries(files).filter(([, entry]) => entry.format === 'poscar'))('%s', (name, expected) => {
    const text = readFileSync(referencePath('structures', 'files', name), 'utf8');
    const s = parsePoscar(text, { file: name, fixHandedness: expected.requires_option === 'fixHandedness' });
    expect(symbolsOf(s)).toEqual(expected.species);
    if (expected.requires_option) expect(errorOf(() => parsePoscar(text)).code).toBe('E_CELL_LEFT_HANDED');
    if (expected.cell) close(s.cell!, expected.cell.flat());
    if (expected.volume) expect(Math.abs(determinant(s.cell!) - expected.volume)).toBeLessThan(1e-3);
    if (expected.positions_cartesian) close(s.positions, expected.positions_cartesian.flat());
    if (expected.first_cartesian) close(s.positions, expected.first_cartesian);
    if (expected.last_cartesian) close(s.positions.subarray(-3), expected.last_cartesian);
    if (expected.comment) expect(s.info.comment).toBe(expected.comment);
    if (expected.velocities_angstrom_per_fs) expect([...s.velocities!]).toEqual(expected.velocities_angstrom_per_fs.flat());
    if (expected.fixed_axes) {
      const bits = expected.fixed_axes.map((axes) => axes.reduce((sum, isFixed, k) => sum + (isFixed ? 1 << k : 0), 0));
      expect([...(s.tags.fixed as Int32Array)]).toEqual(bits);
    }
    const back = parsePoscar(formatPoscar(s).text);
    close(back.positions, [...s.positions]);
    expect(back.velocities).toEqual(s.velocities);
  });

  const malformed = referenceJson<{ cases: Malformed[] }>('structures', 'malformed', 'expected.json').cases;
  test.each(malformed.filter((c) => c.format === 'poscar'))('$file: $why', ({ file, error, line }) => {
    const text = readFileSync(referencePath('structures', 'malformed', file), 'utf8');
    expect(errorOf(() => parsePoscar(text, { file }))).toMatchObject({ code: error, line, file });
  });
});
