import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distanceFloor, report, requireNeutral, shortestDistances } from '../../lib/builders/checks';
import { crystal, listCrystals } from '../../lib/builders/crystal';
import { compositionOf, parseFormula, reducedFormula } from '../../lib/builders/formula';
import { contentHash } from '../../lib/builders/provenance';
import { RandomStream } from '../../lib/builders/random';
import { buildRecipe } from '../../lib/builders/recipe';
import { supercell } from '../../lib/builders/supercell';
import { analyzeSymmetry } from '../../lib/builders/symmetry';
import { forEachPair } from '../../lib/close-pairs';
import { STANDARD_MASSES, SYMBOLS } from '../../lib/elements';
import { formatCif, parseCif, readCifStructure } from '../../lib/io/cif';
import { formatPoscar } from '../../lib/io/poscar';
import { makeStructure, type Structure, symbolsOf, volumeOf } from '../../lib/structure';
import { AMU_PER_A3_IN_G_PER_CM3 } from '../../lib/units';
import { describeReference, referenceJson } from '../reference';

const folder = join(__dirname, '..', '..', 'data', 'crystals');

/** The key `then`; not as a literal, which would look like a promise. */
const NEXT_STEPS = 'then';

interface IndexEntry {
  id: string;
  file: string;
  formula: string;
  Z: number;
  ordered: boolean;
  density_g_cm3: number;
  volume: number;
  composition_in_cell: Record<string, number>;
  total_formal_charge_in_cell: number;
  sites_in_cell: number;
  recovered_space_group: { symprec: number; number: number };
  'first_shell_within_1.25_of_shortest': { site: string; count: number; anions: string; shortest: number; longest: number }[];
}
/**
 * The densities of the index were computed with an older table of weights; where it differs from today's conventional values by more than
 * 2e-5 it is used here, so that the comparison is one of cells and atoms.
 */
const INDEX_MASSES: Readonly<Record<string, number>> = { Li: 6.941, Cl: 35.453, S: 32.065, Se: 78.96 };

const index = (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { crystals: IndexEntry[] }).crystals;

describe.each(index)('bundled crystal $id', (entry) => {
  const expanded = parseCif(readFileSync(join(folder, entry.file), 'utf8'), { file: entry.file });

  test('charge, composition and density as the index states', () => {
    const composition: Record<string, number> = {};
    let charge = 0;
    let mass = 0;
    let sites = 0;
    for (const { row, fractional } of expanded.expand().rows) {
      const count = (row.occupancy * fractional.length) / 3;
      const symbol = SYMBOLS[row.species]!;
      composition[symbol] = (composition[symbol] ?? 0) + count;
      charge += count * row.charge!;
      mass += count * (INDEX_MASSES[symbol] ?? STANDARD_MASSES[row.species]!);
      sites += fractional.length / 3;
    }
    expect(sites).toBe(entry.sites_in_cell);
    for (const [symbol, count] of Object.entries(entry.composition_in_cell)) expect(composition[symbol]).toBeCloseTo(count, 9);
    // Sums of refined occupancies, exact in decimals.
    expect(charge).toBeCloseTo(entry.total_formal_charge_in_cell, 9);
    const density = (AMU_PER_A3_IN_G_PER_CM3 * mass) / volumeOf(expanded)!;
    expect(Math.abs(density / entry.density_g_cm3 - 1)).toBeLessThan(1e-4);
  });

  if (entry.ordered) {
    test('space group from the bare cell, shells, and a symmetric round trip', async () => {
      const structure = await crystal({ file: entry.file });
      const symmetry = await analyzeSymmetry(structure, entry.recovered_space_group.symprec);
      expect(symmetry.number).toBe(entry.recovered_space_group.number);
      expect(symmetry.operators.length).toBe(expanded.operators.length);

      const symbols = symbolsOf(structure);
      const labels = structure.tags.label as string[];
      for (const shell of entry['first_shell_within_1.25_of_shortest']) {
        const centre = labels.indexOf(shell.site);
        const anions = shell.anions.split(/[^A-Za-z]+/);
        const found: number[] = [];
        forEachPair(structure, 1.3 * shell.longest, (i, j, d) => {
          if (i === centre && anions.includes(symbols[j]!)) found.push(d);
          if (j === centre && anions.includes(symbols[i]!)) found.push(d);
        });
        found.sort((a, b) => a - b);
        const first = found.filter((d) => d < 1.25 * found[0]!);
        expect(first.length).toBe(shell.count);
        // The index has four decimals.
        expect(Math.abs(first[0]! - shell.shortest)).toBeLessThan(1e-3);
        expect(Math.abs(first.at(-1)! - shell.longest)).toBeLessThan(1e-3);
      }

      const again = await readCifStructure(formatCif(structure, { symmetry }));
      expect(again.warnings).toEqual([]);
      expect(again.species.length).toBe(structure.species.length);
      const [before, after] = [structure, again].map((s) =>
        shortestDistances(s).map(({ pair, distance }) => [pair, distance] as const),
      );
      before!.forEach(([pair, distance], k) => {
        expect(after![k]![0]).toBe(pair);
        // Ten decimals of the fractions, and the mean over the site symmetry.
        expect(Math.abs(after![k]![1]! - distance!)).toBeLessThan(1e-6);
      });
    });
  } else {
    test('is refused with its sites, and the option is named', async () => {
      await expect(crystal({ file: entry.file })).rejects.toMatchObject({
        code: 'E_PARTIAL_OCCUPANCY',
        file: entry.file,
        message: expect.stringMatching(/not fully ordered: \w+ \w+ 0\.\d+/),
        hint: expect.stringContaining('occupancy'),
      });
    });
  }
});

