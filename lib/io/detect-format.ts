/** Which format a file has: by its content, then by its name (structures.md 23.4). */
import { basename } from 'node:path';
import { formatError } from './format-error.js';
import { looksLikePoscar } from './poscar.js';

export type FileFormat = 'cif' | 'poscar' | 'extxyz' | 'amber-netcdf' | 'lammps-data' | 'lammps-dump' | 'h5md' | 'npy' | 'deepmd';

/** What each format is called in messages. */
export const FORMAT_NAMES: Readonly<Record<FileFormat, string>> = {
  cif: 'CIF',
  poscar: 'POSCAR',
  extxyz: 'extended XYZ',
  'amber-netcdf': 'AMBER NetCDF trajectory',
  'lammps-data': 'LAMMPS data file',
  'lammps-dump': 'LAMMPS dump file',
  h5md: 'H5MD trajectory',
  npy: 'NumPy array',
  deepmd: 'deepmd data set',
};

/** Bytes of the beginning of a file that {@link detectFormat} wants to see. */
export const HEAD_BYTES = 1 << 16;

/**
 * @param head the first bytes of the file, {@link HEAD_BYTES} where there are so many
 * @param path its path or name
 * Throws `E_EMPTY` for no bytes, `E_FORMAT_UNKNOWN` where neither content nor name tells.
 */
export function detectFormat(head: Uint8Array, path: string): FileFormat {
  if (head.length === 0) throw formatError('E_EMPTY', { file: path }, 'the file is empty');
  const named = formatOfName(path);
  const found = formatOfContent(Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)), named) ?? named;
  if (found) return found;
  const compressed = head[0] === 0x1f && head[1] === 0x8b;
  throw formatError(
    'E_FORMAT_UNKNOWN',
    { file: path },
    compressed ? 'the file is compressed' : 'neither the content nor the name tells the format',
    {
      hint: compressed
        ? 'unpack it first (gunzip)'
        : 'known by content: CIF, extended XYZ, POSCAR, AMBER NetCDF; by name: .cif .xyz .extxyz .vasp POSCAR* CONTCAR* .nc',
    },
  );
}

/** Format by name alone, for files that do not exist yet; undefined where the name says nothing. */
export function formatOfName(path: string): FileFormat | undefined {
  const name = basename(path);
  if (/^(POSCAR|CONTCAR)/i.test(name)) return 'poscar';
  const suffix = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  switch (suffix) {
    case 'cif':
    case 'mcif':
      return 'cif';
    case 'xyz':
    case 'extxyz':
      return 'extxyz';
    case 'vasp':
    case 'poscar':
    case 'contcar':
      return 'poscar';
    case 'nc':
    case 'ncdf':
      return 'amber-netcdf';
    case 'lammpstrj':
    case 'dump':
      return 'lammps-dump';
    case 'data':
    case 'lmp':
      return 'lammps-data';
    case 'h5md':
    case 'h5':
      return 'h5md';
    case 'npy':
      return 'npy';
    default:
      return undefined;
  }
}

function formatOfContent(head: Buffer, named: FileFormat | undefined): FileFormat | undefined {
  const magic = head.toString('latin1', 0, 6);
  if (magic.startsWith('CDF') && head[3]! < 32) return 'amber-netcdf';
  // NetCDF-4 files are HDF5 too: the name decides who refuses them.
  if (magic.startsWith('\x89HDF')) return named === 'amber-netcdf' ? 'amber-netcdf' : 'h5md';
  if (magic.startsWith('\x93NUMPY')) return 'npy';
  if (head.subarray(0, 4096).includes(0)) return undefined;
  const lines = head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== '')?.trim() ?? '';
  if (first.startsWith('ITEM:')) return 'lammps-dump';
  const token = lines.find((line) => line.trim() !== '' && !line.trim().startsWith('#'))?.trim();
  if (token && /^data_/i.test(token)) return 'cif';
  // A POSCAR whose comment is a number: the name and the lines that follow speak for it.
  if (/^\d+$/.test(first) && !(named === 'poscar' && looksLikePoscar(lines))) return 'extxyz';
  if (named === 'poscar') return undefined;
  if (lines.slice(0, 40).some((line) => /^\s*\d+\s+atoms\s*$/.test(line) || /\sxlo\s+xhi\s*$/.test(line))) return 'lammps-data';
  return looksLikePoscar(lines) && named === undefined ? 'poscar' : undefined;
}
