import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { restrictedForm, timesMatrix } from '../../lib/cell.js';
import { detectFormat, formatOfName } from '../../lib/io/detect-format.js';
import { countFrames, readFrames, readStructure, readTrajectory, unwrapped } from '../../lib/io/read.js';
import { restrictedFrame, writeFrames, writeStructure } from '../../lib/io/write.js';
import { makeStructure, type Structure, symbolsOf } from '../../lib/structure.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { arbitraryCell } from './generators.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-read-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const all = async <T>(frames: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const frame of frames) out.push(frame);
  return out;
};

const poscar = 'LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n';
const xyz = '1\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nLi 0 0 0\n';

describe('the format is found by content, then by name', () => {
  test.each<[string, string, string]>([
    ['a.txt', '# a comment\n\ndata_LiCl\n_cell_length_a 5\n', 'cif'],
    ['a.txt', xyz, 'extxyz'],
    ['a.cif', '2\nplain words\nLi 0 0 0\nCl 1 1 1\n', 'extxyz'],
    ['a.xyz', 'two\n', 'extxyz'],
    ['POSCAR', poscar, 'poscar'],
    ['CONTCAR_relaxed', poscar, 'poscar'],
    ['a.vasp', poscar, 'poscar'],
    ['a', poscar, 'poscar'],
    ['POSCAR', poscar.replace('LiCl', '42'), 'poscar'],
    ['a.nc', 'CDF\x02\0\0\0\0', 'amber-netcdf'],
    ['a', 'CDF\x01\0\0\0\0', 'amber-netcdf'],
    ['a.nc', '\x89HDF\r\n', 'amber-netcdf'],
    ['a', '\x89HDF\r\n', 'h5md'],
    ['a', '\x93NUMPY\x01\0', 'npy'],
    ['a', 'ITEM: TIMESTEP\n0\n', 'lammps-dump'],
    ['a', 'comment\n\n12 atoms\n2 atom types\n', 'lammps-data'],
    ['a', 'comment\n\n0.0 5.0 xlo xhi\n', 'lammps-data'],
  ])('%s with %j is %s', (name, content, format) => {
    expect(detectFormat(Buffer.from(content, 'latin1'), name)).toBe(format);
  });

  test.each<[string, string]>([
    ['a.txt', 'hello\nworld\n'],
    ['model.pb', '\x0a\x12\0\0graph'],
    ['a.txt', '\x1f\x8b\x08\0'],
  ])('%s with %j is no known format', (name, content) => {
    expect(() => detectFormat(Buffer.from(content, 'latin1'), name)).toThrow(
      expect.objectContaining({ code: 'E_FORMAT_UNKNOWN', hint: expect.any(String) }),
    );
  });

  test('no bytes', () =>
    expect(() => detectFormat(new Uint8Array(0), 'a.cif')).toThrow(expect.objectContaining({ code: 'E_EMPTY' })));

  test('names alone', () => {
    expect(formatOfName('x/y/structure.extxyz')).toBe('extxyz');
    expect(formatOfName('notes.txt')).toBeUndefined();
  });
});