describeReference('neighbours in bare unit cells against reference data', () => {
  interface Case {
    id: string;
    sites: Record<string, [string, number, number][]>;
    half_pair_counts_per_cell: Record<string, number>;
    shortest_distance_by_pair: Record<string, number>;
  }
  test.each(referenceJson<{ cases: Case[] }>('structures', 'neighbours.json').cases)('$id', async (expected) => {
    const structure = await crystal({ file: `${expected.id}.cif` });
    for (const [cutoff, count] of Object.entries(expected.half_pair_counts_per_cell)) {
      let found = 0;
      forEachPair(structure, Number(cutoff), () => found++);
      expect(found).toBe(count);
    }
    const symbols = symbolsOf(structure);
    const labels = structure.tags.label as string[];
    const shells = new Map<string, [string, number][]>(Object.keys(expected.sites).map((label) => [label, []]));
    const centres = new Map(Object.keys(expected.sites).map((label) => [labels.indexOf(label), label]));
    forEachPair(structure, 5, (i, j, d) => {
      if (centres.has(i)) shells.get(centres.get(i)!)!.push([symbols[j]!, d]);
      if (centres.has(j)) shells.get(centres.get(j)!)!.push([symbols[i]!, d]);
    });
    for (const [label, listed] of Object.entries(expected.sites)) {
      const found = shells.get(label)!.sort((a, b) => a[1] - b[1]);
      expect(found.length).toBe(listed.reduce((sum, [, , count]) => sum + count, 0));
      for (const [element, distance, count] of listed) {
        // Shells merge what is within 0.001 A of their first distance; 0.0005 A more for the printed digits.
        const inShell = found.filter(([symbol, d]) => symbol === element && d > distance - 5e-4 && d < distance + 1.5e-3);
        expect(inShell.length).toBeGreaterThanOrEqual(count);
      }
    }
    const shortest = Object.fromEntries(
      shortestDistances(structure).map(({ pair, distance }) => [pair.split('-').sort().join('-'), distance]),
    );
    for (const [pair, distance] of Object.entries(expected.shortest_distance_by_pair)) {
      expect(Math.abs(shortest[pair]! - distance)).toBeLessThan(5e-4);
    }
  });
});

