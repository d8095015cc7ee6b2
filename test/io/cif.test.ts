import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timesMatrix } from '../../lib/cell';
import { SYMBOLS } from '../../lib/elements';
import { StructureError } from '../../lib/errors';
import { parseCif, readCif, readCifStructure } from '../../lib/io/cif';
import { describeReference, referenceJson, referencePath } from '../reference';

const crystals = join(__dirname, '..', '..', 'data', 'crystals');
const bundled = (file: string) => readFileSync(join(crystals, file), 'utf8');

/** Distance of two points modulo the lattice, A; the points are close, so rounding finds the image. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>, cell: Float64Array): number {
  const d = [0, 1, 2].map((k) => a[k]! - b[k]! - Math.round(a[k]! - b[k]!));
  return Math.hypot(...timesMatrix(d, cell));
}

/** A cubic cell of 5 A with the given rows and operators. */
function cif(body: string, operators = ["'x,y,z'"], cell = '5 5 5 90 90 90'): string {
  const [a, b, c, alpha, beta, gamma] = cell.split(' ');
  return `data_x
_cell_length_a ${a}
_cell_length_b ${b}
_cell_length_c ${c}
_cell_angle_alpha ${alpha}
_cell_angle_beta ${beta}
_cell_angle_gamma ${gamma}
${operators.length > 0 ? `loop_\n_space_group_symop_operation_xyz\n${operators.join('\n')}\n` : ''}${body}`;
}

const sites = (rows: string, extra = '') => `loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
${extra}${rows}
`;

function codeOf(run: () => unknown): { code: string; line?: number; message: string; hint?: string } {
  try {
    run();
  } catch (error) {
    // Plain data: the message of an Error is not enumerable.
    if (error instanceof StructureError) return { code: error.code, line: error.line, message: error.message, hint: error.hint };
    throw error;
  }
  return { code: 'none', message: '' };
}

