import { StructureError } from '../lib/errors.js';
import {
  distinctSymbols,
  makeStructure,
  massesOf,
  negatedCell,
  type StructureInput,
  symbolsOf,
  volumeOf,
} from '../lib/structure.js';
import { errorOf } from './io/generators.js';

const cell = Float64Array.of(4, 0, 0, 1, 5, 0, 0, 0, 6);
const base: StructureInput = { species: Uint8Array.of(3, 17), positions: Float64Array.of(0, 0, 0, 2, 2, 2) };

describe('a structure', () => {
  test('defaults: periodic with a cell, isolated without', () => {
    expect(makeStructure({ ...base, cell })).toMatchObject({
      pbc: [true, true, true],
      origin: [0, 0, 0],
      tags: {},
      info: {},
      warnings: [],
    });
    expect(makeStructure(base)).toMatchObject({ cell: null, pbc: [false, false, false] });
  });

  test('positions are kept as they are, inside the cell or not', () => {
    const positions = Float64Array.of(-1, 99, 0, 2, 2, 2);
    expect([...makeStructure({ ...base, positions, cell }).positions]).toEqual([...positions]);
  });

  test('masses, symbols, volume', () => {
    const s = makeStructure({ ...base, cell });
    expect([...massesOf(s)]).toEqual([6.94, 35.45]);
    expect([...massesOf({ ...s, masses: Float64Array.of(7, 35) })]).toEqual([7, 35]);
    expect(symbolsOf(s)).toEqual(['Li', 'Cl']);
    expect(distinctSymbols({ species: Uint8Array.of(17, 3, 17, 12) })).toEqual(['Cl', 'Li', 'Mg']);
    expect(volumeOf(s)).toBe(120);
    expect(volumeOf(makeStructure(base))).toBeNull();
  });

  test('a negated cell has no negative zeros and the opposite hand', () => {
    expect([...negatedCell(cell)]).toEqual([-4, 0, 0, -1, -5, 0, 0, 0, -6]);
  });

  test.each<[string, Partial<StructureInput>, string, object]>([
    ['no atoms', { species: new Uint8Array(0), positions: new Float64Array(0) }, 'E_EMPTY', {}],
    ['too few coordinates', { positions: new Float64Array(5) }, 'E_NUMBER', {}],
    ['a coordinate that is not finite', { positions: Float64Array.of(0, 0, 0, 0, Number.NaN, 0) }, 'E_NUMBER', { atom: 1 }],
    ['no element', { species: Uint8Array.of(3, 0) }, 'E_ELEMENT', { atom: 1 }],
    ['an element beyond the table', { species: Uint8Array.of(119, 3) }, 'E_ELEMENT', { atom: 0 }],
    ['velocities of another length', { velocities: new Float64Array(3) }, 'E_NUMBER', { key: 'velocities' }],
    ['charges of another length', { charges: new Float64Array(6) }, 'E_NUMBER', { key: 'charges' }],
    ['ids of another length', { ids: new Uint32Array(1) }, 'E_NUMBER', { key: 'ids' }],
    ['a singular cell', { cell: Float64Array.of(4, 0, 0, 8, 0, 0, 0, 0, 6) }, 'E_CELL_INVALID', {}],
    ['a flat cell', { cell: Float64Array.of(40, 0, 0, 0, 40, 0, 0, 0, 0.05) }, 'E_CELL_INVALID', {}],
    ['a cell that is not finite', { cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, Number.NaN) }, 'E_NUMBER', {}],
    ['eight numbers', { cell: new Float64Array(8) }, 'E_NUMBER', {}],
    [
      'a left-handed cell',
      { cell: Float64Array.of(0, 4, 0, 5, 0, 0, 0, 0, 6) },
      'E_CELL_LEFT_HANDED',
      { hint: expect.stringContaining('fixHandedness') },
    ],
    ['a periodic direction without a cell', { pbc: [true, false, false] }, 'E_CELL_INVALID', {}],
  ])('%s is refused with its place', (_, change, code, details) => {
    const error = errorOf(() => makeStructure({ ...base, ...change }, { file: 'a.xyz', line: 2 }));
    expect(error).toBeInstanceOf(StructureError);
    expect(error).toMatchObject({ code, file: 'a.xyz', line: 2, ...details });
    expect(error.message).toMatch(/^a\.xyz:2: /);
    // What the command line prints is plain data.
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code, file: 'a.xyz', line: 2 });
  });
});
