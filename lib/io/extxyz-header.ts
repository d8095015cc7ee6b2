/** What the special keys of an extended XYZ frame mean: cell, periodicity, energies, stress and virial, time (structures.md 7.3). */
import { determinant, type Vec3 } from '../cell.js';
import type { JsonValue, Structure, Warning } from '../structure.js';
import { type Column, PLAIN_COLUMNS, parseProperties } from './extxyz-columns.js';
import { type CommentEntry, looksExtended, parseComment } from './extxyz-comment.js';
import { formatError, type Place } from './format-error.js';
import { realFromText } from './number-text.js';

export interface FrameHeader {
  readonly cell: Float64Array | null;
  readonly pbc: [boolean, boolean, boolean];
  readonly origin: Vec3;
  readonly columns: readonly Column[];
  /** Plain XYZ: further columns of an atom line are ignored, and an atomic number may stand for the symbol. */
  readonly plain: boolean;
  /** Null prototype, so that no key of a file can reach Object.prototype. */
  readonly info: Record<string, JsonValue>;
}

/** Unit of `Time` in the file. */
export type TimeUnit = 'ps' | 'fs';

/** Keys that the frame itself uses; they never stand in `info`. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['Lattice', 'Properties', 'pbc', 'Origin', 'Time', 'virials']);

/**
 * Reads the comment line. `info.energy` and `info.free_energy` in eV, `info.stress` nine numbers in eV/A^3 (tension positive),
 * `info.virial` nine numbers in eV (virial = -V stress), `info.time` in fs, `info.step` an integer.
 */
export function parseHeader(comment: string, place: Place, timeUnit: TimeUnit, warnings: Warning[]): FrameHeader {
  const info: Record<string, JsonValue> = Object.create(null);
  const entries = looksExtended(comment) ? parseComment(comment, place, warnings) : new Map<string, CommentEntry>();
  if (!entries.has('Properties') && !entries.has('Lattice')) {
    if (comment.trim() !== '') info.comment = comment.trim();
    return { cell: null, pbc: [false, false, false], origin: [0, 0, 0], columns: PLAIN_COLUMNS, plain: true, info };
  }
  const take = (key: string) => {
    const entry = entries.get(key);
    entries.delete(key);
    return entry;
  };
  const properties = take('Properties');
  const columns = properties ? parseProperties(properties.text, place) : PLAIN_COLUMNS;
  const lattice = take('Lattice');
  const cell = lattice ? parseLattice(lattice, place, warnings) : null;
  const pbc = parsePbc(take('pbc'), cell !== null, place);
  const origin = take('Origin');
  const originNumbers = origin ? numbers(origin.value) : [0, 0, 0];
  if (originNumbers?.length !== 3)
    throw formatError('E_XYZ_LATTICE', place, 'Origin must be three numbers', { text: origin!.text });

  for (const key of ['energy', 'free_energy']) {
    const entry = take(key);
    if (!entry) continue;
    if (typeof entry.value !== 'number')
      throw formatError('E_NUMBER', place, `${key} must be a finite number in eV`, { text: entry.text, key });
    info[key] = entry.value;
  }
  const stress = take('stress');
  if (stress) info.stress = parseTensor('stress', stress, place, warnings, 1e-6);
  const either = (first: string, second: string) => {
    const [a, b] = [take(first), take(second)];
    if (a && b)
      warnings.push({
        code: 'W_XYZ_DUPLICATE_KEY',
        message: `"${first}" and "${second}" both stand here, "${first}" is used`,
        line: place.line,
      });
    return a ?? b;
  };
  const virial = either('virial', 'virials');
  if (virial) info.virial = parseTensor('virial', virial, place, warnings, 1e-3);
  if (info.stress && info.virial && cell) checkAgreement(info.stress as number[], info.virial as number[], cell, place);

  const time = either('Time', 'time');
  if (time) {
    const value = realFromText(time.text.trim(), timeUnit === 'ps' ? 3 : 0);
    if (value === undefined || !Number.isFinite(value)) {
      throw formatError('E_NUMBER', place, `Time must be a finite number in ${timeUnit}`, { text: time.text, key: 'Time' });
    }
    info.time = value;
  }
  const step = take('step');
  if (step) {
    if (!Number.isInteger(step.value))
      throw formatError('E_NUMBER', place, 'step must be an integer', { text: step.text, key: 'step' });
    info.step = step.value;
  }
  for (const [key, entry] of entries) info[key] = entry.value;
  return { cell, pbc, origin: originNumbers as Vec3, columns, plain: false, info };
}

