/**
 * Headers of NetCDF classic files: CDF-1 (32-bit offsets), CDF-2 (64-bit offsets), CDF-5 (64-bit everything). All big-endian
 * (structures.md 10; the layout is the "NetCDF Classic Format Specification" of Unidata).
 */
import { formatError } from './format-error.js';

export type CdfVersion = 1 | 2 | 5;

export const CHAR = 2;
export const FLOAT = 5;
export const DOUBLE = 6;

/** Bytes by type number: byte, char, short, int, float, double, and the unsigned and 64-bit ones of CDF-5. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8];

const TAG_DIMENSION = 0x0a;
const TAG_VARIABLE = 0x0b;
const TAG_ATTRIBUTE = 0x0c;
const STREAMING = 0xffffffff;
/** Longer headers than this are no trajectory's. */
const MAX_HEADER = 1 << 24;

export type Attribute = string | readonly number[];

export interface Dimension {
  readonly name: string;
  /** 0 is the unlimited dimension. */
  readonly length: number;
}

export interface Variable {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly type: number;
  /** Whether it has a value per record. */
  readonly record: boolean;
  /** Values per record, or in the whole variable. */
  readonly count: number;
  /** Bytes of these, not padded. */
  readonly bytes: number;
  /** File offset of the first record, or of the variable. */
  readonly begin: number;
}

export interface Header {
  readonly version: CdfVersion;
  /** Records, or null where the writer did not get to say (streaming). */
  readonly records: number | null;
  readonly dimensions: readonly Dimension[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly variables: readonly Variable[];
  readonly headerBytes: number;
  /** File offset of the first record. */
  readonly firstRecord: number;
  readonly recordBytes: number;
}

/** The bytes given end inside the header: read more. */
export class HeaderIncomplete extends Error {}

const pad4 = (n: number) => Math.ceil(n / 4) * 4;

/** Throws `E_NC_MAGIC`, `E_NC_HDF5`, `E_NC_LAYOUT`, and {@link HeaderIncomplete} where more bytes are needed. */
export function parseHeader(bytes: Buffer, file?: string): Header {
  if (bytes.length >= 4 && bytes[0] === 0x89 && bytes.toString('latin1', 1, 4) === 'HDF') {
    throw formatError('E_NC_HDF5', { file }, 'this is a NetCDF-4 (HDF5) file, only classic NetCDF is read', {
      hint: 'convert it: nccopy -k 64-bit-offset in.nc out.nc',
    });
  }
  const version = bytes[3];
  if (bytes.length < 4 || bytes.toString('latin1', 0, 3) !== 'CDF' || !(version === 1 || version === 2 || version === 5)) {
    throw formatError('E_NC_MAGIC', { file }, 'not a NetCDF file: it does not begin with CDF and 1, 2 or 5');
  }
  return new HeaderReader(bytes, version, file).read();
}

class HeaderReader {
  private position = 4;

  constructor(
    private readonly bytes: Buffer,
    private readonly version: CdfVersion,
    private readonly file: string | undefined,
  ) {}

  read(): Header {
    const numrecs = this.size();
    const dimensions = this.list(TAG_DIMENSION, () => ({ name: this.name(), length: this.size() }));
    const attributes = this.attributes();
    const variables = this.list(TAG_VARIABLE, () => this.variable(dimensions));
    const records = variables.filter((variable) => variable.record);
    // With a single record variable records follow each other without padding.
    const recordBytes =
      records.length === 1 ? records[0]!.bytes : records.reduce((sum, variable) => sum + pad4(variable.bytes), 0);
    const firstRecord = records.reduce((first, variable) => Math.min(first, variable.begin), Number.POSITIVE_INFINITY);
    for (const variable of variables) {
      const outside = variable.record && variable.begin - firstRecord + variable.bytes > recordBytes;
      if (variable.begin < this.position || outside) throw this.layout(`variable "${variable.name}" lies outside its place`);
    }
    return {
      version: this.version,
      records: numrecs === STREAMING || numrecs === 2 ** 64 ? null : numrecs,
      dimensions,
      attributes,
      variables,
      headerBytes: this.position,
      firstRecord: records.length > 0 ? firstRecord : this.position,
      recordBytes,
    };
  }

  private layout(message: string) {
    return formatError('E_NC_LAYOUT', { file: this.file }, message);
  }

  private need(count: number): number {
    const at = this.position;
    if (at + count > MAX_HEADER) throw this.layout('the header is not one of a trajectory (longer than 16 MiB)');
    if (at + count > this.bytes.length) throw new HeaderIncomplete();
    this.position += count;
    return at;
  }

  private uint32(): number {
    return this.bytes.readUInt32BE(this.need(4));
  }

  private uint64(): number {
    const at = this.need(8);
    return this.bytes.readUInt32BE(at) * 2 ** 32 + this.bytes.readUInt32BE(at + 4);
  }

  /** A count or length: 64 bits in CDF-5. */
  private size(): number {
    return this.version === 5 ? this.uint64() : this.uint32();
  }

  private name(): string {
    const length = this.size();
    const at = this.need(Math.min(pad4(length), MAX_HEADER));
    return this.bytes.toString('utf8', at, at + length);
  }