describe('the builder crystal', () => {
  test('by formula in any order of elements, by id, by file', async () => {
    const byFile = contentHash(await crystal({ file: 'GaF3_R-3c.cif' }));
    for (const name of ['GaF3', 'F3Ga', 'Ga2F6', 'GaF3_R-3c']) expect(contentHash(await crystal({ name }))).toBe(byFile);
    expect(compositionOf(await crystal({ name: 'Mg(BH4)2' }))).toEqual({ Mg: 24, B: 48, H: 192 });
  });

  test('an ambiguous formula lists the choices', async () => {
    await expect(crystal({ name: 'Li3YCl6' })).rejects.toMatchObject({
      code: 'E_CRYSTAL_AMBIGUOUS',
      message: expect.stringMatching(/Li3YCl6_P-3m1\.cif .*partial occupancies.*Li3YCl6_P-3m1_mixedY\.cif.*Li3YCl6_Pnma\.cif/),
      details: { choices: ['Li3YCl6_P-3m1.cif', 'Li3YCl6_P-3m1_mixedY.cif', 'Li3YCl6_Pnma.cif'] },
    });
  });

  test.each([
    [{ name: 'MgCl3' }, 'E_CRYSTAL_UNKNOWN', 'name', /did you mean/],
    [{ name: 'Mgg' }, 'E_FORMULA', 'name', /Li3YCl6/],
    [{ name: 'MgCl2)' }, 'E_FORMULA', 'name', /./],
    [{ file: 'MgCl2_R3m.cif' }, 'E_CRYSTAL_UNKNOWN', 'file', /MgCl2_R-3m\.cif/],
    [{}, 'E_CRYSTAL_UNKNOWN', '', /name: MgCl2/],
    [{ name: 'LiCl', file: 'LiCl.cif' }, 'E_CRYSTAL_UNKNOWN', '', /./],
    [{ name: 'LiCl', supercel: [1, 1, 1] }, 'UNKNOWN_KEY', 'supercel', /supercell/],
    [{ name: 'LiCl', supercell: [2, 2] }, 'E_SUPERCELL_INTEGER', 'supercell', /./],
    [{ name: 'LiCl', occupancy: { seed: 1 } }, 'NOT_AVAILABLE', 'occupancy', /./],
    [
      Object.fromEntries([
        ['name', 'LiCl'],
        [NEXT_STEPS, [{ rattle: 0.05 }]],
      ]),
      'NOT_AVAILABLE',
      'then',
      /./,
    ],
  ])('%j is refused with %s', async (options, code, key, hint) => {
    await expect(crystal(options as never, { key: 'structure.crystal' })).rejects.toMatchObject({
      code,
      key: key === '' ? 'structure.crystal' : `structure.crystal.${key}`,
      hint: expect.stringMatching(hint),
    });
  });

  test('a path is any CIF or POSCAR', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'ionclay-crystal-'));
    try {
      const licl = await crystal({ name: 'LiCl' });
      writeFileSync(join(scratch, 'own.cif'), formatCif(licl));
      writeFileSync(join(scratch, 'POSCAR'), formatPoscar(licl).text);
      for (const file of ['own.cif', 'POSCAR']) {
        const read = await crystal({ file, supercell: [2, 1, 1] }, { directory: scratch });
        expect(compositionOf(read)).toEqual({ Li: 8, Cl: 8 });
        expect(JSON.stringify(read.info)).not.toContain(scratch);
      }
      await expect(crystal({ file: 'missing.cif' }, { directory: scratch })).rejects.toMatchObject({ code: 'E_FILE_NOT_FOUND' });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  test('provenance says how to build it again', async () => {
    const built = await crystal({
      name: 'MgCl2',
      supercell: {
        matrix: [
          [1, 0, 0],
          [1, 2, 0],
          [0, 0, 1],
        ],
      },
    });
    expect(built.info.provenance).toMatchObject([
      {
        builder: 'crystal',
        parameters: { file: 'MgCl2_R-3m.cif', name: 'MgCl2' },
        inputs: [expect.stringMatching(/^[0-9a-f]{64}$/)],
      },
      {
        builder: 'supercell',
        parameters: {
          matrix: [
            [1, 0, 0],
            [1, 2, 0],
            [0, 0, 1],
          ],
        },
      },
    ]);
  });

  test('recipes take the same options in kebab-case, and name what is not built', async () => {
    const recipe = { crystal: { file: 'LiCl.cif', 'site-tolerance': 0.01, supercell: [2, 2, 2] } };
    expect(compositionOf(await buildRecipe(recipe))).toEqual({ Li: 32, Cl: 32 });
    for (const [bad, code, key] of [
      [{ clay: { salts: ['MgCl2', 'GaF3'] } }, 'NOT_AVAILABLE', 'structure.clay'],
      [
        Object.fromEntries([
          ['crystal', { name: 'LiCl' }],
          [NEXT_STEPS, []],
        ]),
        'NOT_AVAILABLE',
        'structure.then',
      ],
      [{ crystl: { name: 'LiCl' } }, 'UNKNOWN_KEY', 'structure.crystl'],
      [{ crystal: { name: 'LiCl', siteTolerance: 0.01 } }, 'UNKNOWN_KEY', 'structure.crystal.siteTolerance'],
      [{ crystal: 'LiCl' }, 'E_RECIPE', 'structure.crystal'],
      [{}, 'E_RECIPE', 'structure'],
      [[], 'E_RECIPE', 'structure'],
    ] as const) {
      await expect(buildRecipe(bad)).rejects.toMatchObject({ code, key });
    }
  });

  test('the list has every file of the index', () => {
    expect(listCrystals().map(({ file }) => file)).toEqual(index.map(({ file }) => file));
  });
});

