/** Reads NumPy arrays (version 1, little-endian float64, C order) of the reference data. */
import { readFileSync } from 'node:fs';

export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function readNpy(path: string): NumberArray {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 0, 6) !== '\x93NUMPY' || bytes[6] !== 1)
    throw new Error(`${path} is not a NumPy file of version 1`);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  if (!/'descr': '<f8'/.test(header) || !/'fortran_order': False/.test(header)) throw new Error(`${path}: ${header}`);
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)![1]!
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean)
    .map(Number);
  const data = new Float64Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
  if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new Error(`${path} is truncated`);
  return { shape, data };
}