  private list<T>(tag: number, item: () => T): T[] {
    const found = this.uint32();
    const count = this.size();
    if (found === 0 && count === 0) return [];
    if (found !== tag) throw this.layout(`damaged header: expected list ${tag}, found ${found}`);
    const out: T[] = [];
    // Every item takes bytes of the header, so a wrong count ends there.
    for (let k = 0; k < count; k++) out.push(item());
    return out;
  }

  private attributes(): Map<string, Attribute> {
    return new Map(
      this.list(TAG_ATTRIBUTE, (): [string, Attribute] => {
        const name = this.name();
        const type = this.uint32();
        const size = TYPE_BYTES[type];
        if (!size) throw this.layout(`attribute "${name}" has the unknown type ${type}`);
        const count = this.size();
        const at = this.need(Math.min(pad4(count * size), MAX_HEADER));
        if (type === CHAR) return [name, this.bytes.toString('utf8', at, at + count)];
        return [name, Array.from({ length: count }, (_, k) => readValue(this.bytes, at + k * size, type))];
      }),
    );
  }

  private variable(dimensions: readonly Dimension[]): Variable {
    const name = this.name();
    const rank = this.size();
    const ids: number[] = [];
    for (let k = 0; k < rank; k++) ids.push(this.size());
    const attributes = this.attributes();
    const type = this.uint32();
    const size = TYPE_BYTES[type];
    if (!size) throw this.layout(`variable "${name}" has the unknown type ${type}`);
    // The stored size does not hold for large variables: it is computed from the dimensions.
    this.size();
    const begin = this.version === 1 ? this.uint32() : this.uint64();
    if (ids.some((id) => id >= dimensions.length)) throw this.layout(`variable "${name}" has a dimension that does not exist`);
    const record = ids.length > 0 && dimensions[ids[0]!]!.length === 0;
    const lengths = ids.slice(record ? 1 : 0).map((id) => dimensions[id]!.length);
    if (lengths.includes(0)) throw this.layout(`variable "${name}" has the unlimited dimension in a wrong place`);
    const count = lengths.reduce((product, length) => product * length, 1);
    if (!Number.isSafeInteger(count * size) || !Number.isSafeInteger(begin)) throw this.layout(`variable "${name}" is too large`);
    return { name, dimensions: ids, attributes, type, record, count, bytes: count * size, begin };
  }
}

/** One value of any type but char. */
export function readValue(bytes: Buffer, at: number, type: number): number {
  switch (type) {
    case 1:
      return bytes.readInt8(at);
    case 3:
      return bytes.readInt16BE(at);
    case 4:
      return bytes.readInt32BE(at);
    case FLOAT:
      return bytes.readFloatBE(at);
    case DOUBLE:
      return bytes.readDoubleBE(at);
    case 8:
      return bytes.readUInt16BE(at);
    case 9:
      return bytes.readUInt32BE(at);
    case 10:
      return Number(bytes.readBigInt64BE(at));
    case 11:
      return Number(bytes.readBigUInt64BE(at));
    default:
      return bytes[at]!;
  }
}

export interface VariablePlan {
  readonly name: string;
  /** Indices into the dimensions. */
  readonly dimensions: readonly number[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly type: number;
}

/** A CDF-2 header with no records. Fixed variables must come before the record variables. */
export function encodeHeader(
  dimensions: readonly Dimension[],
  attributes: Readonly<Record<string, string>>,
  variables: readonly VariablePlan[],
): Buffer {
  const encode = (begins: readonly number[]) => {
    const parts: Buffer[] = [Buffer.from('CDF\x02', 'latin1'), uint32(0)];
    parts.push(uint32(TAG_DIMENSION), uint32(dimensions.length));
    for (const dimension of dimensions) parts.push(text(dimension.name), uint32(dimension.length));
    parts.push(...encodeAttributes(attributes));
    parts.push(uint32(TAG_VARIABLE), uint32(variables.length));
    variables.forEach((variable, k) => {
      parts.push(text(variable.name), uint32(variable.dimensions.length), ...variable.dimensions.map(uint32));
      parts.push(...encodeAttributes(variable.attributes), uint32(variable.type));
      const size = pad4(bytesOf(variable, dimensions));
      parts.push(uint32(size > 0xfffffffc ? 0xffffffff : size), uint64(begins[k]!));
    });
    return Buffer.concat(parts);
  };
  const headerBytes = encode(variables.map(() => 0)).length;
  let at = headerBytes;
  const begins = variables.map((variable) => {
    const begin = at;
    at += pad4(bytesOf(variable, dimensions));
    return begin;
  });
  return encode(begins);
}

function bytesOf(variable: VariablePlan, dimensions: readonly Dimension[]): number {
  return variable.dimensions.reduce((product, id) => product * (dimensions[id]!.length || 1), TYPE_BYTES[variable.type]!);
}

function encodeAttributes(attributes: Readonly<Record<string, string>>): Buffer[] {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return [uint32(0), uint32(0)];
  return [
    uint32(TAG_ATTRIBUTE),
    uint32(entries.length),
    ...entries.flatMap(([name, value]) => [text(name), uint32(CHAR), text(value)]),
  ];
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function uint64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}

/** Length, bytes, zeros up to a multiple of four. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint32(bytes.length), bytes, Buffer.alloc(pad4(bytes.length) - bytes.length)]);
}