describe('reading', () => {
  test('each text format', async () => {
    expect(symbolsOf(await readStructure(file('POSCAR', poscar)))).toEqual(['Li', 'Cl']);
    expect((await readStructure(file('one.xyz', xyz))).warnings).toEqual([]);
    const cif =
      "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nLi1 Li 0 0 0\n";
    expect(symbolsOf(await readStructure(file('a.cif', cif)))).toEqual(['Li']);
  });

  test('of several frames the first, with a warning, or the chosen one', async () => {
    const path = file('two.xyz', xyz + xyz.replace('Li 0', 'Cl 0'));
    const first = await readStructure(path);
    expect(symbolsOf(first)).toEqual(['Li']);
    expect(first.warnings).toEqual([expect.objectContaining({ code: 'W_MORE_FRAMES' })]);
    const last = await readStructure(path, { frame: -1 });
    expect(symbolsOf(last)).toEqual(['Cl']);
    expect(last.warnings).toEqual([]);
    await expect(readStructure(path, { frame: 2 })).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
    expect(await countFrames(path)).toBe(2);
  });

  test('a file of one structure has one frame', async () => {
    const path = file('b.vasp', poscar);
    expect(await all(readFrames(path))).toHaveLength(1);
    expect(await all(readFrames(path, { frames: '-1:' }))).toHaveLength(1);
    expect(await all(readFrames(path, { frames: '1:' }))).toHaveLength(0);
    await expect(all(readFrames(path, { frames: 1 }))).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
  });

  test('options reach the readers', async () => {
    const left = file('left.xyz', xyz.replace('4 0 0 0 4 0', '0 4 0 4 0 0'));
    await expect(readStructure(left)).rejects.toMatchObject({
      code: 'E_CELL_LEFT_HANDED',
      file: left,
      line: 2,
      hint: expect.stringContaining('--fix-handedness'),
    });
    expect((await readStructure(left, { fixHandedness: true })).cell![1]).toBe(-4);
    const vasp4 = file('c.vasp', 'x\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n.5 .5 .5\n');
    expect(symbolsOf(await readStructure(vasp4, { species: ['Na', 'F'] }))).toEqual(['Na', 'F']);
  });

  test('what cannot be read says why and what to do', async () => {
    const refused = (path: string, code: string, options = {}) =>
      expect(readStructure(path, options)).rejects.toMatchObject({ code, file: path, hint: expect.any(String) });
    await refused(join(folder, 'none.xyz'), 'E_FILE_NOT_FOUND');
    await refused(folder, 'E_FILE_IS_DIRECTORY');
    await expect(readStructure(file('empty.cif', ''))).rejects.toMatchObject({ code: 'E_EMPTY' });
    await refused(file('big.vasp', poscar), 'E_TOO_LARGE', { maxBytes: 10 });
    await refused(file('a.lammpstrj', 'ITEM: TIMESTEP\n0\n'), 'E_NOT_IMPLEMENTED');
    await refused(file('a.data', 'x\n\n1 atoms\n'), 'E_NOT_IMPLEMENTED');
    mkdirSync(join(folder, 'deepmd'));
    writeFileSync(join(folder, 'deepmd', 'type.raw'), '0\n');
    await refused(join(folder, 'deepmd'), 'E_NOT_IMPLEMENTED');
  });
});

const moving = (k: number): Structure =>
  makeStructure({
    cell: Float64Array.of(7, 0, 0, -2.5, 9, 0, 1.5, -3, 11),
    species: Uint8Array.of(3, 17),
    positions: Float64Array.from({ length: 6 }, (_, i) => i + k / 3),
    images: Int32Array.of(k, 0, -k, 0, 1, 0),
    velocities: Float64Array.from({ length: 6 }, (_, i) => (i - k) / 500),
    info: { step: 10 * k, time: 20 * k },
  });
const trajectory = Array.from({ length: 6 }, (_, k) => moving(k));

describe('trajectories', () => {
  test.each(['t.extxyz', 't.nc'])('%s: the same frames, images added', async (name) => {
    const path = join(folder, name);
    expect(await writeFrames(path, trajectory, { precision: 'double' })).toBe(6);
    expect(await countFrames(path)).toBe(6);
    const options = { structure: trajectory[0]! };
    const frames = await all(readTrajectory(path, options));
    expect(frames.map((f) => [f.index, f.step, f.time])).toEqual(trajectory.map((_, k) => [k, 10 * k, 20 * k]));
    frames.forEach((frame, k) => {
      const s = trajectory[k]!;
      expect(frame.positions).toEqual(unwrapped(s.positions, s.images!, s.cell!));
      expect(frame.masses).toEqual(Float64Array.of(6.94, 35.45));
      // det H = 7 x 9 x 11; lengths and angles carry a few ulp.
      expect(frame.volume).toBeCloseTo(693, 9);
      frame.velocities!.forEach((v, i) => {
        expect(v).toBeCloseTo(s.velocities![i]!, 15);
      });
    });
    expect((await all(readTrajectory(path, { ...options, frames: '-3::2' }))).map((f) => [f.index, f.step])).toEqual([
      [3, 30],
      [5, 50],
    ]);
    expect((await all(readTrajectory(path, { ...options, frames: '2:4', interval: 7 }))).map((f) => f.time)).toEqual([14, 21]);
  });

  test('NetCDF needs the elements', async () => {
    const path = join(folder, 'n.nc');
    await writeFrames(path, trajectory);
    await expect(readStructure(path)).rejects.toMatchObject({
      code: 'E_NC_NO_SPECIES',
      hint: expect.stringContaining('structure'),
    });
    await expect(readStructure(path, { species: ['Li'] })).rejects.toMatchObject({ code: 'E_NC_NO_SPECIES' });
    await expect(readStructure(path, { species: ['Li', 'Xx'] })).rejects.toMatchObject({ code: 'E_ELEMENT', atom: 1 });
    const structure = await readStructure(path, { species: ['Li', 'Cl'] });
    expect(symbolsOf(structure)).toEqual(['Li', 'Cl']);
    expect(structure.warnings[0]).toMatchObject({ code: 'W_MORE_FRAMES' });
  });

  test('frames without times: null, or an interval; NetCDF is not written without', async () => {
    const still = makeStructure({ species: Uint8Array.of(3), positions: new Float64Array(3) });
    const path = join(folder, 'still.xyz');
    await writeFrames(path, [still, still]);
    expect((await all(readTrajectory(path))).map((f) => f.time)).toEqual([null, null]);
    const nc = join(folder, 'still.nc');
    await expect(writeFrames(nc, [still])).rejects.toMatchObject({ code: 'E_NO_TIMES' });
    await writeFrames(nc, [still, still], { interval: 5 });
    const frames = await all(readTrajectory(nc, { species: ['Li'] }));
    expect(frames.map((f) => [f.time, f.cell])).toEqual([
      [0, null],
      [5, null],
    ]);
  });

  test('turning into the restricted frame keeps distances, fractions and the speed of atoms', () => {
    fc.assert(
      fc.property(
        arbitraryCell,
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 }),
        (cell, f) => {
          const positions = Float64Array.from([...timesMatrix(f.slice(0, 3), cell), ...timesMatrix(f.slice(3), cell)]);
          const images = Int32Array.of(1, -2, 0, 0, 3, -1);
          const out = restrictedFrame({ cell, positions, images, velocities: positions });
          const real = unwrapped(positions, images, cell);
          const distance = (x: Float64Array) => Math.hypot(x[0]! - x[3]!, x[1]! - x[4]!, x[2]! - x[5]!);
          // Lengths to some hundred A, a rotation is three products and sums: 1e-11 is above 1e3 ulp of any of them.
          expect(Math.abs(distance(out.positions) - distance(real))).toBeLessThan(1e-11);
          const fraction = f.map((s, i) => s + images[i]!);
          const expected = [...timesMatrix(fraction.slice(0, 3), out.cell!), ...timesMatrix(fraction.slice(3), out.cell!)];
          expected.forEach((x, i) => {
            expect(Math.abs(x - out.positions[i]!)).toBeLessThan(1e-11);
          });
          expect(Math.abs(Math.hypot(...out.velocities!) - Math.hypot(...positions))).toBeLessThan(1e-11);
          expect(out.cell).toEqual(restrictedForm(cell).cell);
        },
      ),
      { numRuns: 200, seed: 4 },
    );
  });
});