describe('formulas', () => {
  test.each([
    ['Li3YCl6', { Li: 3, Y: 1, Cl: 6 }, 'Li3YCl6', 1],
    ['Cl12Y2Li6', { Cl: 12, Y: 2, Li: 6 }, 'Li3YCl6', 2],
    ['Mg(BH4)2', { Mg: 1, B: 2, H: 8 }, 'MgB2H8', 1],
    ['[Li(GaCl4)]2', { Li: 2, Ga: 2, Cl: 8 }, 'LiGaCl4', 2],
  ])('%s', (text, composition, formula, units) => {
    expect(parseFormula(text)).toEqual(composition);
    expect(reducedFormula(composition)).toEqual({ formula, units });
  });

  test.each(['', 'li', 'Li0', 'Li3(Cl', 'Li-Cl', 'Li1.5', '(((', 'Q'])('"%s" is refused', (text) => {
    expect(() => parseFormula(text)).toThrow(expect.objectContaining({ code: 'E_FORMULA' }));
  });
});

describe('checks', () => {
  test.each([
    ['Ga', 'F', 1.46],
    ['Mg', 'Cl', 1.9],
    ['Li', 'F', 1.57],
    ['F', 'F', 2.0],
    ['Cl', 'Cl', 2.72],
    ['Li', 'Mg', 2.0],
  ])('floor of %s-%s', (a, b, floor) => {
    // The specification prints two decimals.
    expect(Math.abs(distanceFloor(a, b)! - floor)).toBeLessThan(0.0051);
  });

  test('floors of elements without a radius are unknown, and a table of the user wins', () => {
    expect(distanceFloor('Xe', 'F')).toBeNull();
    expect(distanceFloor('F', 'Ga', { 'Ga-F': 1.6 })).toBe(1.6);
  });

  test('report of a crystal', async () => {
    const found = report(await crystal({ name: 'MgCl2', supercell: [2, 2, 1] }), { cutoff: 4 });
    expect(found).toMatchObject({
      atoms: 36,
      composition: { Mg: 12, Cl: 24 },
      formula: 'MgCl2',
      formulaUnits: 12,
      charge: 0,
      chargeSource: 'structure',
    });
    expect(found.volumePerFormulaUnit).toBeCloseTo(found.volume! / 12, 12);
    expect(found.shortestDistances.map(({ pair }) => pair)).toEqual(['Mg-Mg', 'Mg-Cl', 'Cl-Cl']);
    expect(found.warnings.map(({ code }) => code)).toEqual(['W_SMALL_CELL']);
  });

  test('an overlap, a charge, and no density without a bulk', () => {
    const molecule = makeStructure({
      species: Uint8Array.of(3, 17, 17),
      positions: Float64Array.of(0, 0, 0, 1.5, 0, 0, 40, 0, 0),
    });
    const found = report(molecule);
    expect(found).toMatchObject({
      charge: -1,
      chargeSource: 'usual charges',
      density: null,
      volumePerFormulaUnit: null,
      cell: null,
    });
    expect(found.warnings.map(({ code }) => code)).toEqual(['W_OVERLAP', 'W_NOT_NEUTRAL']);
    // One lithium, no image: there is no Li-Li distance. The chlorides are found however far apart they are.
    expect(found.shortestDistances.map(({ pair, distance }) => [pair, distance])).toEqual([
      ['Li-Li', null],
      ['Li-Cl', expect.closeTo(1.5, 12)],
      ['Cl-Cl', expect.closeTo(38.5, 12)],
    ]);
    const charged: Structure = { ...molecule, charges: Float64Array.of(1, -1, -1) };
    expect(() => requireNeutral(charged)).toThrow(
      expect.objectContaining({ code: 'E_NOT_NEUTRAL', message: expect.stringContaining('Cl -2') }),
    );
    expect(() => requireNeutral(charged, { allowCharged: true })).not.toThrow();
  });

  test('the content hash sees 1e-8 A and not 1e-10 A', async () => {
    const structure = await crystal({ name: 'LiCl' });
    const moved = (by: number) =>
      contentHash({ ...structure, positions: structure.positions.map((x, i) => (i === 5 ? x + by : x)) });
    expect(moved(0)).toBe(contentHash(structure));
    expect(moved(1e-10)).toBe(moved(0));
    expect(moved(2e-8)).not.toBe(moved(0));
  });

  test('12,000 atoms are checked quickly', async () => {
    const big = await crystal({ name: 'MgCl2', supercell: [20, 20, 4] });
    expect(big.species.length).toBe(14400);
    const started = performance.now();
    report(big);
    // About half a second on one free core; the limit catches a quadratic search, which takes minutes.
    expect(performance.now() - started).toBeLessThan(10000);
  });
});

