// Plain data (objects, arrays, typed arrays, numbers, strings, booleans, null) as a file that native/test/tree_file.hpp reads: words of 8 bytes,
// little-endian, a head of kind + 16 * count and then what belongs to it.
import { closeSync, openSync, writeSync } from 'node:fs';

const KINDS = { null: 0, boolean: 1, number: 2, string: 3, Float64Array: 4, Int32Array: 5, Uint8Array: 6, list: 7, map: 8 };

function* pieces(value) {
  const head = (kind, count) => new Uint8Array(BigUint64Array.of(BigInt(KINDS[kind]) + 16n * BigInt(count)).buffer);
  if (value === null || value === undefined) {
    yield head('null', 0);
  } else if (typeof value === 'boolean') {
    yield head('boolean', value ? 1 : 0);
  } else if (typeof value === 'number') {
    yield head('number', 1);
    yield new Uint8Array(Float64Array.of(value).buffer);
  } else if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value);
    yield head('string', bytes.length);
    yield* padded(bytes);
  } else if (ArrayBuffer.isView(value)) {
    const kind = value.constructor.name === 'Buffer' ? 'Uint8Array' : value.constructor.name;
    if (!(kind in KINDS)) throw new Error(`a ${kind} has no place in such a file`);
    yield head(kind, value.length);
    yield* padded(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (Array.isArray(value)) {
    yield head('list', value.length);
    for (const item of value) yield* pieces(item);
  } else {
    const entries = Object.entries(value);
    yield head('map', entries.length);
    for (const [key, item] of entries) {
      yield* pieces(key);
      yield* pieces(item);
    }
  }
}

function* padded(bytes) {
  yield bytes;
  if (bytes.length % 8 > 0) yield new Uint8Array(8 - (bytes.length % 8));
}

export function writeTree(path, value) {
  const file = openSync(path, 'w');
  try {
    for (const piece of pieces(value)) for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
  } finally {
    closeSync(file);
  }
}
