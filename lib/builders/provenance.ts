/** Where a structure came from: every builder appends an entry, so that a structure can be rebuilt (structures.md 3, rule 6). */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { JsonValue, Structure } from '../structure.js';
import { VERSION } from '../version.js';

/** The folder that holds package.json: this file lies two levels below it, in the sources and in what is built from them. */
export const PACKAGE_ROOT = resolve(__dirname, '..', '..');

export interface ProvenanceEntry {
  readonly builder: string;
  readonly parameters: JsonValue;
  readonly seed?: string;
  /** Content hashes of what the builder was given. */
  readonly inputs?: readonly string[];
}

/** The structure with one more entry in `info.provenance`. */
export function withProvenance(structure: Structure, entry: ProvenanceEntry): Structure {
  const before = Array.isArray(structure.info.provenance) ? (structure.info.provenance as JsonValue[]) : [];
  const { builder, parameters, seed, inputs } = entry;
  const after: JsonValue = {
    builder,
    version: VERSION,
    parameters,
    ...(seed === undefined ? {} : { seed }),
    ...(inputs ? { inputs } : {}),
  };
  return { ...structure, info: { ...structure.info, provenance: [...before, after] } };
}

/**
 * SHA-256 of what makes a structure what it is: cell, species and positions, in this order, as little-endian doubles (cell, positions) and
 * bytes (species), lengths rounded to 1e-8 A. Equal hashes mean the same atoms in the same order.
 */
export function contentHash(structure: Pick<Structure, 'cell' | 'species' | 'positions'>): string {
  const hash = createHash('sha256');
  if (structure.cell) hash.update(roundedBytes(structure.cell));
  hash.update(structure.species);
  hash.update(roundedBytes(structure.positions));
  return hash.digest('hex');
}

function roundedBytes(values: Float64Array): Buffer {
  const bytes = Buffer.allocUnsafe(8 * values.length);
  // + 0 turns the negative zero, which has other bytes, into the positive one.
  for (let i = 0; i < values.length; i++) bytes.writeDoubleLE(Math.round(values[i]! * 1e8) / 1e8 + 0, 8 * i);
  return bytes;
}