/** All numbers of a value or of its rows; undefined where something else stands among them. */
function numbers(value: JsonValue): number[] | undefined {
  const flat = Array.isArray(value) ? (value as JsonValue[]).flat() : [value];
  return flat.every((x) => typeof x === 'number' && Number.isFinite(x)) ? (flat as number[]) : undefined;
}

function parseLattice(entry: CommentEntry, place: Place, warnings: Warning[]): Float64Array {
  const list = numbers(entry.value);
  const rows = Array.isArray(entry.value) && Array.isArray(entry.value[0]) ? (entry.value as JsonValue[][]) : null;
  const wrongRows = rows && (rows.length !== 3 || rows.some((row) => row.length !== 3));
  if (list?.length === 3 && !rows) {
    warnings.push({
      code: 'W_XYZ_LATTICE_DIAGONAL',
      message: 'three numbers in Lattice are taken as the edges of an orthogonal cell',
      line: place.line,
    });
    return Float64Array.of(list[0]!, 0, 0, 0, list[1]!, 0, 0, 0, list[2]!);
  }
  if (list?.length !== 9 || wrongRows) {
    throw formatError('E_XYZ_LATTICE', place, 'Lattice must be nine numbers, the vectors a, b, c in A', {
      text: entry.text,
      hint: 'Lattice="ax ay az bx by bz cx cy cz"',
    });
  }
  return Float64Array.from(list);
}

function parsePbc(entry: CommentEntry | undefined, hasCell: boolean, place: Place): [boolean, boolean, boolean] {
  if (!entry) return [hasCell, hasCell, hasCell];
  const list = entry.value;
  if (!Array.isArray(list) || list.length !== 3 || list.some((x) => typeof x !== 'boolean')) {
    throw formatError('E_XYZ_LATTICE', place, 'pbc must be three logicals', {
      text: entry.text,
      hint: 'for example pbc="T T F"',
    });
  }
  return list as [boolean, boolean, boolean];
}

/** Nine numbers row by row, or six in the order xx yy zz yz xz xy. */
function parseTensor(name: string, entry: CommentEntry, place: Place, warnings: Warning[], asymmetry: number): number[] {
  const list = numbers(entry.value);
  if (list?.length === 6) {
    const [xx, yy, zz, yz, xz, xy] = list as [number, number, number, number, number, number];
    return [xx, xy, xz, xy, yy, yz, xz, yz, zz];
  }
  if (list?.length !== 9) {
    throw formatError('E_NUMBER', place, `${name} must be nine numbers, or six in the order xx yy zz yz xz xy`, {
      text: entry.text,
      key: name,
    });
  }
  const largest = Math.max(...list.map(Math.abs));
  const difference = Math.max(Math.abs(list[1]! - list[3]!), Math.abs(list[2]! - list[6]!), Math.abs(list[5]! - list[7]!));
  if (difference > asymmetry * largest) {
    warnings.push({
      code: 'W_XYZ_ASYMMETRIC',
      message: `${name} is not symmetric (relative difference ${(difference / largest).toPrecision(2)}): it is read row by row, old files may have it column by column`,
      line: place.line,
    });
  }
  return list;
}

function checkAgreement(stress: number[], virial: number[], cell: Float64Array, place: Place): void {
  const volume = Math.abs(determinant(cell));
  const largest = Math.max(...virial.map(Math.abs), ...stress.map((x) => Math.abs(x) * volume));
  const difference = Math.max(...virial.map((w, i) => Math.abs(w + volume * stress[i]!)));
  if (difference > 1e-4 * largest) {
    throw formatError(
      'E_XYZ_CONFLICT',
      place,
      `stress and virial disagree: virial must be -V stress, V = ${volume.toPrecision(8)} A^3`,
      {
        hint: 'stress is in eV/A^3 and positive in tension, virial in eV; remove the one with the other convention',
        volume,
      },
    );
  }
}

/** Virial in eV (nine numbers, row by row): the file's own, else -V stress; null where neither stands in `info`. */
export function virialOf(structure: Pick<Structure, 'info' | 'cell'>): number[] | null {
  const { virial, stress } = structure.info;
  if (Array.isArray(virial)) return virial as number[];
  if (!Array.isArray(stress) || !structure.cell) return null;
  const volume = Math.abs(determinant(structure.cell));
  return (stress as number[]).map((x) => -volume * x || 0);
}