describeReference('CIF against reference data', () => {
  interface ExpansionCase {
    id: string;
    file: string;
    total_sites: number;
    sites: { label: string; element: string; multiplicity: number; occupancy: number; positions: number[][] }[];
  }

  test.each(referenceJson<{ cases: ExpansionCase[] }>('structures', 'cif_expansion.json').cases)(
    '$id: every orbit',
    (expected) => {
      const crystal = parseCif(bundled(expected.file), { file: expected.file });
      expect(crystal.warnings).toEqual([]);
      const { rows, cell } = crystal.expand();
      expect(rows.map(({ row }) => row.label)).toEqual(expected.sites.map(({ label }) => label));
      expect(rows.reduce((sum, { fractional }) => sum + fractional.length / 3, 0)).toBe(expected.total_sites);
      expected.sites.forEach((site, r) => {
        const { row, fractional } = rows[r]!;
        expect(SYMBOLS[row.species]).toBe(site.element);
        expect(row.occupancy).toBeCloseTo(site.occupancy, 12);
        expect(fractional.length).toBe(3 * site.multiplicity);
        // The reference coordinates have six to eight decimals; 0.001 A is far below any distance between two positions.
        for (const position of site.positions) {
          const nearest = Math.min(
            ...site.positions.map((_, m) => distance(position, fractional.subarray(3 * m, 3 * m + 3), cell)),
          );
          expect(nearest).toBeLessThan(1e-3);
        }
      });
    },
  );

  interface Malformed {
    file: string;
    format: string;
    error: string;
    line: number | null;
    options?: { symmetryTables?: boolean };
  }
  const malformed = referenceJson<{ cases: Malformed[] }>('structures', 'malformed', 'expected.json').cases.filter(
    ({ format }) => format === 'cif',
  );

  test.each(malformed)('$file is refused with $error', async ({ file, error, line, options }) => {
    const text = readFileSync(referencePath('structures', 'malformed', file), 'utf8');
    const failure = await readCifStructure(text, { file, ...options }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(failure).toBeInstanceOf(StructureError);
    expect((failure as StructureError).code).toBe(error);
    expect((failure as StructureError).message).toContain(file);
    if (line !== null) expect((failure as StructureError).line).toBe(line);
  });
});

describe('CIF syntax', () => {
  const good = cif(sites('Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5'));

  test.each([
    ['carriage returns', good.replaceAll('\n', '\r\n')],
    ['lone carriage returns', good.replaceAll('\n', '\r')],
    ['a byte-order mark', `\uFEFF${good}`],
    ['no final line end', good.trimEnd()],
    ['upper case', good.replace(/^(_\S+|loop_|data_)/gm, (name) => name.toUpperCase())],
    [
      'dotted names',
      good
        .replaceAll('_cell_length_', '_cell.length_')
        .replaceAll('_atom_site_', '_atom_site.')
        .replace('_space_group_symop_', '_space_group_symop.'),
    ],
    ['comments, with letters outside ASCII', good.replace('loop_', '# Schönfließ\nloop_ # table')],
    ['tabs', good.replaceAll(' ', '\t')],
    ['uncertainties', good.replace('_cell_length_a 5', '_cell_length_a 5.000(12)').replace('0.5 0.5 0.5', '.5(3) 5.e-1 +0.5')],
    ['an apostrophe inside a quoted value', `${good}_publ_section_title 'a dog's life'\n`],
    ['a text field with keywords in it', `${good}_publ_section_title\n;loop_\n_cell_length_a 9 'unclosed\n data_y\n;\n`],
    ['CIF 2 lists that are not used', `#\\#CIF_2.0\n${good}_x.list [1 'a b' [2 {'k':"]"}]]\n_x.text '''two\nlines'''\n`],
  ])('%s', (_, text) => {
    const { asymmetric, cell } = parseCif(text);
    expect(asymmetric.map(({ label, position }) => [label, ...position])).toEqual([
      ['Na1', 0, 0, 0],
      ['Cl1', 0.5, 0.5, 0.5],
    ]);
    expect(Array.from(cell)).toEqual([5, 0, 0, 0, 5, 0, 0, 0, 5].map((x) => expect.closeTo(x, 12)));
  });

  test.each([
    ['a value without a name', 'data_x\n5\n', 'E_CIF_SYNTAX', 2],
    ['a name without a value', 'data_x\n_cell_length_a\n_cell_length_b 5\n', 'E_CIF_SYNTAX', 2],
    ['a name at the end of the file', 'data_x\n\n_cell_length_a', 'E_CIF_SYNTAX', 3],
    ['something before data_', '_cell_length_a 5\n', 'E_CIF_SYNTAX', 1],
    ['an open quote', "data_x\n_a 'abc\n", 'E_CIF_SYNTAX', 2],
    ['a name twice', 'data_x\n_a 1\n_A 2\n', 'E_CIF_SYNTAX', 3],
    ['a name in a loop again', 'data_x\n_a 1\nloop_\n_b\n_a\n1 2\n', 'E_CIF_SYNTAX', 5],
    ['an empty loop', 'data_x\nloop_\ndata_y\n', 'E_CIF_SYNTAX', 2],
    ['a save frame', 'data_x\nsave_y\n', 'E_CIF_UNSUPPORTED', 2],
    ['global_', 'global_\n', 'E_CIF_UNSUPPORTED', 1],
    ['stop_', 'data_x\nloop_\n_a\n1\nstop_\n', 'E_CIF_UNSUPPORTED', 5],
    ['a control character', 'data_x\n_a 1\u0000\n', 'E_CIF_SYNTAX', 2],
    ['an open list of CIF 2', '#\\#CIF_2.0\ndata_x\n_a [1 2\n', 'E_CIF_SYNTAX', 3],
    ['comments only', '# nothing\n\n', 'E_EMPTY', undefined],
    [
      'a list where a number is needed',
      `#\\#CIF_2.0\n${cif('').replace('_cell_length_a 5', '_cell_length_a [5]')}${sites('Na1 Na 0 0 0')}`,
      'E_CIF_UNSUPPORTED',
      3,
    ],
    ['a word where a number is needed', cif(sites('Na1 Na 0 O 0')), 'E_NUMBER', 17],
    ['a fraction where a number is needed', cif(sites('Na1 Na 0 1/3 0')), 'E_NUMBER', 17],
    ['an overflow', cif(sites('Na1 Na 0 1e999 0')), 'E_NUMBER', 17],
  ])('%s', (_, text, code, line) => {
    const error = codeOf(() => parseCif(text, { file: 'x.cif' }));
    expect(error.code).toBe(code);
    expect(error.line).toBe(line);
    expect(error.message).toMatch(line === undefined ? /^x\.cif: / : new RegExp(`^x\\.cif:${line}: `));
  });
});

describe('what is accepted and refused', () => {
  test('type symbols and labels', () => {
    const rows = ['a Li1+', 'b Li+', 'c Li+2', 'd O2-', 'e D', 'f CL', 'Ca1 ?', 'CO1 ?', 'Cl12 ?', 'H1 ?'];
    const { asymmetric } = parseCif(cif(sites(rows.map((row, i) => `${row} ${i / 10} ${(i % 2) / 2} 0`).join('\n'))));
    expect(asymmetric.map(({ occupants: [who] }) => [who!.element, who!.charge])).toEqual([
      ['Li', 1],
      ['Li', 1],
      ['Li', 2],
      ['O', -2],
      ['H', undefined],
      ['Cl', undefined],
      ['Ca', undefined],
      ['C', undefined],
      ['Cl', undefined],
      ['H', undefined],
    ]); // prettier-ignore
  });

  test('deuterium keeps its mass, the others have standard weights', async () => {
    const { masses, species } = await readCifStructure(cif(sites('D1 D 0 0 0\nO1 O 0.2 0 0\nT1 T 0 0.2 0')));
    expect(Array.from(species)).toEqual([1, 8, 1]);
    expect(Array.from(masses!)).toEqual([2.014, 15.999, 3.016]);
  });

  test('dummies are left out with a warning, missing angles are right angles with a warning', () => {
    const text = cif(sites('Na1 Na 0 0 0\nX1 . 0.3 0 0')).replace(/_cell_angle_beta.*\n/, '');
    const { asymmetric, warnings } = parseCif(text);
    expect(asymmetric).toHaveLength(1);
    expect(warnings.map(({ code }) => code)).toEqual(['W_CIF_DEFAULT_ANGLE', 'W_CIF_DUMMY']);
  });

  const occupied = (rows: string) => cif(sites(rows, '_atom_site_occupancy\n'));
  test.each([
    ['occupancy 1.01', occupied('Na1 Na 0 0 0 1.01'), 'E_CIF_OCCUPANCY'],
    ['an unknown occupancy', occupied('Na1 Na 0 0 0 ?'), 'E_CIF_OCCUPANCY'],
    ['full positions 0.3 A apart', cif(sites('Na1 Na 0 0 0\nCl1 Cl 0.06 0 0')), 'E_CIF_OVERLAP'],
    ['Cartesian coordinates', cif(sites('Na1 Na 0 0 0').replaceAll('_fract_', '_Cartn_')), 'E_CIF_UNSUPPORTED'],
    ['a modulated structure', `${cif(sites('Na1 Na 0 0 0'))}_cell_modulation_dimension 1\n`, 'E_CIF_UNSUPPORTED'],
    [
      'magnetic operators',
      `${cif(sites('Na1 Na 0 0 0'))}loop_\n_space_group_symop_magn_operation.xyz\n'x,y,z,+1'\n`,
      'E_CIF_UNSUPPORTED',
    ],
    ['hydrogen without coordinates', cif(sites('O1 O 0 0 0 2', '_atom_site_attached_hydrogens\n')), 'E_CIF_IMPLICIT_H'],
    ['no atoms', cif(''), 'E_CIF_NO_SITES'],
    ['a table of atoms with no rows', cif(sites('')), 'E_CIF_NO_SITES'],
    ['a negative length', cif(sites('Na1 Na 0 0 0'), undefined, '5 -5 5 90 90 90'), 'E_CELL_INVALID'],
    [
      'a near miss of a special position',
      cif(sites('Na1 Na 0.0024 0 0'), ['x,y,z', '-y,x,z', '-x,-y,z', 'y,-x,z']),
      'E_CIF_SPECIAL_POSITION',
    ],
  ])('%s', (_, text, code) => {
    expect(codeOf(() => parseCif(text)).code).toBe(code);
  });

  test('occupancies that add to 1.0005 are scaled back, and the structure is refused with its sites', async () => {
    const text = occupied('Li1 Li 0 0 0 0.5\nNa1 Na 0 0 0 0.5005\nCl1 Cl 0.5 0.5 0.5 1');
    const { asymmetric } = parseCif(text);
    expect(asymmetric.map(({ occupants }) => occupants.length)).toEqual([2, 1]);
    expect(asymmetric[0]!.occupants.reduce((sum, { occupancy }) => sum + occupancy, 0)).toBeCloseTo(1, 14);
    await expect(readCifStructure(text)).rejects.toMatchObject({
      code: 'E_PARTIAL_OCCUPANCY',
      message: expect.stringMatching(/Li1 Li 0\.49.* \+ Na1 Na 0\.50.*1 positions/),
      hint: expect.stringContaining('occupancy'),
    });
  });

  test('an unknown coordinate can be dropped on request', () => {
    const text = cif(sites('Na1 Na 0 0 0\nH1 H ? ? ?'));
    expect(codeOf(() => parseCif(text))).toMatchObject({ code: 'E_CIF_COORDINATE', line: 18 });
    const crystal = parseCif(text, { dropUnknownCoordinates: true });
    expect(crystal.asymmetric).toHaveLength(1);
    expect(crystal.warnings.map(({ code }) => code)).toEqual(['W_CIF_DROPPED_ATOM']);
  });

  test('a block is chosen by name', () => {
    const text = `${cif(sites('Na1 Na 0 0 0'))}${cif(sites('K1 K 0 0 0')).replace('data_x', 'data_second')}data_empty\n_a 1\n`;
    expect(codeOf(() => parseCif(text))).toMatchObject({
      code: 'E_CIF_BLOCK_CHOICE',
      message: expect.stringContaining('x, second'),
    });
    expect(parseCif(text, { block: 'SECOND' }).asymmetric[0]!.label).toBe('K1');
    expect(codeOf(() => parseCif(text, { block: 'third' })).code).toBe('E_CIF_BLOCK_CHOICE');
  });

  test('formula, volume and density that disagree are warnings', () => {
    const right =
      "_cell_volume 125\n_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 1\n_exptl_crystal_density_diffrn 0.7764\n";
    const text = cif(`${right}${sites('Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5')}`);
    expect(parseCif(text).warnings).toEqual([]);
    const wrong = text.replace('volume 125', 'volume 128').replace('Na Cl', 'Na Cl2').replace('0.7764', '0.79');
    expect(parseCif(wrong).warnings.map(({ code }) => code)).toEqual(['W_CIF_VOLUME', 'W_CIF_DENSITY', 'W_CIF_FORMULA']);
  });
});

describe('operators', () => {
  test.each([
    ["'x,y'", 'three parts'],
    ["'x,y,w'", 'not a sum'],
    ["'2x,y,z'", 'not a sum'],
    ["'x+x,y,z'", 'coefficient'],
    ["'x,x,z'", 'determinant'],
    ["'x+0.22,y,z'", 'constant'],
    ["'x,y,'", 'empty'],
    ["'x 1/2,y,z'", 'not a sum'],
  ])('%s', (operator, why) => {
    const error = codeOf(() => parseCif(cif(sites('Na1 Na 0 0 0'), ["'x,y,z'", operator])));
    expect(error).toMatchObject({ code: 'E_CIF_SYMOP', line: 11, message: expect.stringContaining(why) });
  });

  test.each([
    ['a missing identity', ["'-x,-y,-z'"]],
    ['an operator twice', ["'x,y,z'", "'-x,-y,-z'", "'-x+1,-y,-z'"]],
    ['a screw axis without its square', ["'x,y,z'", "'-y,x,z+1/4'", "'-x,-y,z+1/2'"]],
  ])('%s is no group', (_, operators) => {
    expect(codeOf(() => parseCif(cif(sites('Na1 Na 0.1 0.2 0.3'), operators))).code).toBe('E_CIF_SYMOP_GROUP');
  });

  test('order, case, decimals and signs are free', () => {
    const operators = ['X,Y,Z', "'1/2+X, .5-y, 0.4999-Z'"];
    const { operators: found } = parseCif(cif(sites('Na1 Na 0.1 0.2 0.3'), operators));
    expect(found[1]).toEqual({ rotation: [1, 0, 0, 0, -1, 0, 0, 0, -1], translation: [0.5, 0.5, 0.5] });
  });

  test('truncated thirds are put on their special position', () => {
    const operators = ['x,y,z', '-y,x-y,z', '-x+y,-x,z'];
    const { asymmetric } = parseCif(cif(sites('Na1 Na 0.3333 0.6667 0.25'), operators, '5 5 5 90 90 120'));
    expect(asymmetric[0]).toMatchObject({ multiplicity: 1, position: [1 / 3, 2 / 3, 0.25].map((x) => expect.closeTo(x, 14)) });
  });

  test('the number of operators is compared with the space group', () => {
    const text = cif(`_space_group_IT_number 225\n_space_group_name_H-M_alt 'F m -3 m'\n${sites('Na1 Na 0 0 0')}`);
    expect(parseCif(text).warnings).toMatchObject([{ code: 'W_CIF_SYMOP_COUNT', message: expect.stringContaining('192') }]);
  });
});

describe('space groups without operators', () => {
  /** A bundled crystal with its operators taken out and another description of its group put in. */
  function renamed(file: string, names: string): string {
    return bundled(file)
      .replace(/loop_\n_space_group_symop_operation_xyz\n(?:'[^\n]*'\n)+/, '')
      .replace(/^_space_group.*\n/gm, '')
      .replace('_cell_volume', `${names}\n_cell_volume`);
  }

  test.each([
    ['LiCl.cif', "_symmetry_space_group_name_H-M 'F m 3 m'"],
    ['LiCl.cif', '_symmetry_Int_Tables_number 225'],
    ['LiCl.cif', "_space_group_name_H-M_full 'F 4/m -3 2/m'"],
    ['MgCl2_R-3m.cif', '_space_group_IT_number 166'],
    ['MgCl2_R-3m.cif', "_space_group_name_H-M_alt 'R -3 m'"],
    ['MgCl2_R-3m.cif', "_space_group_name_H-M_alt 'R-3mH'"],
    ['GaCl3_C2m.cif', "_space_group_name_H-M_alt 'C 2/m'"],
    ['GaBr3_P21c.cif', '_space_group_name_H-M_alt P21/c'],
    ['GaI3_P21c.cif', '_space_group_IT_number 14'],
    ['SbF3_Ama2.cif', "_space_group_name_H-M_alt 'A m a 2'"],
    ['Ga3Cl7_Pna21.cif', '_space_group_IT_number 33'],
    ['Li3ErCl6_P321.cif', `_space_group_name_Hall 'P 3 2"'`],
    ['MgSc2Se4_Fd-3m.cif', "_space_group_name_H-M_alt 'F d -3 m :2'"],
    ['MgSc2Se4_Fd-3m.cif', "_space_group_name_H-M_alt 'F d -3 m Z'"],
    ['MgSc2Se4_Fd-3m.cif', "_space_group_name_Hall '-F 4vw 2vw 3'"],
    ['Li10GeP2S12_P42nmc.cif', "_space_group_name_H-M_alt 'P 42/n m c :1'"],
    ['Li10GeP2S12_P42nmc.cif', "_space_group_name_Hall 'P 4n 2n -1n'"],
    ['MgBH42_gamma_Ia-3d.cif', '_space_group_IT_number 230'],
  ])('%s as %s', async (file, name) => {
    const listed = parseCif(bundled(file));
    const built = await readCif(renamed(file, name));
    expect(built.warnings).toEqual([]);
    expect(built.operators).toHaveLength(listed.operators.length);
    const { cell } = listed;
    listed.expand().rows.forEach(({ fractional }, r) => {
      const other = built.expand().rows[r]!.fractional;
      expect(other.length).toBe(fractional.length);
      for (let m = 0; m < fractional.length; m += 3) {
        const found = Array.from({ length: other.length / 3 }, (_, k) =>
          distance(fractional.subarray(m, m + 3), other.subarray(3 * k, 3 * k + 3), cell),
        );
        // Translations of the tables are exact multiples of 1/24; only the special positions' own rounding is left.
        expect(Math.min(...found)).toBeLessThan(1e-6);
      }
    });
  });

  test('two origins: refused, unless one is chosen', async () => {
    const text = renamed('MgSc2Se4_Fd-3m.cif', "_space_group_name_H-M_alt 'F d -3 m'");
    await expect(readCif(text)).rejects.toMatchObject({
      code: 'E_CIF_ORIGIN_AMBIGUOUS',
      hint: expect.stringContaining('originChoice'),
    });
    expect((await readCif(text, { originChoice: 2 })).expand().rows).toHaveLength(3);
    await expect(readCif(renamed('MgSc2Se4_Fd-3m.cif', '_space_group_IT_number 227'))).rejects.toMatchObject({
      code: 'E_CIF_ORIGIN_AMBIGUOUS',
    });
  });

  test('Li10GeP2S12 uses the operators it lists: those of the other origin do not fit its sites', async () => {
    const listed = parseCif(bundled('Li10GeP2S12_P42nmc.cif'));
    expect(listed.expand().rows.reduce((sum, { fractional }) => sum + fractional.length / 3, 0)).toBe(62);
    await expect(readCif(renamed('Li10GeP2S12_P42nmc.cif', "_space_group_name_H-M_alt 'P 42/n m c :2'"))).rejects.toMatchObject({
      code: expect.stringMatching(/E_CIF_(MULTIPLICITY|OVERLAP|SPECIAL_POSITION)/),
    });
  });

  test('rhombohedral axes are recognised by the cell', async () => {
    // The primitive cell of MgCl2, from a = 3.6363, c = 17.6663 of the hexagonal one.
    const edge = Math.sqrt(3.6363 ** 2 / 3 + 17.6663 ** 2 / 9);
    const angle = (2 * Math.asin(3.6363 / (2 * edge)) * 180) / Math.PI;
    const text = cif(
      `_space_group_IT_number 166\n${sites('Mg1 Mg 0 0 0\nCl1 Cl 0.2578 0.2578 0.2578')}`,
      [],
      `${edge} ${edge} ${edge} ${angle} ${angle} ${angle}`,
    );
    const crystal = await readCif(text);
    expect(crystal.operators).toHaveLength(12);
    expect(crystal.asymmetric.map(({ multiplicity }) => multiplicity)).toEqual([1, 2]);
  });

  test.each([
    ['a symbol that does not exist', "_space_group_name_H-M_alt 'P 5'"],
    ['a symbol that does not fit the cell', '_space_group_IT_number 194'],
  ])('%s', async (_, name) => {
    await expect(readCif(cif(`${name}\n${sites('Na1 Na 0 0 0')}`, []))).rejects.toMatchObject({ code: 'E_CIF_NO_SYMOPS' });
  });

  test('without a group every atom is taken as listed, with a warning', async () => {
    const crystal = await readCif(cif(sites('Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5'), []));
    expect(crystal.warnings.map(({ code }) => code)).toEqual(['W_CIF_ASSUMED_P1']);
    expect(crystal.operators).toHaveLength(1);
  });

  test('the synchronous reader says that it needs the tables', () => {
    expect(codeOf(() => parseCif(renamed('LiCl.cif', '_space_group_IT_number 225')))).toMatchObject({
      code: 'E_CIF_NO_SYMOPS',
      hint: expect.stringContaining('readCif'),
    });
  });
});