describe('pairs', () => {
  /** Every image in a generous block, one by one. */
  function bruteForce(structure: Structure, cutoff: number): number[] {
    const out: number[] = [];
    const n = structure.species.length;
    const reach = structure.pbc.map((periodic) => (periodic ? 7 : 0));
    const h = structure.cell!;
    for (let i = 0; i < n; i++) {
      for (let j = i; j < n; j++) {
        for (let a = -reach[0]!; a <= reach[0]!; a++) {
          for (let b = -reach[1]!; b <= reach[1]!; b++) {
            for (let c = -reach[2]!; c <= reach[2]!; c++) {
              if (i === j && (a < 0 || (a === 0 && (b < 0 || (b === 0 && c <= 0))))) continue;
              const r = [0, 1, 2].map(
                (k) =>
                  structure.positions[3 * j + k]! - structure.positions[3 * i + k]! + a * h[k]! + b * h[3 + k]! + c * h[6 + k]!,
              );
              const d = Math.hypot(...r);
              if (d < cutoff) out.push(d);
            }
          }
        }
      }
    }
    return out.sort((x, y) => x - y);
  }

  test('random skewed cells, any mix of periodic directions, cutoffs beyond the cell: equal to brute force', () => {
    const stream = new RandomStream(4).child('pairs');
    for (let round = 0; round < 24; round++) {
      const cell = Float64Array.of(4, 0, 0, 4 * stream.double() - 2, 3.5, 0, 4 * stream.double() - 2, 4 * stream.double() - 2, 3);
      const n = 1 + stream.below(5);
      const structure = makeStructure({
        cell,
        pbc: [round % 2 === 0, round % 3 === 0, round % 4 < 2],
        species: new Uint8Array(n).fill(3),
        // Up to one cell outside.
        positions: Float64Array.from({ length: 3 * n }, () => 8 * stream.double() - 3),
      });
      const found: number[] = [];
      forEachPair(structure, 6, (_i, _j, d) => found.push(d));
      found.sort((x, y) => x - y);
      const expected = bruteForce(structure, 6);
      expect(found.length).toBe(expected.length);
      expect(found.reduce((worst, d, k) => Math.max(worst, Math.abs(d - expected[k]!)), 0)).toBeLessThan(1e-12);
    }
  });
});

describe('symmetry of structures', () => {
  test('a supercell has the same space group and the translations of its cells', async () => {
    const symmetry = await analyzeSymmetry(supercell(await crystal({ name: 'MgF2' }), [2, 1, 1]));
    expect(symmetry).toMatchObject({ number: 136, hermannMauguin: 'P 42/m n m' });
  });

  test('a rotation matrix is read row by row: the operators map the structure onto itself', async () => {
    const structure = await crystal({ name: 'MgBr2' });
    const { operators } = await analyzeSymmetry(structure, 1e-3);
    const threefold = operators.find(
      ({ rotation: r, translation }) => r[0]! + r[4]! + r[8]! === 0 && translation.every((t) => t === 0) && r[8] === 1,
    )!;
    // x' = -y or its inverse, never the transposed form that hexagonal axes forbid.
    expect([
      [0, -1, 0, 1, -1, 0, 0, 0, 1],
      [-1, 1, 0, -1, 0, 0, 0, 0, 1],
    ]).toContainEqual(threefold.rotation);
  });

  test('what is not periodic has no space group', async () => {
    await expect(
      analyzeSymmetry(makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3) })),
    ).rejects.toMatchObject({ code: 'E_CELL_INVALID' });
  });
});
