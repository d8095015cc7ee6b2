/**
 * Writes the subset of HDF5 that hdf5.ts reads (deep-potential.md 2.4): superblock 0, one group, contiguous datasets of floats and a
 * text attribute of any length. Other programs open it with the usual library.
 */

export interface DatasetToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float64Array;
  /** Stored in four bytes; the values must be representable there. */
  readonly single: boolean;
}

const UNDEFINED = 0xffffffffffffffffn;
/** Of the tree node that holds the one leaf of the group: the default of the library. */
const INTERNAL_K = 16;
const padded = (size: number) => Math.ceil(size / 8) * 8;

/** Bytes written one after the other at known addresses. */
class Sink {
  private readonly chunks: Uint8Array[] = [];
  length = 0;

  add(bytes: Uint8Array): number {
    const at = this.length;
    this.chunks.push(bytes);
    this.length += bytes.length;
    const rest = padded(bytes.length) - bytes.length;
    if (rest > 0) {
      this.chunks.push(new Uint8Array(rest));
      this.length += rest;
    }
    return at;
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}

/** Little-endian fields into a block of known size. */
class Block {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(...values: number[]): this {
    for (const value of values) this.view.setUint8(this.at++, value);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) {
      this.view.setUint16(this.at, value, true);
      this.at += 2;
    }
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) {
      this.view.setUint32(this.at, value, true);
      this.at += 4;
    }
    return this;
  }

  u64(...values: (number | bigint)[]): this {
    for (const value of values) {
      this.view.setBigUint64(this.at, BigInt(value), true);
      this.at += 8;
    }
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  seek(at: number): this {
    this.at = at;
    return this;
  }
}

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** Object header of version 1. */
function objectHeader(messages: readonly Message[]): Uint8Array {
  const size = messages.reduce((sum, { body }) => sum + 8 + padded(body.length), 0);
  const block = new Block(16 + size).u8(1, 0).u16(messages.length).u32(1, size).u32(0);
  let at = 16;
  for (const { type, flags, body } of messages) {
    block.seek(at).u16(type, padded(body.length)).u8(flags, 0, 0, 0).raw(body);
    at += 8 + padded(body.length);
  }
  return block.bytes;
}

function dataspace(shape: readonly number[]): Uint8Array {
  return new Block(8 + 8 * shape.length).u8(1, shape.length, 0, 0, 0, 0, 0, 0).u64(...shape).bytes;
}

/** IEEE floats: sign, exponent and mantissa where the processor has them. */
function floatType(single: boolean): Uint8Array {
  const block = new Block(20).u8(0x11, 0x20, single ? 31 : 63, 0).u32(single ? 4 : 8);
  return single ? block.u16(0, 32).u8(23, 8, 0, 23).u32(127).bytes : block.u16(0, 64).u8(52, 11, 0, 52).u32(1023).bytes;
}

function contents({ values, single }: DatasetToWrite): Uint8Array {
  const out = new Uint8Array(values.length * (single ? 4 : 8));
  const view = new DataView(out.buffer);
  for (let k = 0; k < values.length; k++) {
    if (single) view.setFloat32(4 * k, values[k]!, true);
    else view.setFloat64(8 * k, values[k]!, true);
  }
  return out;
}

function datasetHeader(sink: Sink, dataset: DatasetToWrite): number {
  const data = contents(dataset);
  const address = data.length > 0 ? sink.add(data) : UNDEFINED;
  return sink.add(
    objectHeader([
      { type: 0x01, flags: 0, body: dataspace(dataset.shape) },
      { type: 0x03, flags: 1, body: floatType(dataset.single) },
      // Fill value: none is set, space is taken late, as the library does for contiguous data.
      { type: 0x05, flags: 1, body: new Block(8).u8(2, 2, 2, 1).u32(0).bytes },
      { type: 0x08, flags: 0, body: new Block(18).u8(3, 1).u64(address, data.length).bytes },
    ]),
  );
}

