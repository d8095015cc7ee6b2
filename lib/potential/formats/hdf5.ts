/**
 * The subset of HDF5 that native model files use (deep-potential.md 2.4): superblock 0, symbol-table groups, contiguous or compact
 * datasets of numbers, and one variable-length text attribute. Every address is checked before it is followed.
 */
import { PotentialError } from '../../errors.js';

export interface Hdf5Dataset {
  readonly kind: 'float16' | 'float32' | 'float64' | 'integer';
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

interface Message {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

const undefinedAddress = 0xffffffffffffffffn;

export class Hdf5File {
  private readonly view: DataView;
  private readonly root: { header: number; tree: number; heap: number };
  private readonly links: Map<string, number>;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const version = this.u8(8);
    if (version !== 0) {
      throw new PotentialError(
        'MODEL_UNSUPPORTED',
        `HDF5 superblock ${version}: only files of superblock version 0, which DeePMD-kit writes, are read`,
        {
          hint: 'write the model again with h5py defaults (libver="earliest"), or convert it to .yaml',
          offset: 8,
        },
      );
    }
    if (this.u8(13) !== 8 || this.u8(14) !== 8) throw this.corrupt('sizes of offsets and lengths other than 8', 13);
    const header = this.address(64);
    let tree = 0;
    let heap = 0;
    if (this.u32(72) === 1) {
      tree = this.address(80);
      heap = this.address(88);
    } else {
      const table = this.messages(header).find((message) => message.type === 0x11);
      if (!table) throw this.corrupt('the root group has no symbol table', header);
      tree = this.address(table.start);
      heap = this.address(table.start + 8);
    }
    this.root = { header, tree, heap };
    this.links = this.readLinks();
  }

  /** Names of the objects in the root group. */
  names(): string[] {
    return [...this.links.keys()];
  }

  /** Text of an attribute of the root group. */
  rootAttribute(name: string): string | undefined {
    for (const message of this.messages(this.root.header)) {
      if (message.type !== 0x0c) continue;
      const attribute = this.readAttribute(message);
      if (attribute.name === name) return attribute.value();
    }
    return undefined;
  }

