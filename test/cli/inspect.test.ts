import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register as build } from '../../lib/cli/commands/build.js';
import { register as inspect } from '../../lib/cli/commands/inspect.js';
import { ionclay } from './console.js';

const crystals = join(__dirname, '..', '..', 'data', 'crystals');
const run = (...argv: string[]) => ionclay(argv, { commands: [inspect, build] });

describe('ionclay inspect', () => {
  test('a crystal, as a document', async () => {
    const { status, stdout, stderr } = await run('inspect', join(crystals, 'MgCl2_R-3m.cif'), '--json');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      frames: 1,
      natoms: 9,
      composition: { Mg: 3, Cl: 6 },
      formula: 'MgCl2',
      formula_units: 3,
      formal_charge_e: 0,
      periodic: [true, true, true],
      cell: { a_A: 3.6363, c_A: 17.6663, alpha_deg: 90 },
      // 3 x 95.205 g/mol in 202.300 A^3.
      density_g_per_cm3: expect.closeTo((1.6605390666 * 3 * 95.205) / 202.29988911473464, 9),
      symmetry: { space_group: 'R -3 m', space_group_number: 166, operators: 36, tolerance_A: 0.01 },
      symmetry_reason: null,
      shortest_distances: [{ pair: 'Mg-Mg', distance_A: expect.closeTo(3.6363, 9) }, { pair: 'Mg-Cl' }, { pair: 'Cl-Cl' }],
      warnings: [],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('a crystal, as a page', async () => {
    const { stdout } = await run('inspect', join(crystals, 'LiCl.cif'), '--tolerance', '0.001 A');
    for (const text of [
      '8: 4 Li, 4 Cl',
      'LiCl, 4 units',
      'neutral',
      'F m -3 m (no. 225, cF8) within 0.001 A',
      '2.1424 g/cm3',
      'Li-Cl    2.542 A',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test('frames, an overlap and an isolated molecule', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'ionclay-inspect-'));
    try {
      const file = join(scratch, 'two.xyz');
      writeFileSync(file, '2\nfirst\nLi 0 0 0\nCl 2.3 0 0\n2\nsecond\nLi 0 0 0\nCl 1.2 0 0\n');
      const { stdout } = await run('inspect', file, '--frame=-1', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        frames: 2,
        frame: 1,
        cell: null,
        density_g_per_cm3: null,
        symmetry: null,
        symmetry_reason: expect.stringContaining('not periodic'),
        warnings: [{ code: 'W_OVERLAP' }],
      });
      const { stdout: page } = await run('inspect', file, '--frame', '1');
      expect(page).toContain('2 frames (this is frame 1)');
      expect(page).toContain('1.200 A   short: usually at least 1.93 A');
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  test('partial occupancies are refused with their sites', async () => {
    const { status, stdout } = await run('inspect', join(crystals, 'Li3YCl6_P-3m1.cif'), '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'E_PARTIAL_OCCUPANCY', hint: expect.stringContaining('occupancy') });
  });
});

describe('ionclay build', () => {
  test('--list shows every bundled crystal', async () => {
    const index = JSON.parse(readFileSync(join(crystals, 'index.json'), 'utf8')) as { crystals: { file: string }[] };
    const { stdout } = await run('build', '--list');
    for (const { file } of index.crystals) expect(stdout).toContain(file);
    expect(JSON.parse((await run('build', '--list', '--json')).stdout).crystals).toHaveLength(index.crystals.length);
  });

  test('a recipe, or the structure block of a study, becomes a file; an existing file is kept', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'ionclay-build-'));
    try {
      const recipe = join(scratch, 'recipe.yaml');
      const out = join(scratch, 'mgcl2.extxyz');
      writeFileSync(recipe, 'structure:\n  crystal: { name: MgCl2, supercell: [4, 4, 2] }\n');
      expect((await run('build', recipe, '-o', out)).stdout).toContain('288: 96 Mg, 192 Cl');
      expect(JSON.parse((await run('inspect', out, '--json')).stdout)).toMatchObject({
        natoms: 288,
        formal_charge_e: 0,
        symmetry: { space_group_number: 166 },
      });
      const again = await run('build', recipe, '-o', out, '--json');
      expect(again.status).toBe(2);
      expect(JSON.parse(again.stdout).error.code).toBe('FILE_EXISTS');
      expect((await run('build', recipe, '-o', out, '--force')).status).toBe(0);

      writeFileSync(recipe, 'clay: { salts: [MgCl2, GaF3] }\n');
      const refused = await run('build', recipe, '-o', join(scratch, 'clay.extxyz'), '--json');
      expect(refused.status).toBe(2);
      expect(JSON.parse(refused.stdout).error).toMatchObject({ code: 'NOT_AVAILABLE', key: 'structure.clay' });
      writeFileSync(recipe, 'crystal: { name: MgCl2\n');
      expect(JSON.parse((await run('build', recipe, '-o', join(scratch, 'bad.extxyz'), '--json')).stdout).error).toMatchObject({
        code: 'BAD_YAML',
        line: expect.any(Number),
      });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  test('without a recipe or a file it says what is needed', async () => {
    expect(await run('build')).toMatchObject({ status: 2, stderr: expect.stringContaining('ionclay build recipe.yaml -o') });
  });
});
