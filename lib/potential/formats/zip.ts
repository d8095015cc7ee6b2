/**
 * ZIP archives whose entries are stored, as PyTorch writes them: the central directory, with its 64-bit form, and entries of method 0.
 * Every offset and size is checked against the file before it is used, and the CRC of every entry that is read.
 */
import { PotentialError } from '../../errors.js';

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  /** Of the local header. */
  readonly offset: number;
}

const damaged = 'the file is cut off or damaged: copy it again and compare its size and SHA-256 with those of the source';

export class ZipArchive {
  private readonly view: DataView;
  private readonly entries: Map<string, Entry>;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const directory = this.findDirectory();
    this.entries = this.readDirectory(directory);
  }

  names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Bytes of an entry: a view of the file, no copy. */
  read(name: string): Uint8Array {
    const entry = this.entries.get(name);
    if (!entry)
      throw new PotentialError('MODEL_MISSING_TENSOR', `the archive has no entry "${name}"`, { key: name, hint: damaged });
    if (entry.flags & 1) throw this.unread(name, 'encrypted');
    if (entry.method !== 0 || entry.compressed !== entry.size) throw this.unread(name, `compressed (method ${entry.method})`);
    const header = entry.offset;
    if (header + 30 > this.bytes.length || this.view.getUint32(header, true) !== 0x04034b50)
      throw this.corrupt(`no local header of "${name}"`, header);
    const nameLength = this.view.getUint16(header + 26, true);
    const start = header + 30 + nameLength + this.view.getUint16(header + 28, true);
    if (start + entry.size > this.bytes.length) throw this.truncated(`entry "${name}" of ${entry.size} bytes`);
    if (this.text(header + 30, nameLength) !== name) throw this.corrupt(`the local header of "${name}" has another name`, header);
    const content = this.bytes.subarray(start, start + entry.size);
    const crc = crc32(content);
    if (crc !== entry.crc)
      throw this.corrupt(`entry "${name}" has CRC ${crc.toString(16)}, its directory says ${entry.crc.toString(16)}`, start);
    return content;
  }

  /** The end record lies at the end of the file, before a comment of at most 65535 bytes. */
  private findDirectory(): { offset: number; size: number; count: number } {
    const { view, bytes } = this;
    const last = bytes.length - 22;
    let end = -1;
    for (let at = last; at >= Math.max(0, last - 65535); at--) {
      if (view.getUint32(at, true) === 0x06054b50 && at + 22 + view.getUint16(at + 20, true) === bytes.length) {
        end = at;
        break;
      }
    }
    if (end < 0) throw this.truncated('a ZIP archive without its directory');
    let count = view.getUint16(end + 10, true);
    let size = view.getUint32(end + 12, true);
    let offset = view.getUint32(end + 16, true);
    let limit = end;
    if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
      const locator = end - 20;
      if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50)
        throw this.corrupt('the 64-bit end record of the archive is not announced', end);
      const record = this.u64(locator + 8);
      if (record + 56 > locator || view.getUint32(record, true) !== 0x06064b50)
        throw this.corrupt('the 64-bit end record of the archive is not where it should be', locator);
      count = this.u64(record + 32);
      size = this.u64(record + 40);
      offset = this.u64(record + 48);
      limit = record;
    }
    if (offset + size > limit) throw this.corrupt('the directory of the archive does not end before its end record', end);
    if (count * 46 > size) throw this.corrupt(`the directory of the archive is too short for ${count} entries`, end);
    return { offset, size, count };
  }

  private readDirectory(directory: { offset: number; size: number; count: number }): Map<string, Entry> {
    const { view } = this;
    const entries = new Map<string, Entry>();
    const end = directory.offset + directory.size;
    let at = directory.offset;
    for (let k = 0; k < directory.count; k++) {
      if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50)
        throw this.corrupt(`the directory of the archive has no entry ${k}`, at);
      const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
      const next = at + 46 + lengths[0] + lengths[1] + lengths[2];
      if (next > end) throw this.corrupt(`entry ${k} of the directory does not end in it`, at);
      const name = this.text(at + 46, lengths[0]);
      if (entries.has(name)) throw this.corrupt(`the archive has two entries "${name}"`, at);
      const wide = this.wideFields(at, at + 46 + lengths[0], lengths[1]);
      entries.set(name, {
        name,
        flags: view.getUint16(at + 8, true),
        method: view.getUint16(at + 10, true),
        crc: view.getUint32(at + 16, true),
        ...wide,
      });
      at = next;
    }
    return entries;
  }

  /** Sizes and offset of a directory entry; those that are all ones stand in its extra field 1, in this order, as 64-bit numbers. */
  private wideFields(at: number, extra: number, length: number): Pick<Entry, 'size' | 'compressed' | 'offset'> {
    const { view } = this;
    const values = [24, 20, 42].map((field) => view.getUint32(at + field, true)) as [number, number, number];
    if (values.includes(0xffffffff)) {
      let field = extra;
      while (field + 4 <= extra + length && view.getUint16(field, true) !== 1) field += 4 + view.getUint16(field + 2, true);
      const end = Math.min(extra + length, field + 4 + (field + 4 <= extra + length ? view.getUint16(field + 2, true) : 0));
      let source = field + 4;
      for (const [k, value] of values.entries()) {
        if (value !== 0xffffffff) continue;
        if (source + 8 > end) throw this.corrupt('an entry of the archive lacks its 64-bit sizes', at);
        values[k] = this.u64(source);
        source += 8;
      }
    }
    const [size, compressed, offset] = values;
    return { size, compressed, offset };
  }

  /** A 64-bit number that must be a place in, or a size of, this file. */
  private u64(at: number): number {
    const value = Number(this.view.getBigUint64(at, true));
    if (value > this.bytes.length) throw this.truncated(`an archive that points to byte ${value}`);
    return value;
  }

  private text(at: number, length: number): string {
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  private unread(name: string, how: string): PotentialError {
    return new PotentialError('MODEL_UNSUPPORTED', `the entry "${name}" of the archive is ${how}: PyTorch stores it as it is`, {
      key: name,
      word: 'zip',
      hint: 'give the file as dp freeze wrote it, not packed again',
    });
  }

  private corrupt(what: string, offset: number): PotentialError {
    return new PotentialError('MODEL_CORRUPT', `${what} (byte ${offset})`, { offset, hint: damaged });
  }

  private truncated(what: string): PotentialError {
    return new PotentialError('MODEL_TRUNCATED', `${what}: the file ends at byte ${this.bytes.length}`, {
      offset: this.bytes.length,
      hint: damaged,
    });
  }
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 of ISO 3309, as ZIP uses it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