  /** A dataset of the root group; undefined where there is none of that name. A leading slash is ignored. */
  dataset(name: string): Hdf5Dataset | undefined {
    const header = this.links.get(name.replace(/^\//, ''));
    if (header === undefined) return undefined;
    let shape: number[] | null = null;
    let datatype: { kind: Hdf5Dataset['kind']; size: number; signed: boolean } | null = null;
    let layout: Message | null = null;
    for (const message of this.messages(header)) {
      if (message.type === 0x01) shape = this.readShape(message, name);
      else if (message.type === 0x03) datatype = this.readDatatype(message, name);
      else if (message.type === 0x08) layout = message;
      else if (message.type === 0x0b) throw this.corrupt(`dataset "${name}" is filtered (compressed)`, message.start);
    }
    if (!shape || !datatype || !layout)
      throw this.corrupt(`dataset "${name}" has no ${!shape ? 'dataspace' : !datatype ? 'datatype' : 'layout'}`, header);
    let count = 1;
    for (const n of shape) count *= n;
    // A dataset that was never written reads as zeros; it is bounded like the others, by the size of the file.
    if (count * datatype.size > this.bytes.length)
      throw this.corrupt(`dataset "${name}" of shape [${shape.join(', ')}] is larger than the file`, header);
    return { kind: datatype.kind, shape, values: this.readValues(layout, count, datatype, name) };
  }

  private readValues(
    layout: Message,
    count: number,
    type: { kind: Hdf5Dataset['kind']; size: number; signed: boolean },
    name: string,
  ): Float64Array {
    if (this.u8(layout.start) !== 3)
      throw this.corrupt(`dataset "${name}": layout version ${this.u8(layout.start)}`, layout.start);
    const layoutClass = this.u8(layout.start + 1);
    const out = new Float64Array(count);
    if (count === 0) return out;
    let start: number;
    let available: number;
    if (layoutClass === 1) {
      if (this.u64(layout.start + 2) === undefinedAddress) return out;
      start = this.address(layout.start + 2);
      available = Number(this.u64(layout.start + 10));
    } else if (layoutClass === 0) {
      start = layout.start + 4;
      available = this.view.getUint16(this.need(layout.start + 2, 2), true);
    } else throw this.corrupt(`dataset "${name}" is stored in chunks`, layout.start);
    if (available < count * type.size)
      throw this.corrupt(`dataset "${name}": ${available} bytes stored for ${count} values of ${type.size} bytes`, layout.start);
    this.need(start, count * type.size);
    for (let k = 0; k < count; k++) {
      const at = start + k * type.size;
      if (type.kind === 'float64') out[k] = this.view.getFloat64(at, true);
      else if (type.kind === 'float32') out[k] = this.view.getFloat32(at, true);
      else out[k] = this.integer(at, type.size, type.signed);
    }
    return out;
  }

  private integer(at: number, size: number, signed: boolean): number {
    if (size === 8) return Number(signed ? this.view.getBigInt64(at, true) : this.view.getBigUint64(at, true));
    if (size === 4) return signed ? this.view.getInt32(at, true) : this.view.getUint32(at, true);
    if (size === 2) return signed ? this.view.getInt16(at, true) : this.view.getUint16(at, true);
    return signed ? this.view.getInt8(at) : this.view.getUint8(at);
  }

  private readShape(message: Message, name: string): number[] {
    const version = this.u8(message.start);
    const rank = this.u8(message.start + 1);
    if (version !== 1 && version !== 2) throw this.corrupt(`dataset "${name}": dataspace version ${version}`, message.start);
    if (version === 2 && this.u8(message.start + 3) === 2) return [0];
    const first = message.start + (version === 1 ? 8 : 4);
    if (first + 8 * rank > message.end)
      throw this.corrupt(`dataset "${name}": ${rank} dimensions do not fit in their message`, message.start);
    return Array.from({ length: rank }, (_, k) => Number(this.u64(first + 8 * k)));
  }

  private readDatatype(message: Message, name: string): { kind: Hdf5Dataset['kind']; size: number; signed: boolean } {
    const kind = this.u8(message.start) & 15;
    const flags = this.u8(message.start + 1);
    const size = this.u32(message.start + 4);
    if ((flags & 1) === 1 && (kind === 0 || kind === 1)) throw this.corrupt(`dataset "${name}" is big-endian`, message.start);
    if (kind === 1 && (size === 4 || size === 8)) return { kind: size === 8 ? 'float64' : 'float32', size, signed: true };
    if (kind === 0 && [1, 2, 4, 8].includes(size)) return { kind: 'integer', size, signed: (flags & 8) !== 0 };
    throw new PotentialError(
      'MODEL_UNSUPPORTED',
      `dataset "${name}" is of datatype class ${kind} and ${size} bytes (float16 or bfloat16?)`,
      {
        hint: 'models of float32 or float64 are read',
        offset: message.start,
      },
    );
  }

  private readAttribute(message: Message): { name: string; value: () => string } {
    const version = this.u8(message.start);
    if (version !== 1 && version !== 3) throw this.corrupt(`attribute message version ${version}`, message.start);
    const sizes = [2, 4, 6].map((k) => this.view.getUint16(this.need(message.start + k, 2), true)) as [number, number, number];
    const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
    const nameAt = message.start + (version === 1 ? 8 : 9);
    const typeAt = nameAt + padded(sizes[0]);
    const dataAt = typeAt + padded(sizes[1]) + padded(sizes[2]);
    if (dataAt > message.end) throw this.corrupt('an attribute does not fit in its message', message.start);
    const name = this.text(nameAt, sizes[0]).replace(/\0.*$/s, '');
    return {
      name,
      value: () => {
        const kind = this.u8(typeAt) & 15;
        if (kind === 3) return this.text(dataAt, this.u32(typeAt + 4)).replace(/\0+$/, '');
        if (kind !== 9) throw this.corrupt(`attribute "${name}" is not a text`, typeAt);
        return this.fromGlobalHeap(this.address(dataAt + 4), this.u32(dataAt + 12), this.u32(dataAt), name);
      },
    };
  }

  private fromGlobalHeap(collection: number, index: number, length: number, name: string): string {
    this.signature(collection, 'GCOL');
    const end = collection + Number(this.u64(collection + 8));
    if (end > this.bytes.length) throw this.truncated(`attribute "${name}"`, end);
    let at = collection + 16;
    while (at + 16 <= end) {
      const object = this.view.getUint16(this.need(at, 2), true);
      const size = Number(this.u64(at + 8));
      if (object === index) {
        if (length > size || at + 16 + size > end)
          throw this.corrupt(`attribute "${name}": ${length} bytes in an object of ${size}`, at);
        return this.text(at + 16, length);
      }
      if (object === 0) break;
      at += 16 + Math.ceil(size / 8) * 8;
    }
    throw this.corrupt(`attribute "${name}": object ${index} is not in its heap`, collection);
  }

  /** Messages of an object header of version 1, continuations included. */
  private messages(header: number): Message[] {
    if (this.u8(header) !== 1) throw this.corrupt(`object header version ${this.u8(header)}`, header);
    const out: Message[] = [];
    const blocks: [start: number, size: number][] = [[header + 16, this.u32(header + 8)]];
    let left = this.view.getUint16(this.need(header + 2, 2), true);
    for (let b = 0; b < blocks.length && b < 1024; b++) {
      const [start, size] = blocks[b]!;
      const end = start + size;
      if (end > this.bytes.length) throw this.truncated('an object header', end);
      let at = start;
      while (at + 8 <= end && left > 0) {
        left--;
        const type = this.view.getUint16(this.need(at, 2), true);
        const length = this.view.getUint16(this.need(at + 2, 2), true);
        const body = at + 8;
        if (body + length > end) throw this.corrupt('a header message does not fit in its block', at);
        if (type === 0x10) blocks.push([this.address(body), Number(this.u64(body + 8))]);
        else out.push({ type, start: body, end: body + length });
        at = body + length;
      }
    }
    return out;
  }

  private readLinks(): Map<string, number> {
    const { tree, heap } = this.root;
    this.signature(heap, 'HEAP');
    const names = this.address(heap + 24);
    const namesEnd = names + Number(this.u64(heap + 8));
    const out = new Map<string, number>();
    const pending = [tree];
    const seen = new Set<number>();
    while (pending.length > 0) {
      const node = pending.pop()!;
      // Damaged links may lead in a circle.
      if (seen.has(node)) throw this.corrupt('the group refers to itself', node);
      seen.add(node);
      if (this.text(node, 4) === 'SNOD') {
        const count = this.view.getUint16(this.need(node + 6, 2), true);
        for (let k = 0; k < count; k++) {
          const entry = node + 8 + 40 * k;
          const at = names + Number(this.u64(entry));
          if (at >= namesEnd) throw this.corrupt('the name of an object lies outside the heap', entry);
          out.set(this.terminated(at, namesEnd), this.address(entry + 8));
        }
        continue;
      }
      this.signature(node, 'TREE');
      const used = this.view.getUint16(this.need(node + 6, 2), true);
      for (let k = 0; k < used; k++) pending.push(this.address(node + 24 + 8 + 16 * k));
    }
    return out;
  }

  private terminated(start: number, limit: number): string {
    let end = start;
    while (end < limit && end < this.bytes.length && this.bytes[end] !== 0) end++;
    return this.text(start, end - start);
  }

  private signature(at: number, expected: string): void {
    if (this.text(at, 4) !== expected) throw this.corrupt(`"${expected}" expected`, at);
  }

  private text(start: number, length: number): string {
    this.need(start, length);
    return new TextDecoder('utf-8').decode(this.bytes.subarray(start, start + length));
  }

  private u8(at: number): number {
    return this.view.getUint8(this.need(at, 1));
  }

  private u32(at: number): number {
    return this.view.getUint32(this.need(at, 4), true);
  }

  private u64(at: number): bigint {
    return this.view.getBigUint64(this.need(at, 8), true);
  }

  private address(at: number): number {
    const value = this.u64(at);
    if (value >= BigInt(this.bytes.length))
      throw this.truncated(
        `the address at byte ${at}`,
        value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value),
      );
    return Number(value);
  }

  private need(at: number, length: number): number {
    if (!(at >= 0 && at + length <= this.bytes.length)) throw this.truncated('HDF5 structure', at + length);
    return at;
  }

  private corrupt(message: string, offset: number): PotentialError {
    return new PotentialError('MODEL_CORRUPT', `HDF5: ${message} (byte ${offset})`, {
      hint: 'the file is damaged or not of the kind that DeePMD-kit writes: copy it again and compare its SHA-256 with that of the source',
      offset,
    });
  }

  private truncated(what: string, offset: number): PotentialError {
    return new PotentialError(
      'MODEL_TRUNCATED',
      `HDF5: ${what} leads to byte ${offset}, the file ends at byte ${this.bytes.length}`,
      {
        hint: 'the file is cut off or damaged: copy it again and compare its size and SHA-256 with those of the source',
        offset: Math.min(offset, this.bytes.length),
      },
    );
  }
}
