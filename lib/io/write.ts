/** Writing structures and trajectories; the format follows from the name. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { restrictedForm, timesMatrix } from '../cell.js';
import { StructureError } from '../errors.js';
import type { Structure, Warning } from '../structure.js';
import { AmberNetcdfWriter } from './amber-netcdf-writer.js';
import { formatCif } from './cif-writer.js';
import { type FileFormat, FORMAT_NAMES, formatOfName } from './detect-format.js';
import { type ExtxyzFormatOptions, formatExtxyz } from './extxyz-format.js';
import { ExtxyzWriter } from './extxyz-stream.js';
import { fileError } from './file-errors.js';
import { formatPoscar, type PoscarFormatOptions } from './poscar-format.js';

export interface WriteOptions {
  /** The format, where the name does not tell it. */
  format?: FileFormat;
  extxyz?: ExtxyzFormatOptions;
  poscar?: PoscarFormatOptions;
  /** Precision of NetCDF coordinates; single unless given. */
  precision?: 'single' | 'double';
  /** Time between frames, fs, for NetCDF where the structures hold no time. */
  interval?: number;
}

function formatFor(path: string, options: WriteOptions, allowed: readonly FileFormat[]): FileFormat {
  const format = options.format ?? formatOfName(path);
  if (format && allowed.includes(format)) return format;
  const names = allowed.map((name) => FORMAT_NAMES[name]).join(', ');
  if (!format) {
    throw new StructureError('E_FORMAT_UNKNOWN', `${path}: the name does not tell the format`, {
      file: path,
      hint: 'use .extxyz, .vasp or POSCAR, .cif, .nc (trajectories)',
    });
  }
  throw new StructureError('E_NOT_IMPLEMENTED', `${path}: ${FORMAT_NAMES[format]} cannot be written here`, {
    file: path,
    hint: `possible: ${names}`,
  });
}

/**
 * One structure to extended XYZ, POSCAR or CIF. The file appears whole or not at all. What the format cannot hold is returned
 * as warnings. Throws `StructureError`.
 */
export async function writeStructure(
  path: string,
  structure: Structure,
  options: WriteOptions = {},
): Promise<readonly Warning[]> {
  const format = formatFor(path, options, ['extxyz', 'poscar', 'cif']);
  let text: string;
  let warnings: readonly Warning[] = [];
  if (format === 'extxyz') text = formatExtxyz(structure, options.extxyz);
  else if (format === 'cif') text = formatCif(structure);
  else ({ text, warnings } = formatPoscar(structure, options.poscar));
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(path, error, 'write');
  }
  return warnings;
}

/** Frames one after the other to extended XYZ or NetCDF; returns how many. Of `info`, NetCDF keeps `time` and `step`. */
export async function writeFrames(
  path: string,
  frames: AsyncIterable<Structure> | Iterable<Structure>,
  options: WriteOptions = {},
): Promise<number> {
  const format = formatFor(path, options, ['extxyz', 'amber-netcdf']);
  if (format === 'extxyz') {
    const writer = await ExtxyzWriter.open(path, options.extxyz);
    try {
      for await (const structure of frames) await writer.write(structure);
    } finally {
      await writer.close();
    }
    return writer.frames;
  }
  let writer: AmberNetcdfWriter | null = null;
  try {
    for await (const structure of frames) {
      const { info } = structure;
      const restricted = restrictedFrame(structure);
      writer ??= await AmberNetcdfWriter.create(path, {
        atoms: structure.species.length,
        cell: structure.cell !== null,
        precision: options.precision,
        velocities: structure.velocities !== undefined,
        title: 'unwrapped',
      });
      const index = writer.frameCount;
      const time =
        typeof info.time === 'number' ? info.time : options.interval === undefined ? undefined : index * options.interval;
      if (time === undefined) {
        throw new StructureError('E_NO_TIMES', `${path}: frame ${index} has no time, and the format needs one`, {
          file: path,
          hint: 'give the time between frames (option interval, fs)',
        });
      }
      await writer.write({ ...restricted, time, step: typeof info.step === 'number' ? info.step : index });
    }
    if (!writer) throw new StructureError('E_EMPTY', `${path}: there is no frame to write`, { file: path });
    return writer.frameCount;
  } finally {
    await writer?.close();
  }
}

/** Cell, unwrapped positions and velocities in the restricted frame (structures.md 3, rule 5). */
export function restrictedFrame(structure: Pick<Structure, 'cell' | 'positions' | 'images' | 'velocities'>): {
  cell: Float64Array | null;
  positions: Float64Array;
  velocities?: Float64Array;
} {
  const { cell, images, velocities } = structure;
  if (!cell) return { cell: null, positions: structure.positions, ...(velocities ? { velocities } : {}) };
  const { cell: restricted, rotation } = restrictedForm(cell);
  const turn = (vectors: Float64Array) => {
    const out = new Float64Array(vectors.length);
    for (let i = 0; i < vectors.length; i += 3) out.set(timesMatrix(vectors.subarray(i, i + 3), rotation), i);
    return out;
  };
  // A cell that is restricted already keeps the bits of its vectors.
  const identity = rotation.every((x, i) => x === (i % 4 === 0 ? 1 : 0));
  const positions = identity ? Float64Array.from(structure.positions) : turn(structure.positions);
  if (images) {
    for (let i = 0; i < positions.length; i += 3) {
      const shift = timesMatrix([images[i]!, images[i + 1]!, images[i + 2]!], restricted);
      for (let k = 0; k < 3; k++) positions[i + k]! += shift[k]!;
    }
  }
  return { cell: restricted, positions, ...(velocities ? { velocities: identity ? velocities : turn(velocities) } : {}) };
}
