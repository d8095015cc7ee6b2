/** Which frames of a file are wanted: `5`, `-1`, `a:b:c` (start, stop before, step), as in the `--frames` option. */
import { StructureError } from '../errors.js';

export interface FrameRange {
  /** First frame, 0-based; negative counts from the end. */
  readonly start?: number;
  /** The frame before which to stop; negative counts from the end. */
  readonly stop?: number;
  /** Positive. */
  readonly step?: number;
}

/** A number is that frame alone. */
export type FrameSelection = number | string | FrameRange;

export interface ResolvedRange {
  readonly start: number;
  /** Infinity where the end of the file decides. */
  readonly stop: number;
  readonly step: number;
  /** A single frame was asked for by number: that it does not exist is an error. */
  readonly single: boolean;
}

const fail = (selection: unknown) =>
  new StructureError('E_FRAME_SELECTION', `frames: "${String(selection)}" is no selection of frames`, {
    key: 'frames',
    hint: 'a frame number counted from 0 (-1 is the last), or start:stop:step such as 100:, ::10 or -50:',
  });

/** Start, stop and step as written; negative numbers are left to {@link resolveFrames}. */
export function parseFrameSelection(selection: FrameSelection | undefined): FrameRange & { single: boolean } {
  if (selection === undefined) return { single: false };
  if (typeof selection === 'object') return check({ ...selection, single: false }, JSON.stringify(selection));
  const parts = String(selection).trim().split(':');
  if (parts.length > 3 || parts.some((part) => !/^\s*(-?\d+)?\s*$/.test(part)) || (parts.length === 1 && parts[0] === ''))
    throw fail(selection);
  const [start, stop, step] = parts.map((part) => (part.trim() === '' ? undefined : Number(part)));
  if (parts.length === 1) return check({ start, stop: start === -1 ? undefined : start! + 1, step: 1, single: true }, selection);
  return check({ start, stop, step, single: false }, selection);
}

function check<T extends FrameRange>(range: T, shown: unknown): T {
  for (const value of [range.start, range.stop, range.step]) {
    if (value !== undefined && !Number.isSafeInteger(value)) throw fail(shown);
  }
  if (range.step !== undefined && range.step < 1) throw fail(shown);
  return range;
}

/** Whether the number of frames must be known before the first frame can be read. */
export function needsCount(range: FrameRange): boolean {
  return (range.start ?? 0) < 0 || (range.stop ?? 0) < 0;
}

/** @param count frames in the file, or undefined where no bound is negative and the file is only streamed */
export function resolveFrames(range: FrameRange & { single: boolean }, count: number | undefined, file?: string): ResolvedRange {
  const absolute = (value: number) => (value < 0 ? value + count! : value);
  let start = absolute(range.start ?? 0);
  if (range.single && count !== undefined && (start < 0 || start >= count)) throw noSuchFrame(range.start!, count, file);
  start = Math.max(0, start);
  const stop = Math.min(
    range.stop === undefined ? Number.POSITIVE_INFINITY : absolute(range.stop),
    count ?? Number.POSITIVE_INFINITY,
  );
  return { start, stop, step: range.step ?? 1, single: range.single };
}

export function noSuchFrame(frame: number, count: number, file?: string): StructureError {
  return new StructureError(
    'E_FRAME_SELECTION',
    `${file ? `${file}: ` : ''}frame ${frame} was asked for, the file has ${count} frame${count === 1 ? '' : 's'}`,
    {
      file,
      key: 'frames',
      hint: `frames are counted from 0: the last is ${count - 1}, or -1`,
    },
  );
}
