/**
 * Bounded reading of protobuf messages: a message is a range of the file, its fields are walked one by one, and every length is
 * checked against the range before anything is touched. Nothing is allocated from a count that the file states.
 */
import { Reader } from 'protobufjs/minimal';
import { PotentialError } from '../../errors.js';

/** Part of a file: `data` is the whole file, so that offsets in messages are offsets in the file. */
export interface Range {
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export type WireType = 0 | 1 | 2 | 5;

/** One field: for wire type 2 the range of its bytes, else the range of the encoded number. */
export interface Field extends Range {
  readonly number: number;
  readonly wire: WireType;
}

export function corrupt(message: string, offset: number, details: Record<string, unknown> = {}): PotentialError {
  return new PotentialError('MODEL_CORRUPT', `${message} (byte ${offset})`, {
    hint: 'the file is damaged or is not a frozen TensorFlow graph: copy it again and compare its SHA-256 with that of the source',
    offset,
    ...details,
  });
}

export function truncated(message: string, offset: number, size: number): PotentialError {
  return new PotentialError('MODEL_TRUNCATED', `${message}: byte ${offset} is needed, the file ends at byte ${size}`, {
    hint: 'the file is cut off or damaged: copy it again and compare its size and SHA-256 with those of the source',
    offset,
  });
}

/** Calls `visit` for every field of a message (deep-potential.md 2.2). */
export function forEachField(range: Range, what: string, visit: (field: Field) => void): void {
  const reader = Reader.create(range.data);
  reader.pos = range.start;
  reader.len = range.end;
  while (reader.pos < range.end) {
    const at = reader.pos;
    let tag: number;
    try {
      tag = reader.uint32();
    } catch {
      throw corrupt(`${what}: a field key does not end`, at);
    }
    const number = tag >>> 3;
    const wire = tag & 7;
    if (number === 0) throw corrupt(`${what}: field number 0`, at);
    let start = reader.pos;
    let end: number;
    if (wire === 0) {
      end = start;
      while (end < range.end && range.data[end]! >= 128 && end - start < 10) end++;
      end++;
      if (end - start > 10) throw corrupt(`${what}: a number of more than 10 bytes`, start);
    } else if (wire === 1) end = start + 8;
    else if (wire === 5) end = start + 4;
    else if (wire === 2) {
      let length: number;
      try {
        length = reader.uint32();
      } catch {
        throw corrupt(`${what}: a length does not end`, start);
      }
      start = reader.pos;
      end = start + length;
    } else throw corrupt(`${what}: wire type ${wire} does not occur in graphs`, at);
    if (end > range.end) {
      if (end > range.data.length) throw truncated(`${what} is incomplete`, end, range.data.length);
      throw corrupt(`${what}: a field of ${end - start} bytes does not fit in its message`, start);
    }
    visit({ data: range.data, start, end, number, wire });
    reader.pos = end;
  }
}

const decoder = new TextDecoder('utf-8');

export function text(range: Range): string {
  return decoder.decode(range.data.subarray(range.start, range.end));
}

/** Signed value of a varint field: int32 and int64 are two's complement of 64 bits. */
export function varint(field: Range): number {
  let value = 0n;
  let shift = 0n;
  for (let k = field.start; k < field.end; k++) {
    value |= BigInt(field.data[k]! & 127) << shift;
    shift += 7n;
  }
  return Number(BigInt.asIntN(64, value));
}

function view(range: Range): DataView {
  return new DataView(range.data.buffer, range.data.byteOffset, range.data.byteLength);
}

export function float32(field: Range): number {
  return view(field).getFloat32(field.start, true);
}

/** Numbers of a repeated scalar field, packed (wire type 2) or single, appended to `out`. */
export function appendNumbers(field: Field, kind: 'float32' | 'float64' | 'varint', out: number[], what: string): void {
  if (kind === 'varint') {
    if (field.wire === 0) out.push(varint(field));
    else if (field.wire === 2) {
      let start = field.start;
      while (start < field.end) {
        let end = start;
        while (end < field.end && field.data[end]! >= 128) end++;
        if (end >= field.end || end - start >= 10) throw corrupt(`${what}: a packed number does not end`, start);
        out.push(varint({ data: field.data, start, end: end + 1 }));
        start = end + 1;
      }
    } else throw corrupt(`${what}: integers of wire type ${field.wire}`, field.start);
    return;
  }
  const size = kind === 'float32' ? 4 : 8;
  if (field.wire !== 2 && field.end - field.start !== size)
    throw corrupt(`${what}: ${kind} of wire type ${field.wire}`, field.start);
  if ((field.end - field.start) % size !== 0)
    throw corrupt(`${what}: packed ${kind} list of ${field.end - field.start} bytes`, field.start);
  const bytes = view(field);
  for (let k = field.start; k < field.end; k += size)
    out.push(size === 4 ? bytes.getFloat32(k, true) : bytes.getFloat64(k, true));
}
