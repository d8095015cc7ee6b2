import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '../../lib/builders/random';
import { analyzeSymmetry } from '../../lib/builders/symmetry';
import { cellFromLengthsAndAngles, lengthsAndAngles, perpendicularWidths, type Vec3 } from '../../lib/cell';
import { forEachPair } from '../../lib/close-pairs';
import { StructureError } from '../../lib/errors';
import { formatCif, parseCif, readCifStructure } from '../../lib/io/cif';
import { parseCifBlocks } from '../../lib/io/cif-tokens';
import { quoted } from '../../lib/io/cif-writer';
import { loadSymmetryLibrary } from '../../lib/io/symmetry-library';
import { makeStructure, type Structure } from '../../lib/structure';

const bundled = (file: string) => readFileSync(join(__dirname, '..', '..', 'data', 'crystals', file), 'utf8');

/** Random cells with angles from 50 to 130 degrees, atoms inside and outside, none closer than 0.6 A. */
function randomStructure(stream: RandomStream): Structure {
  for (;;) {
    const lengths = [0, 1, 2].map(() => 3 + 9 * stream.double()) as Vec3;
    const angles = [0, 1, 2].map(() => 50 + 80 * stream.double()) as Vec3;
    let cell: Float64Array;
    try {
      cell = cellFromLengthsAndAngles(lengths, angles);
    } catch {
      continue;
    }
    if (Math.min(...perpendicularWidths(cell)) < 1) continue;
    const n = 1 + stream.below(6);
    const species = Uint8Array.from({ length: n }, () => [3, 12, 17, 35][stream.below(4)]!);
    const structure = makeStructure({
      cell,
      species,
      positions: Float64Array.from({ length: 3 * n }, () => 30 * stream.double() - 15),
    });
    let close = false;
    forEachPair(structure, 0.6, () => {
      close = true;
    });
    if (!close) return structure;
  }
}

describe('writing CIF', () => {
  test('200 random triclinic cells come back with the same cell, order and positions', async () => {
    const stream = new RandomStream(21).child('cif');
    for (let round = 0; round < 200; round++) {
      const structure = randomStructure(stream);
      const again = await readCifStructure(formatCif(structure));
      expect(again.warnings).toEqual([]);
      expect(again.species).toEqual(structure.species);
      const scale = Math.max(...lengthsAndAngles(structure.cell!).lengths);
      expect(again.cell!.reduce((worst, x, i) => Math.max(worst, Math.abs(x - structure.cell![i]!)), 0) / scale).toBeLessThan(
        1e-9,
      );
      // Ten decimals of fractions in cells of 12 A: 6e-10 A a component, more where the axes are oblique.
      expect(again.positions.reduce((worst, x, i) => Math.max(worst, Math.abs(x - structure.positions[i]!)), 0)).toBeLessThan(
        1e-8,
      );
    }
  });

  test('charges and isotopes come back', async () => {
    const cell = Float64Array.of(6, 0, 0, 0, 6, 0, 0, 0, 6);
    const positions = Float64Array.of(0, 0, 0, 2, 0, 0, 0, 3, 0);
    const masses = Float64Array.of(6.94, 2.014, 18.998403163);
    const structure = makeStructure({
      cell,
      species: Uint8Array.of(3, 1, 9),
      positions,
      charges: Float64Array.of(1, 0, -1),
      masses,
    });
    const text = formatCif(structure, { name: 'a name with blanks' });
    expect(text).toContain('data_a_name_with_blanks');
    const again = await readCifStructure(text);
    expect(Array.from(again.charges!)).toEqual([1, 0, -1]);
    expect(Array.from(again.masses!)).toEqual(Array.from(masses));
  });

  test('a symmetric file lists operators, multiplicities and Wyckoff letters', async () => {
    const structure = await readCifStructure(bundled('MgF2_rutile.cif'));
    const text = formatCif(structure, { symmetry: await analyzeSymmetry(structure) });
    const { operators, asymmetric } = parseCif(text);
    expect(operators).toHaveLength(16);
    expect(asymmetric.map(({ label, multiplicity, wyckoff }) => [label, multiplicity, wyckoff])).toEqual([
      ['Mg1', 2, 'a'],
      ['F1', 4, 'f'],
    ]);
  });

  test('without a cell there is no CIF', () => {
    const molecule = makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3) });
    expect(() => formatCif(molecule)).toThrow(expect.objectContaining({ code: 'E_CIF_NO_CELL' }));
  });

  test.each([
    'plain',
    'two words',
    "it's",
    "dog' s",
    '_name',
    '#x',
    '$x',
    "'x",
    '"x',
    '[x',
    ']x',
    ';x',
    'loop_',
    'data_x',
    'Save_y',
    '.',
    '?',
    '',
  ])('%j survives quoting', (value) => {
    expect(parseCifBlocks(`data_x\n_v ${quoted(value)}\n`)[0]!.items.get('_v')).toMatchObject({ text: value });
    // What must not be taken for something else is quoted.
    if (value !== 'plain' && value !== "it's") expect(quoted(value)).not.toBe(value);
  });
});

