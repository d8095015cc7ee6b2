/** Lines of XYZ files as positions in bytes: nothing is turned into text before it is needed. */
import { formatError, type Place } from './format-error.js';

/** Where the next line begins. */
export interface Cursor {
  readonly offset: number;
  /** 1-based. */
  readonly line: number;
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const hasByteOrderMark = (bytes: Uint8Array) => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

export const NEWLINE = 10;
const isBlank = (byte: number) => byte === 32 || byte === 9 || byte === 13;

export function endOfLine(bytes: Buffer, offset: number): number {
  const end = bytes.indexOf(NEWLINE, offset);
  return end < 0 ? bytes.length : end;
}

export function skipBlankLines(bytes: Buffer, from: Cursor): Cursor {
  let { offset, line } = from;
  let start = offset;
  for (; offset < bytes.length; offset++) {
    const byte = bytes[offset]!;
    if (byte === NEWLINE) {
      line++;
      start = offset + 1;
    } else if (!isBlank(byte)) {
      return { offset: start, line };
    }
  }
  return { offset: bytes.length, line };
}

/** The number of atoms on a count line; throws `E_XYZ_COUNT`. */
export function parseCount(bytes: Buffer, start: number, end: number, place: Place): number {
  const text = bytes.toString('latin1', start, Math.min(end, start + 200)).trim();
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (!(count >= 1)) {
    throw formatError('E_XYZ_COUNT', place, 'a frame begins with its number of atoms, a positive integer', {
      text,
      hint: place.line === 1 ? undefined : 'does the frame before it have more atom lines than it announces?',
    });
  }
  return count;
}

/** The file ends before all lines of a frame are there. */
export function truncated(file: string | undefined, line: number, count: number, present: number, what: string) {
  return formatError(
    'E_XYZ_TRUNCATED',
    { file, line },
    `the file ends where ${an(what)} is expected: ${count} atoms announced, ${present} given`,
  );
}

const an = (what: string) => (what.startsWith('a') ? `an ${what}` : `a ${what}`);

/** Lines from `offset` on, blank lines at the end not counted. */
export function countLines(bytes: Buffer, offset: number): number {
  let lines = 0;
  let filled = 0;
  let blank = true;
  for (let p = offset; p < bytes.length; p++) {
    if (bytes[p] === NEWLINE) {
      lines++;
      if (!blank) filled = lines;
      blank = true;
    } else if (!isBlank(bytes[p]!)) {
      blank = false;
    }
  }
  return blank ? filled : lines + 1;
}