/** A text in a global heap, and the attribute message that names it. */
function textAttribute(sink: Sink, name: string, text: string): Message {
  const data = new TextEncoder().encode(text);
  // The collection holds the text and the rest as free space, and is never smaller than a page.
  const used = 16 + 16 + padded(data.length);
  const size = Math.max(4096, used + 16);
  const collection = new Block(size)
    .raw(new TextEncoder().encode('GCOL'))
    .u8(1, 0, 0, 0)
    .u64(size)
    .u16(1, 1)
    .u32(0)
    .u64(data.length)
    .raw(data)
    .seek(used)
    .u16(0, 0)
    .u32(0)
    .u64(size - used);
  const address = sink.add(collection.bytes);
  const label = new TextEncoder().encode(`${name}\0`);
  // Variable length, a text of UTF-8; its base type is one character.
  const type = new Block(16).u8(0x19, 1, 1, 0).u32(16).u8(0x13, 0x10, 0, 0).u32(1).bytes;
  const space = dataspace([]);
  const value = new Block(16).u32(data.length).u64(address).u32(1).bytes;
  const body = new Block(8 + padded(label.length) + padded(type.length) + padded(space.length) + value.length)
    .u8(1, 0)
    .u16(label.length, type.length, space.length)
    .raw(label)
    .seek(8 + padded(label.length))
    .raw(type)
    .raw(space)
    .raw(value).bytes;
  return { type: 0x0c, flags: 0, body };
}

/** An HDF5 file with the root attribute `json` and the datasets, whose names must differ. At most 65534 of them. */
export function writeHdf5(json: string, datasets: readonly DatasetToWrite[]): Uint8Array {
  const sink = new Sink();
  sink.add(new Uint8Array(96));
  const sorted = [...datasets].sort((a, b) => (a.name < b.name ? -1 : 1));
  // All links in one leaf, so its size is that of the file; the first eight bytes of the heap are the empty name.
  const leafK = Math.max(4, Math.ceil(sorted.length / 2));
  const headers = sorted.map((dataset) => datasetHeader(sink, dataset));
  const encoder = new TextEncoder();
  const names = sorted.map(({ name }) => encoder.encode(`${name}\0`));
  const heap = new Block(8 + names.reduce((sum, name) => sum + padded(name.length), 0) + 8);
  const leaf = new Block(8 + 40 * 2 * leafK).raw(encoder.encode('SNOD')).u8(1, 0).u16(sorted.length);
  let at = 8;
  let last = 0;
  names.forEach((name, k) => {
    heap.seek(at).raw(name);
    leaf.u64(at, headers[k]!).u32(0, 0).u64(0, 0);
    last = at;
    at += padded(name.length);
  });
  const heapData = sink.add(heap.bytes);
  // 1: no free block in the heap.
  const heapAt = sink.add(new Block(32).raw(encoder.encode('HEAP')).u8(0, 0, 0, 0).u64(heap.bytes.length, 1, heapData).bytes);
  const leafAt = sink.add(leaf.bytes);
  const node = new Block(24 + 8 * (2 * INTERNAL_K) + 8 * (2 * INTERNAL_K + 1))
    .raw(encoder.encode('TREE'))
    .u8(0, 0)
    .u16(sorted.length > 0 ? 1 : 0)
    .u64(UNDEFINED, UNDEFINED, 0, leafAt, last);
  const treeAt = sink.add(node.bytes);
  const attribute = textAttribute(sink, 'json', json);
  const rootAt = sink.add(objectHeader([{ type: 0x11, flags: 0, body: new Block(16).u64(treeAt, heapAt).bytes }, attribute]));
  const file = sink.bytes();
  const superblock = new Block(96)
    .u8(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)
    .u8(0, 0, 0, 0, 0, 8, 8, 0)
    .u16(leafK, INTERNAL_K)
    .u32(0)
    .u64(0, UNDEFINED, file.length, UNDEFINED)
    .u64(0, rootAt)
    .u32(1, 0)
    .u64(treeAt, heapAt);
  file.set(superblock.bytes, 0);
  return file;
}