describe('hostile CIF', () => {
  /** One of the things that happen to files: a byte changed, a piece lost, repeated or moved, a token replaced. */
  function mutated(text: string, stream: RandomStream): string {
    const tokens = [
      'loop_',
      'data_',
      "'",
      '"',
      ';',
      '\n;\n',
      '?',
      '.',
      '1e400',
      '-',
      '[',
      '{',
      '\u0000',
      'é',
      '_cell_length_a',
      '0',
      '999999999999',
      'x,y,z',
      '1/0',
      '(',
      '\r',
    ];
    let out = text;
    for (let change = 1 + stream.below(4); change > 0; change--) {
      const at = stream.below(out.length + 1);
      const length = stream.below(40);
      const kind = stream.below(5);
      if (kind === 0) out = out.slice(0, at) + String.fromCharCode(stream.below(128)) + out.slice(at + 1);
      else if (kind === 1) out = out.slice(0, at) + out.slice(at + length);
      else if (kind === 2) out = out.slice(0, at) + out.slice(at, at + length) + out.slice(at);
      else if (kind === 3) out = out.slice(0, at) + tokens[stream.below(tokens.length)] + out.slice(at);
      else out = out.slice(0, stream.below(out.length + 1)) + out.slice(at);
      if (out.length > 1e5) out = out.slice(0, 1e5);
    }
    return out;
  }

  test('500 mutated files: a structure or a StructureError, quickly', async () => {
    const library = await loadSymmetryLibrary();
    const stream = new RandomStream(99).child('fuzz/cif');
    const files = ['MgCl2_R-3m.cif', 'Li10GeP2S12_P42nmc.cif', 'Li7P3S11_P-1.cif', 'MgF2_rutile.cif', 'GaCl2_Pnna.cif'].map(
      bundled,
    );
    const counts = { structures: 0, refused: 0 };
    let slowest = 0;
    for (let round = 0; round < 500; round++) {
      const text = mutated(files[round % files.length]!, stream);
      const started = process.cpuUsage();
      try {
        parseCif(text, { file: 'mutated.cif' }, library).expand();
        counts.structures++;
      } catch (error) {
        if (!(error instanceof StructureError)) throw new Error(`round ${round}: ${String(error)}`, { cause: error });
        expect(error.message).toMatch(/^mutated\.cif/);
        counts.refused++;
      }
      const { user, system } = process.cpuUsage(started);
      slowest = Math.max(slowest, (user + system) / 1e6);
    }
    expect(slowest).toBeLessThan(1);
    // Mutations that do nothing, or all, would test nothing.
    expect(counts.structures).toBeGreaterThan(50);
    expect(counts.refused).toBeGreaterThan(50);
  });

  test('long lines, deep brackets and large tables take linear time', () => {
    const started = process.cpuUsage();
    const codes = [
      `data_x\n_v '${'a'.repeat(2e6)}\n`,
      `#\\#CIF_2.0\ndata_x\n_v ${'['.repeat(1e6)}\n`,
      `data_x\nloop_\n_a\n_b\n${'1 '.repeat(300001)}\n`,
      `data_x\n${'#'.repeat(1e6)}\n${' '.repeat(1e6)}'`,
    ].map((text) => {
      try {
        return parseCif(text).name;
      } catch (error) {
        return (error as StructureError).code;
      }
    });
    expect(codes).toEqual(['E_CIF_SYNTAX', 'E_CIF_SYNTAX', 'E_CIF_LOOP_SHAPE', 'E_CIF_SYNTAX']);
    const { user, system } = process.cpuUsage(started);
    // About 0.3 s; anything quadratic takes minutes.
    expect((user + system) / 1e6).toBeLessThan(10);
  });
});
