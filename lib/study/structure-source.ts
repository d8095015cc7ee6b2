/** The `structure:` block of a study: a path or a builder, resolved to the start structure. */
import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { crystal } from '../builders/crystal.js';
import { IonclayError, StudyError } from '../errors.js';
import { formatExtxyz } from '../io/extxyz.js';
import { readStructure } from '../io/read.js';
import type { Structure } from '../structure.js';
import type { Study } from './schema.js';

export interface BuiltStructure {
  readonly structure: Structure;
  /** SHA-256 of its exact text: atoms, cell, velocities, flags. */
  readonly sha256: string;
  /** What was asked for, as plain data, for structure.json. */
  readonly request: unknown;
  /** Absolute path, where it is a file. */
  readonly file: string | null;
}

/** Builds or reads the start structure; relative paths start at `directory`. */
export async function buildStructure(request: Study['structure'], directory: string): Promise<BuiltStructure> {
  if (typeof request === 'string') {
    const file = isAbsolute(request) ? request : join(directory, request);
    return built(await readHere(file), request, file);
  }
  const { crystal: block } = request;
  if (!block) {
    throw new StudyError('MISSING_KEY', 'structure: expected a path or a builder such as { crystal: { name: LiCl } }', {
      key: 'structure',
    });
  }
  const { 'allow-charged': allowCharged, ...options } = block;
  const structure = await crystal(
    { ...options, ...(allowCharged === undefined ? {} : { allowCharged }) },
    { key: 'structure.crystal', directory },
  );
  return built(structure, request, null);
}

async function readHere(file: string): Promise<Structure> {
  try {
    return await readStructure(file);
  } catch (error) {
    // The error points into the structure file; a missing file is a fault of the study's key.
    if (error instanceof IonclayError && error.code === 'E_FILE_NOT_FOUND') {
      throw new StudyError(error.code, `structure: ${error.message}`, {
        key: 'structure',
        hint: 'paths in a study are relative to the study file',
        cause: error,
      });
    }
    throw error;
  }
}

function built(structure: Structure, request: unknown, file: string | null): BuiltStructure {
  const sha256 = createHash('sha256').update(formatExtxyz(structure)).digest('hex');
  return { structure, sha256, request, file };
}
