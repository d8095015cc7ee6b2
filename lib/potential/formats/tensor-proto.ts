/** Constants of a frozen graph: TensorProto to numbers (deep-potential.md 2.2). */
import { PotentialError } from '../../errors.js';
import { appendNumbers, corrupt, type Field, forEachField, type Range, text, varint } from './wire.js';

export type TensorKind = 'float16' | 'float32' | 'float64' | 'int32' | 'int64' | 'bool' | 'string';

export interface Tensor {
  readonly kind: TensorKind;
  readonly shape: readonly number[];
  /** Row-major; empty for strings. */
  readonly values: Float64Array;
  readonly strings: readonly string[];
}

const kinds: Record<number, TensorKind> = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  7: 'string',
  9: 'int64',
  10: 'bool',
  19: 'float16',
};
const bytesPerValue: Record<TensorKind, number> = { float16: 2, float32: 4, float64: 8, int32: 4, int64: 8, bool: 1, string: 0 };

/**
 * A repeated last element is expanded up to this many values (128 MB): far more than any network has, and a bound on what a
 * damaged shape can make us allocate. Values that stand in the file are bounded by the file.
 */
const maxFilledValues = 1 << 24;

export function decodeTensor(range: Range, name: string): Tensor {
  const what = `tensor "${name}"`;
  let dtype = 0;
  let shape: number[] | null = null;
  let content: Field | null = null;
  const numbers: Field[] = [];
  const strings: string[] = [];
  forEachField(range, what, (field) => {
    if (field.number === 1) dtype = varint(field);
    else if (field.number === 2) shape = decodeShape(field, what);
    else if (field.number === 4) content = field;
    else if (field.number === 8) strings.push(text(field));
    else if (field.number >= 5 && field.number <= 13) numbers.push(field);
  });
  const kind = kinds[dtype];
  if (!kind)
    throw new PotentialError('MODEL_UNSUPPORTED', `${what}: data type number ${dtype} is not one that ionclay reads`, {
      offset: range.start,
    });
  const dims: number[] = shape ?? [];
  let count = 1;
  for (const dim of dims) {
    if (dim < 0) throw corrupt(`${what}: a dimension of ${dim}`, range.start);
    count *= dim;
  }
  if (kind === 'string')
    return { kind, shape: dims, values: new Float64Array(0), strings: count === 0 ? [] : strings.length > 0 ? strings : [''] };
  const raw = content as Field | null;
  const values =
    raw && raw.end > raw.start ? fromContent(raw, kind, count, what) : fromLists(numbers, kind, count, what, range.start);
  return { kind, shape: dims, values, strings: [] };
}

function decodeShape(range: Range, what: string): number[] {
  const dims: number[] = [];
  forEachField(range, `${what}, shape`, (dim) => {
    if (dim.number !== 2) return;
    let size = 0;
    forEachField(dim, `${what}, shape`, (field) => {
      if (field.number === 1) size = varint(field);
    });
    dims.push(size);
  });
  return dims;
}

function fromContent(field: Field, kind: TensorKind, count: number, what: string): Float64Array {
  const size = bytesPerValue[kind];
  const length = field.end - field.start;
  if (length !== count * size) throw corrupt(`${what}: ${length} bytes for ${count} values of ${kind}`, field.start);
  const bytes = new DataView(field.data.buffer, field.data.byteOffset + field.start, length);
  const out = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    if (kind === 'float64') out[k] = bytes.getFloat64(8 * k, true);
    else if (kind === 'float32') out[k] = bytes.getFloat32(4 * k, true);
    else if (kind === 'float16') out[k] = halfToNumber(bytes.getUint16(2 * k, true));
    else if (kind === 'int32') out[k] = bytes.getInt32(4 * k, true);
    else if (kind === 'int64') out[k] = Number(bytes.getBigInt64(8 * k, true));
    else out[k] = bytes.getUint8(k);
  }
  return out;
}

/** Field numbers of the typed lists. */
const listField: Record<TensorKind, number> = { float32: 5, float64: 6, int32: 7, string: 8, int64: 10, bool: 11, float16: 13 };

/** The last element fills the rest; no element at all means zeros. */
function fromLists(fields: Field[], kind: TensorKind, count: number, what: string, offset: number): Float64Array {
  const listed: number[] = [];
  for (const field of fields) {
    if (field.number !== listField[kind]) continue;
    appendNumbers(field, kind === 'float32' || kind === 'float64' ? kind : 'varint', listed, what);
  }
  if (count === 0) return new Float64Array(0);
  if (listed.length > count) throw corrupt(`${what}: ${listed.length} values for a shape of ${count}`, offset);
  if (count > listed.length && count > maxFilledValues)
    throw corrupt(`${what}: a shape of ${count} values with ${listed.length} stored`, offset);
  const out = new Float64Array(count);
  const last = listed.at(-1) ?? 0;
  for (let k = 0; k < count; k++) {
    const value = k < listed.length ? listed[k]! : last;
    out[k] = kind === 'float16' ? halfToNumber(value) : value;
  }
  return out;
}

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