describe('writing', () => {
  test('the name tells the format; the file appears whole and nothing is left beside it', async () => {
    const target = mkdtempSync(join(folder, 'out-'));
    const structure = await readStructure(file('d.vasp', poscar));
    for (const name of ['a.extxyz', 'POSCAR', 'a.cif']) {
      await writeStructure(join(target, name), structure);
      const back = await readStructure(join(target, name));
      expect(symbolsOf(back)).toEqual(['Li', 'Cl']);
      back.positions.forEach((x, i) => {
        // Eight digits at least in every format.
        expect(Math.abs(x - structure.positions[i]!)).toBeLessThan(1e-7);
      });
    }
    expect(readdirSync(target).sort()).toEqual(['POSCAR', 'a.cif', 'a.extxyz']);
    await expect(writeStructure(join(target, 'a.txt'), structure)).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(writeStructure(join(target, 'a.lammpstrj'), structure)).rejects.toMatchObject({ code: 'E_NOT_IMPLEMENTED' });
    await expect(writeStructure(join(target, 'no', 'a.xyz'), structure)).rejects.toMatchObject({ code: 'E_FILE_NOT_WRITABLE' });
  });
});

describeReference('sample files', () => {
  const { files } = referenceJson<{ files: Record<string, { format: string }> }>('structures', 'files', 'expected.json');
  const formats: Record<string, string> = { 'deepmd-npy': 'deepmd' };
  const readable = ['cif', 'poscar', 'extxyz', 'amber-netcdf'];

  test.each(Object.entries(files))('%s is found to be what it is', async (name, { format }) => {
    const path = referencePath('structures', 'files', name);
    const species = name === 'trajectory_amber.nc' ? Array.from({ length: 24 }, () => 'Cl') : undefined;
    const read = readStructure(path, { species, fixHandedness: true });
    if (readable.includes(format)) expect((await read).species.length).toBeGreaterThan(0);
    else await expect(read).rejects.toMatchObject({ code: 'E_NOT_IMPLEMENTED', details: { format: formats[format] ?? format } });
  });

  const { cases } = referenceJson<{
    cases: { file: string; format: string; error: string | null; options?: { symmetryTables?: boolean } }[];
  }>('structures', 'malformed', 'expected.json');
  test.each(cases.filter((c) => readable.includes(c.format) && c.error))(
    '$file is refused with $error',
    async ({ file: name, error, options }) => {
      await expect(readStructure(referencePath('structures', 'malformed', name), { cif: options })).rejects.toMatchObject({
        code: error,
      });
    },
  );
});
