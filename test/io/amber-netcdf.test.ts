import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { lengthsAndAngles, restrictedForm } from '../../lib/cell.js';
import { StructureError } from '../../lib/errors.js';
import { AmberNetcdfReader } from '../../lib/io/amber-netcdf.js';
import { type AmberFrameInput, AmberNetcdfWriter, type AmberWriterOptions } from '../../lib/io/amber-netcdf-writer.js';
import { type Dimension, encodeHeader, FLOAT, parseHeader, type VariablePlan } from '../../lib/io/netcdf-classic.js';
import { VERSION } from '../../lib/version.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { arbitraryCell, mutations } from './generators.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-nc-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.nc`);

const cell = Float64Array.of(7, 0, 0, -2.5, 9, 0, 1.5, -3, 11);
const makeFrame = (k: number, atoms = 4): AmberFrameInput => ({
  time: 1000 * k + 1,
  step: 500 * k,
  cell,
  positions: Float64Array.from({ length: 3 * atoms }, (_, i) => 100 * k + Math.sin(i + 1) * 50),
  velocities: Float64Array.from({ length: 3 * atoms }, (_, i) => Math.cos(i * k) / 300),
  energy: -3.7 * k,
});

async function write(path: string, frames: AmberFrameInput[], options: Partial<AmberWriterOptions> = {}): Promise<void> {
  const writer = await AmberNetcdfWriter.create(path, {
    atoms: 4,
    velocities: true,
    energy: true,
    precision: 'double',
    title: 'test',
    ...options,
  });
  for (const frame of frames) await writer.write(frame);
  await writer.close();
}

const refusal = async (path: string, options = {}) => {
  try {
    const reader = await AmberNetcdfReader.open(path, options);
    try {
      for await (const _ of reader.frames());
    } finally {
      await reader.close();
    }
  } catch (error) {
    expect(error).toBeInstanceOf(StructureError);
    return error as StructureError;
  }
  throw new Error('expected an error');
};

describe('writing and reading', () => {
  test('double precision: what was written comes back', async () => {
    const path = newPath();
    const frames = [0, 1, 2].map((k) => makeFrame(k));
    await write(path, frames);
    const reader = await AmberNetcdfReader.open(path);
    expect(reader).toMatchObject({
      frameCount: 3,
      atoms: 4,
      title: 'test',
      program: 'ionclay',
      double: true,
      hasCell: true,
      hasVelocities: true,
    });
    for (const k of [2, 0, 1, -1]) {
      const frame = await reader.frame(k);
      const expected = frames.at(k)!;
      expect(frame.time).toBe(expected.time);
      expect(frame.step).toBe(expected.step);
      expect(frame.energy).toBe(expected.energy);
      expect(frame.positions).toEqual(expected.positions);
      // A/fs -> A/ps -> A/fs: two roundings.
      frame.velocities!.forEach((v, i) => {
        expect(Math.abs(v - expected.velocities![i]!)).toBeLessThanOrEqual(3e-16 * Math.abs(v));
      });
      // Through lengths and angles: acos loses half the digits only near 0 and 180 degrees.
      frame.cell!.forEach((x, i) => {
        expect(Math.abs(x - cell[i]!)).toBeLessThan(1e-13);
      });
    }
    await expect(reader.frame(3)).rejects.toMatchObject({ code: 'E_FRAME_SELECTION' });
    const picked: number[] = [];
    for await (const frame of reader.frames('::2')) picked.push(frame.index);
    expect(picked).toEqual([0, 2]);
    await reader.close();
  });

  test('random triclinic cells, single precision', async () => {
    const path = newPath();
    const cells = fc.sample(arbitraryCell, { numRuns: 200, seed: 11 }).map((h) => restrictedForm(h).cell);
    await write(
      path,
      cells.map((h, k) => ({ ...makeFrame(k), cell: h })),
      { precision: 'single' },
    );
    const reader = await AmberNetcdfReader.open(path);
    let k = 0;
    for await (const frame of reader.frames()) {
      const h = cells[k]!;
      // Angles between 50 and 130 degrees, lengths to 40 A: 1e-11 A is 100 ulp of the edges times the condition of flat cells.
      frame.cell!.forEach((x, i) => {
        expect(Math.abs(x - h[i]!)).toBeLessThan(1e-11);
      });
      const expected = makeFrame(k++);
      frame.positions.forEach((x, i) => {
        expect(x).toBe(Math.fround(expected.positions[i]!));
      });
    }
    expect(k).toBe(200);
    await reader.close();
  });

  test('a structure without a cell has no cell variables', async () => {
    const path = newPath();
    await write(path, [{ ...makeFrame(1), cell: null }], { cell: false });
    const reader = await AmberNetcdfReader.open(path);
    expect(reader.hasCell).toBe(false);
    expect((await reader.frame(0)).cell).toBeNull();
    await reader.close();
    expect(parseHeader(readFileSync(path)).variables.map((v) => v.name)).toEqual([
      'spatial',
      'time',
      'coordinates',
      'velocities',
      'energy',
      'step',
      'time_fs',
    ]);
  });

  test('the header is that of the convention', async () => {
    const path = newPath();
    await write(path, [makeFrame(0)], { precision: 'single' });
    const header = parseHeader(readFileSync(path));
    expect(header.version).toBe(2);
    expect(header.dimensions).toEqual([
      { name: 'frame', length: 0 },
      { name: 'spatial', length: 3 },
      { name: 'atom', length: 4 },
      { name: 'cell_spatial', length: 3 },
      { name: 'cell_angular', length: 3 },
      { name: 'label', length: 5 },
    ]);
    expect([...header.attributes]).toEqual([
      ['Conventions', 'AMBER'],
      ['ConventionVersion', '1.0'],
      ['program', 'ionclay'],
      ['programVersion', VERSION],
      ['title', 'test'],
    ]);
    const units = Object.fromEntries(header.variables.map((v) => [v.name, v.attributes.get('units')]));
    expect(units).toMatchObject({
      time: 'picosecond',
      coordinates: 'angstrom',
      velocities: 'angstrom/picosecond',
      cell_lengths: 'angstrom',
      cell_angles: 'degree',
    });
    const labels = header.variables.find((v) => v.name === 'cell_angular')!;
    expect(readFileSync(path).toString('latin1', labels.begin, labels.begin + 15)).toBe('alphabeta gamma');
    // Lengths and angles as the convention defines them.
    expect(lengthsAndAngles(cell).lengths[0]).toBe(7);
  });

  test('frames that do not fit the file are refused', async () => {
    const writer = await AmberNetcdfWriter.create(newPath(), { atoms: 4, velocities: true });
    const good = makeFrame(0);
    await expect(writer.write({ ...good, positions: new Float64Array(9) })).rejects.toMatchObject({ code: 'E_NC_LAYOUT' });
    await expect(writer.write({ ...good, velocities: undefined })).rejects.toMatchObject({ code: 'E_NC_LAYOUT' });
    await expect(writer.write({ ...good, cell: null })).rejects.toMatchObject({ code: 'E_NC_LAYOUT' });
    await expect(writer.write({ ...good, cell: Float64Array.of(7, 0.1, 0, 0, 9, 0, 0, 0, 11) })).rejects.toMatchObject({
      code: 'E_CELL_INVALID',
    });
    await expect(
      writer.write({ ...good, positions: Float64Array.from(good.positions, (x, i) => (i === 5 ? Number.NaN : x)) }),
    ).rejects.toMatchObject({ code: 'E_NUMBER', atom: 1 });
    expect(writer.frameCount).toBe(0);
    await writer.close();
    await expect(writer.write(good)).rejects.toMatchObject({ code: 'E_CLOSED' });
  });
});

describe('interruptions', () => {
  const frames = Array.from({ length: 9 }, (_, k) => makeFrame(k));

  test.each([0, 1, 5, 9])('append after %i frames: the bytes of one go', async (cut) => {
    const [whole, parts] = [newPath(), newPath()];
    await write(whole, frames);
    await write(parts, frames.slice(0, cut));
    const writer = await AmberNetcdfWriter.append(parts);
    expect(writer.frameCount).toBe(cut);
    for (const frame of frames.slice(cut)) {
      await writer.write(frame);
      await writer.flush();
    }
    await writer.close();
    expect(readFileSync(parts).equals(readFileSync(whole))).toBe(true);
  });

  test('killed after a flush that a checkpoint does not know: cut back, go on, same bytes', async () => {
    const [whole, parts] = [newPath(), newPath()];
    await write(whole, frames);
    await write(parts, [...frames.slice(0, 4), makeFrame(77), makeFrame(78)]);
    // Half a record behind the last counted frame, as a kill in the middle of a write leaves it.
    writeFileSync(parts, Buffer.concat([readFileSync(parts), Buffer.alloc(100, 1)]));
    const writer = await AmberNetcdfWriter.append(parts, { frames: 4, atoms: 4 });
    for (const frame of frames.slice(4)) await writer.write(frame);
    await writer.close();
    expect(readFileSync(parts).equals(readFileSync(whole))).toBe(true);
  });

  test('a file with fewer frames than the checkpoint says, or other atoms, is refused and left alone', async () => {
    const path = newPath();
    await write(path, frames.slice(0, 2));
    const before = readFileSync(path);
    await expect(AmberNetcdfWriter.append(path, { frames: 3 })).rejects.toMatchObject({ code: 'E_NC_TRUNCATED' });
    await expect(AmberNetcdfWriter.append(path, { atoms: 5 })).rejects.toMatchObject({ code: 'E_NC_LAYOUT' });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('a reader sees whole frames while the file is written', async () => {
    const path = newPath();
    const writer = await AmberNetcdfWriter.create(path, { atoms: 4, precision: 'double', fsync: true });
    for (let k = 0; k < 3; k++) {
      await writer.write(frames[k]!);
      await writer.flush();
      await writer.write(frames[k]!);
      const reader = await AmberNetcdfReader.open(path);
      expect(reader.frameCount).toBe(2 * k + 1);
      await reader.close();
    }
    await writer.close();
  });

  test('writes that are not awaited keep their order', async () => {
    const [whole, parts] = [newPath(), newPath()];
    await write(whole, frames);
    const writer = await AmberNetcdfWriter.create(parts, {
      atoms: 4,
      velocities: true,
      energy: true,
      precision: 'double',
      title: 'test',
    });
    await Promise.all(frames.flatMap((frame) => [writer.write(frame), writer.flush()]));
    await writer.close();
    expect(readFileSync(parts).equals(readFileSync(whole))).toBe(true);
  });

  test('one writer a file; the lock of a dead process is taken over', async () => {
    const path = newPath();
    const writer = await AmberNetcdfWriter.create(path, { atoms: 4 });
    await expect(AmberNetcdfWriter.append(path)).rejects.toMatchObject({ code: 'E_LOCKED' });
    await expect(AmberNetcdfWriter.create(path, { atoms: 4 })).rejects.toMatchObject({ code: 'E_LOCKED' });
    await writer.close();
    // A process number that no system gives out, and a lock cut short by a crash.
    for (const owner of ['{"process":2147483646,"started":"1"}', '']) {
      writeFileSync(`${path}.lock`, owner);
      await (await AmberNetcdfWriter.append(path)).close();
      expect(existsSync(`${path}.lock`)).toBe(false);
    }
  });

  test('a file cut short: refused, or its complete frames', async () => {
    const path = newPath();
    await write(path, frames);
    truncateSync(path, readFileSync(path).length - 10);
    expect(await refusal(path)).toMatchObject({ code: 'E_NC_TRUNCATED', file: path });
    const reader = await AmberNetcdfReader.open(path, { allowPartial: true });
    expect(reader.frameCount).toBe(8);
    expect((await reader.frame(7)).time).toBe(frames[7]!.time);
    await reader.close();
    truncateSync(path, 200);
    expect(await refusal(path, { allowPartial: true })).toMatchObject({ code: 'E_NC_TRUNCATED' });
  });
});

describe('files of other programs', () => {
  const dimensions: Dimension[] = [
    { name: 'frame', length: 0 },
    { name: 'spatial', length: 3 },
    { name: 'atom', length: 1 },
  ];
  const plan = (name: string, ids: number[], units?: string): VariablePlan => ({
    name,
    dimensions: ids,
    type: FLOAT,
    attributes: units ? { units } : {},
  });
  /** A CDF-2 file of one frame whose record holds `values`. */
  const build = (attributes: Record<string, string>, variables: VariablePlan[], values: number[]) => {
    const header = encodeHeader(dimensions, attributes, variables);
    header.writeUInt32BE(1, 4);
    const record = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => {
      record.writeFloatBE(value, 4 * i);
    });
    return Buffer.concat([header, record]);
  };
  const coordinates = plan('coordinates', [0, 2, 1], 'angstrom');
  const open = async (bytes: Buffer) => {
    const path = newPath();
    writeFileSync(path, bytes);
    return AmberNetcdfReader.open(path);
  };

  test('no cell, no times; a single record variable', async () => {
    const reader = await open(build({ Conventions: 'CF-1.0, AMBER' }, [coordinates], [1, 2, 3]));
    expect(await reader.frame(0)).toEqual({ index: 0, time: null, step: null, cell: null, positions: Float64Array.of(1, 2, 3) });
    await reader.close();
  });

  test('single-precision times mean their shortest decimal', async () => {
    const reader = await open(build({ Conventions: 'AMBER' }, [plan('time', [0], 'picosecond'), coordinates], [0.1, 1, 2, 3]));
    expect((await reader.frame(0)).time).toBe(100);
    await reader.close();
  });

  test('scale_factor is honoured (AMBER writes 20.455 for velocities)', async () => {
    const bytes = build(
      { Conventions: 'AMBER' },
      [
        coordinates,
        {
          ...plan('velocities', [0, 2, 1], 'angstrom/picosecond'),
          attributes: { units: 'angstrom/picosecond', scale_factor: 'XXXX' },
        },
      ],
      [1, 2, 3, 2, 0, -2],
    );
    // The text attribute becomes one float: type 5, one value of four bytes in the same place.
    const at = bytes.indexOf('scale_factor') + 12;
    bytes.writeUInt32BE(FLOAT, at);
    bytes.writeUInt32BE(1, at + 4);
    bytes.writeFloatBE(20.455, at + 8);
    const reader = await open(bytes);
    const { velocities } = await reader.frame(0);
    expect(velocities![0]).toBeCloseTo(0.04091, 8);
    expect(velocities![2]).toBeCloseTo(-0.04091, 8);
    await reader.close();
  });

  test('values that were never written are an error that names them', async () => {
    const path = newPath();
    writeFileSync(path, build({ Conventions: 'AMBER' }, [coordinates], [1, 9.969209968386869e36, 3]));
    expect(await refusal(path)).toMatchObject({ code: 'E_NUMBER', atom: 0 });
  });

  test.each<[string, Buffer, string]>([
    ['another convention', build({ Conventions: 'AMBERRESTART' }, [coordinates], [1, 2, 3]), 'E_NC_CONVENTION'],
    ['no convention', build({}, [coordinates], [1, 2, 3]), 'E_NC_CONVENTION'],
    ['no coordinates', build({ Conventions: 'AMBER' }, [plan('time', [0])], [1]), 'E_NC_LAYOUT'],
    ['wrong dimensions', build({ Conventions: 'AMBER' }, [plan('coordinates', [0, 1, 2])], [1, 2, 3]), 'E_NC_LAYOUT'],
    ['an unknown unit', build({ Conventions: 'AMBER' }, [plan('coordinates', [0, 2, 1], 'furlong')], [1, 2, 3]), 'E_NC_LAYOUT'],
    ['HDF5', Buffer.from('\x89HDF\r\n\x1a\n0000', 'latin1'), 'E_NC_HDF5'],
    ['text', Buffer.from('hello, world'), 'E_NC_MAGIC'],
    ['CDF-3', Buffer.from('CDF\x03aaaaaaaaaaaaa', 'latin1'), 'E_NC_MAGIC'],
    ['nothing', Buffer.alloc(0), 'E_EMPTY'],
  ])('%s', async (_, bytes, code) => {
    const path = newPath();
    writeFileSync(path, bytes);
    expect(await refusal(path)).toMatchObject({ code, file: path });
  });

  test('a file of another program is not appended to', async () => {
    const path = newPath();
    writeFileSync(path, build({ Conventions: 'AMBER' }, [coordinates, plan('extra', [0])], [1, 2, 3, 4]));
    await expect(AmberNetcdfWriter.append(path)).rejects.toMatchObject({ code: 'E_NC_LAYOUT' });
  });

  test('mutated files give frames or errors that name what is wrong', async () => {
    const [seed, path] = [newPath(), newPath()];
    await write(seed, [makeFrame(0), makeFrame(1)]);
    const bytes = readFileSync(seed);
    let refused = 0;
    // Most of a file is numbers; the header is what can go wrong, so half of the changes go there.
    const damaged = [
      ...mutations([bytes], 250, 5),
      ...[...mutations([bytes.subarray(0, 900)], 250, 6)].map((head) => Buffer.concat([head, bytes.subarray(900)])),
    ];
    for (const variant of damaged) {
      writeFileSync(path, variant);
      try {
        const reader = await AmberNetcdfReader.open(path);
        try {
          for (let k = 0; k < Math.min(3, reader.frameCount); k++) await reader.frame(k);
        } finally {
          await reader.close();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(StructureError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

describeReference('sample files', () => {
  const expected = referenceJson('structures', 'files', 'expected.json').files['trajectory_amber.nc'];
  const sample = () => referencePath('structures', 'files', 'trajectory_amber.nc');
  // Single-precision coordinates: 1e-5 A (README of the reference data).
  const close = (actual: ArrayLike<number>, wanted: number[], tolerance = 1e-5) =>
    wanted.forEach((x, i) => {
      expect(Math.abs(actual[i]! - x)).toBeLessThan(tolerance);
    });

  test('trajectory_amber.nc', async () => {
    const reader = await AmberNetcdfReader.open(sample());
    expect(reader.frameCount).toBe(expected.frames);
    expect(reader.atoms).toBe(expected.atoms);
    const frames = [];
    for await (const frame of reader.frames()) frames.push(frame);
    expect(frames.map((f) => f.time)).toEqual(expected.times_ps.map((t: number) => 1000 * t));
    for (const frame of frames) close(frame.positions, expected.first_atom_each_frame[frame.index]);
    close(frames[2]!.positions.subarray(-3), expected.last_atom_last_frame);
    const { lengths, angles } = lengthsAndAngles(frames[2]!.cell!);
    close([...lengths, ...angles], expected.cell_parameters_last, 1e-4);
    close(
      frames[0]!.velocities!,
      expected.velocity_first_atom_frame0.map((v: number) => v / 1000),
      1e-9,
    );
    await reader.close();
  });

  test('nc_truncated.nc and nc_not_amber.nc', async () => {
    const truncated = referencePath('structures', 'malformed', 'nc_truncated.nc');
    expect((await refusal(truncated)).code).toBe('E_NC_TRUNCATED');
    const reader = await AmberNetcdfReader.open(truncated, { allowPartial: true });
    expect(reader.frameCount).toBe(2);
    close((await reader.frame(1)).positions, expected.first_atom_each_frame[1]);
    await reader.close();
    expect((await refusal(referencePath('structures', 'malformed', 'nc_not_amber.nc'))).code).toBe('E_NC_CONVENTION');
  });

  test('a file of the same layout can be gone on with', async () => {
    const path = newPath();
    copyFileSync(sample(), path);
    const writer = await AmberNetcdfWriter.append(path, { frames: 2 });
    await writer.write({ ...makeFrame(0, 24), cell });
    await writer.close();
    const reader = await AmberNetcdfReader.open(path);
    expect(reader.frameCount).toBe(3);
    expect((await reader.frame(2)).positions[0]).toBe(Math.fround(Math.sin(1) * 50));
    close((await reader.frame(1)).positions, expected.first_atom_each_frame[1]);
    await reader.close();
  });
});
