/** Reading structures and trajectories from files of any known format. */

import { existsSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { determinant } from '../cell.js';
import { atomicNumber } from '../elements.js';
import { makeStructure, massesOf, type Structure } from '../structure.js';
import { AmberNetcdfReader } from './amber-netcdf.js';
import { type CifOptions, readCifStructure } from './cif.js';
import { detectFormat, type FileFormat, FORMAT_NAMES, HEAD_BYTES } from './detect-format.js';
import type { VelocityUnit } from './extxyz-columns.js';
import type { TimeUnit } from './extxyz-header.js';
import { ExtxyzReader } from './extxyz-stream.js';
import { fileError } from './file-errors.js';
import { formatError } from './format-error.js';
import { type FrameSelection, noSuchFrame, parseFrameSelection, resolveFrames } from './frame-selection.js';
import { parsePoscar } from './poscar.js';

export { detectFormat, type FileFormat } from './detect-format.js';
export { type WriteOptions, writeFrames, writeStructure } from './write.js';

export interface ReadOptions {
  /** The format, where neither content nor name tells it. */
  format?: FileFormat;
  /** Negate the vectors of a left-handed cell (same lattice, same positions) instead of refusing it. */
  fixHandedness?: boolean;
  /** Elements of the counts of a VASP 4 POSCAR, or of the atoms of a NetCDF trajectory, which have no names. */
  species?: readonly string[];
  /** A structure with the same atoms as a NetCDF trajectory: species, masses and periodic directions come from it. */
  structure?: Structure;
  /** Unit of velocity columns of extended XYZ; A/ps unless given. */
  velocityUnit?: VelocityUnit;
  /** Unit of `Time` in extended XYZ; ps unless given. */
  timeUnit?: TimeUnit;
  /** CIF: data block, symmetry tables, origin choice. */
  cif?: Omit<CifOptions, 'file'>;
  /** Complete frames of a NetCDF trajectory that is cut short. */
  allowPartial?: boolean;
  /** Largest text file, or largest frame of a trajectory, in bytes; 1 GiB unless raised. */
  maxBytes?: number;
}

const GIB = 2 ** 30;

/** The format of a file. Throws `E_FILE_...`, `E_EMPTY` or `E_FORMAT_UNKNOWN`. */
export async function formatOfFile(path: string): Promise<FileFormat> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      if (existsSync(join(path, 'type.raw'))) return 'deepmd';
      throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    }
    const handle = await open(path, 'r');
    try {
      const head = Buffer.alloc(Math.min(info.size, HEAD_BYTES));
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      return detectFormat(head.subarray(0, bytesRead), path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * One structure. Of a file with several frames the first is read, with the warning `W_MORE_FRAMES`, unless `frame` chooses
 * (0-based, negative from the end). Throws `StructureError`.
 */
export async function readStructure(path: string, options: ReadOptions & { frame?: number } = {}): Promise<Structure> {
  const format = options.format ?? (await formatOfFile(path));
  for await (const structure of readFrames(path, { ...options, format, frames: options.frame ?? 0 })) {
    if (options.frame !== undefined || !(await hasSecondFrame(path, format, options))) return structure;
    const warning = { code: 'W_MORE_FRAMES', message: `${path} holds more than one frame: the first is read` };
    return { ...structure, warnings: [...structure.warnings, warning] };
  }
  throw noSuchFrame(options.frame ?? 0, 0, path);
}

async function hasSecondFrame(path: string, format: FileFormat, options: ReadOptions): Promise<boolean> {
  if (format === 'amber-netcdf') return (await countFrames(path, format, options)) > 1;
  if (format !== 'extxyz') return false;
  const reader = await ExtxyzReader.open(path, options);
  try {
    return await reader.hasFrame(1);
  } finally {
    await reader.close();
  }
}

/** The selected frames of a file as structures, one in memory at a time; a file of one structure has one frame. */
export async function* readFrames(
  path: string,
  options: ReadOptions & { frames?: FrameSelection } = {},
): AsyncGenerator<Structure> {
  const format = options.format ?? (await formatOfFile(path));
  switch (format) {
    case 'extxyz': {
      const reader = await ExtxyzReader.open(path, options);
      try {
        yield* reader.frames(options.frames);
      } finally {
        await reader.close();
      }
      return;
    }
    case 'amber-netcdf': {
      const reader = await AmberNetcdfReader.open(path, options);
      try {
        const atoms = namedAtoms(reader.atoms, path, options);
        for await (const frame of reader.frames(options.frames)) {
          const { index: _, time, step, energy, ...arrays } = frame;
          const info = {
            ...(energy === undefined ? {} : { energy }),
            ...(time === null ? {} : { time }),
            ...(step === null ? {} : { step }),
          };
          yield makeStructure({ ...atoms, ...arrays, pbc: frame.cell ? atoms.pbc : [false, false, false], info }, { file: path });
        }
      } finally {
        await reader.close();
      }
      return;
    }
    case 'cif':
    case 'poscar': {
      const range = resolveFrames(parseFrameSelection(options.frames), 1, path);
      const text = await readText(path, options.maxBytes ?? GIB);
      const structure =
        format === 'cif'
          ? await readCifStructure(text, { ...options.cif, file: path })
          : parsePoscar(text, { ...options, file: path });
      if (range.start === 0 && range.stop > 0) yield structure;
      return;
    }
    default:
      throw formatError(
        'E_NOT_IMPLEMENTED',
        { file: path },
        `this is a ${FORMAT_NAMES[format]}, which this version does not read`,
        {
          hint: 'convert it to extended XYZ, for example with ASE or OVITO',
          format,
        },
      );
  }
}

/** A moment of a trajectory file. */
export interface TrajectoryFrame {
  /** 0-based number in the file. */
  readonly index: number;
  /** Null where the file does not say. */
  readonly step: number | null;
  /** fs; null where the file holds no times and no interval is given. */
  readonly time: number | null;
  readonly species: Uint8Array;
  /** amu. */
  readonly masses: Float64Array;
  /** 3N, A; images are added where the file has them. */
  readonly positions: Float64Array;
  readonly cell: Float64Array | null;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** 3N, A/fs. */
  readonly velocities?: Float64Array;
  /** eV. */
  readonly potentialEnergy?: number;
  /** A^3. */
  readonly volume?: number;
}

export interface TrajectoryOptions extends ReadOptions {
  frames?: FrameSelection;
  /** Time between frames of the file, fs; replaces the times of the file. */
  interval?: number;
}

/** The selected frames of a trajectory with their times, one in memory at a time. */
export async function* readTrajectory(path: string, options: TrajectoryOptions = {}): AsyncGenerator<TrajectoryFrame> {
  const format = options.format ?? (await formatOfFile(path));
  const range = parseFrameSelection(options.frames);
  let index = range.start ?? 0;
  if (index < 0) {
    index += await countFrames(path, format, options);
    index = Math.max(0, index);
  }
  for await (const structure of readFrames(path, { ...options, format })) {
    const { info, cell, images, positions } = structure;
    const time = options.interval === undefined ? (typeof info.time === 'number' ? info.time : null) : index * options.interval;
    yield {
      index,
      step: typeof info.step === 'number' ? info.step : null,
      time,
      species: structure.species,
      masses: massesOf(structure),
      positions: images && cell ? unwrapped(positions, images, cell) : positions,
      cell,
      pbc: structure.pbc,
      ...(structure.velocities ? { velocities: structure.velocities } : {}),
      ...(typeof info.energy === 'number' ? { potentialEnergy: info.energy } : {}),
      ...(cell ? { volume: determinant(cell) } : {}),
    };
    index += range.step ?? 1;
  }
}

/** Frames in a file; streams through it once where the format has no count. */
export async function countFrames(path: string, format?: FileFormat, options: ReadOptions = {}): Promise<number> {
  const known = format ?? (await formatOfFile(path));
  if (known === 'cif' || known === 'poscar') return 1;
  if (known !== 'extxyz' && known !== 'amber-netcdf') {
    throw formatError('E_NOT_IMPLEMENTED', { file: path }, `this is a ${FORMAT_NAMES[known]}, which this version does not read`, {
      format: known,
    });
  }
  const reader = known === 'extxyz' ? await ExtxyzReader.open(path, options) : await AmberNetcdfReader.open(path, options);
  try {
    return reader instanceof ExtxyzReader ? await reader.count() : reader.frameCount;
  } finally {
    await reader.close();
  }
}

/** x + n H. */
export function unwrapped(positions: Float64Array, images: Int32Array, h: Float64Array): Float64Array {
  const out = new Float64Array(positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    const [p, q, r] = [images[i]!, images[i + 1]!, images[i + 2]!];
    for (let k = 0; k < 3; k++) out[i + k] = positions[i + k]! + (p * h[k]! + q * h[3 + k]! + r * h[6 + k]!);
  }
  return out;
}

type NamedAtoms = Pick<Structure, 'species' | 'pbc'> & Partial<Pick<Structure, 'masses' | 'charges' | 'ids' | 'tags'>>;

/** NetCDF trajectories hold no elements: they come from the options. */
function namedAtoms(count: number, path: string, options: ReadOptions): NamedAtoms {
  const { structure, species } = options;
  const given = structure?.species.length ?? species?.length;
  if (given === undefined) {
    throw formatError(
      'E_NC_NO_SPECIES',
      { file: path },
      `an AMBER NetCDF trajectory does not say which elements its ${count} atoms are`,
      {
        hint: 'give the structure that the run began with (option structure; ionclay analyze --structure FILE), or the symbols in order (option species; ionclay inspect --species)',
      },
    );
  }
  if (given !== count) {
    throw formatError(
      'E_NC_NO_SPECIES',
      { file: path },
      `the trajectory has ${count} atoms, the ${structure ? 'structure' : 'list of species'} has ${given}`,
    );
  }
  if (structure) {
    const { masses, charges, ids, tags } = structure;
    const optional = Object.fromEntries(Object.entries({ masses, charges, ids }).filter(([, value]) => value !== undefined));
    return { species: structure.species, pbc: structure.cell ? structure.pbc : [true, true, true], tags, ...optional };
  }
  const numbers = species!.map((symbol, atom) => {
    const number = atomicNumber(symbol);
    if (number === undefined)
      throw formatError('E_ELEMENT', {}, `species: "${symbol}" is not a chemical element`, { key: 'species', atom });
    return number;
  });
  return { species: Uint8Array.from(numbers), pbc: [true, true, true] };
}

async function readText(path: string, limit: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > limit) {
      throw formatError('E_TOO_LARGE', { file: path }, `the file has ${size} bytes, more than the limit of ${limit}`, {
        hint: 'is this a structure file? If it is, raise maxBytes',
      });
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(path, error);
  }
}
