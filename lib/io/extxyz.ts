/** Extended XYZ, read (structures.md 7): frames from text or bytes. Files are streamed by extxyz-stream.ts, written by extxyz-format.ts. */
import type { Structure, Warning } from '../structure.js';
import { AtomTable } from './extxyz-atoms.js';
import type { VelocityUnit } from './extxyz-columns.js';
import { parseHeader, type TimeUnit } from './extxyz-header.js';
import {
  asBuffer,
  type Cursor,
  countLines,
  endOfLine,
  hasByteOrderMark,
  parseCount,
  skipBlankLines,
  truncated,
} from './extxyz-lines.js';
import { formatError } from './format-error.js';

export { type ExtxyzFormatOptions, formatExtxyz } from './extxyz-format.js';
export { virialOf } from './extxyz-header.js';

export interface ExtxyzOptions {
  /** Name for messages. */
  file?: string;
  /** Unit of the velocity columns; A/ps unless given. */
  velocityUnit?: VelocityUnit;
  /** Unit of `Time`; ps unless given. */
  timeUnit?: TimeUnit;
  /** Negate the vectors of a left-handed cell (same lattice, same positions) instead of refusing it. */
  fixHandedness?: boolean;
}

/**
 * All frames of a text. Throws `StructureError` (`E_XYZ_...`, `E_NUMBER`, `E_EMPTY`, `E_CELL_...`) with file and line.
 * Velocities come in A/fs, `info.time` in fs; see {@link parseHeader} for stress and virial.
 */
export function parseExtxyz(text: string | Uint8Array, options: ExtxyzOptions = {}): Structure[] {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : asBuffer(text);
  const frames: Structure[] = [];
  let cursor: Cursor = { offset: hasByteOrderMark(bytes) ? 3 : 0, line: 1 };
  for (;;) {
    cursor = skipBlankLines(bytes, cursor);
    if (cursor.offset >= bytes.length) break;
    const { structure, next } = parseFrame(bytes, cursor, options);
    frames.push(structure);
    cursor = next;
  }
  if (frames.length === 0) throw formatError('E_EMPTY', { file: options.file }, 'the file has no frame');
  return frames;
}

/** One frame that begins at `from`, and where the next line begins. */
export function parseFrame(bytes: Buffer, from: Cursor, options: ExtxyzOptions): { structure: Structure; next: Cursor } {
  const { file } = options;
  const countEnd = endOfLine(bytes, from.offset);
  const count = parseCount(bytes, from.offset, countEnd, { file, line: from.line });
  const commentStart = countEnd + 1;
  if (commentStart > bytes.length) throw truncated(file, from.line + 1, count, 0, 'comment line');
  const commentEnd = endOfLine(bytes, commentStart);
  const atomStart = commentEnd + 1;
  // An atom line needs two bytes at least, so a count that the file cannot hold is refused before anything is allocated.
  if (atomStart + 2 * count - 1 > bytes.length) {
    const present = countLines(bytes, atomStart);
    throw truncated(file, from.line + 2 + present, count, present, 'atom line');
  }
  const warnings: Warning[] = [];
  const place = { file, line: from.line + 1 };
  const comment = bytes.toString('utf8', commentStart, commentEnd).replace(/\r$/, '');
  const header = parseHeader(comment, place, options.timeUnit ?? 'ps', warnings);
  const table = new AtomTable(count, header, options);
  const next = table.read(bytes, { offset: atomStart, line: from.line + 2 });
  return { structure: table.finish(place, warnings), next };
}
