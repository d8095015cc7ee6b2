/** Extended XYZ files of any size: a reader that holds one frame, an index for random access, and a writer (structures.md 7.4). */
import { type FileHandle, open } from 'node:fs/promises';
import { StructureError } from '../errors.js';
import type { Structure } from '../structure.js';
import { type ExtxyzOptions, parseFrame } from './extxyz.js';
import { type ExtxyzFormatOptions, formatFrame } from './extxyz-format.js';
import { hasByteOrderMark, parseCount, skipBlankLines, truncated } from './extxyz-lines.js';
import { fileError } from './file-errors.js';
import { formatError } from './format-error.js';
import { type FrameSelection, needsCount, noSuchFrame, parseFrameSelection, resolveFrames } from './frame-selection.js';

export interface ExtxyzReaderOptions extends ExtxyzOptions {
  /** Largest frame in bytes of text, 1 GiB unless raised. */
  maxBytes?: number;
}

/** Where a frame lies in its file. */
interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly line: number;
}

const CHUNK = 1 << 22;
const NEWLINE = 10;
const GIB = 2 ** 30;

/** Reads frames one after the other or by number. Memory: one frame and the offsets of the frames seen so far. */
export class ExtxyzReader {
  private readonly extents: Extent[] = [];
  private complete = false;
  private readonly scanner: FrameScanner;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    size: number,
    private readonly options: ExtxyzReaderOptions,
  ) {
    this.scanner = new FrameScanner(handle, size, options);
  }

  static async open(path: string, options: ExtxyzReaderOptions = {}): Promise<ExtxyzReader> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const stat = await handle.stat();
      if (stat.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
      return new ExtxyzReader(path, handle, stat.size, { ...options, file: options.file ?? path });
    } catch (error) {
      await handle?.close();
      throw fileError(path, error);
    }
  }

  /** Number of frames; scans the rest of the file once. */
  async count(): Promise<number> {
    while (!this.complete) await this.advance();
    return this.extents.length;
  }

  /** Whether anything stands where frame `index` would begin, damaged or not; looks no further. */
  async hasFrame(index: number): Promise<boolean> {
    try {
      while (!this.complete && this.extents.length <= index) await this.advance();
    } catch {
      return true;
    }
    return this.extents.length > index;
  }

  /** The frame `index`, 0-based; negative counts from the end. */
  async frame(index: number): Promise<Structure> {
    const wanted = index < 0 ? index + (await this.count()) : index;
    while (!this.complete && this.extents.length <= wanted) {
      const bytes = await this.advance();
      if (bytes && this.extents.length === wanted + 1) return this.parse(bytes, this.extents[wanted]!);
    }
    const extent = this.extents[wanted];
    if (!extent) throw noSuchFrame(index, this.extents.length, this.options.file);
    const bytes = Buffer.allocUnsafe(extent.length);
    await readFully(this.handle, bytes, 0, extent.length, extent.offset);
    return this.parse(bytes, extent);
  }

  /** The selected frames in order. */
  async *frames(selection?: FrameSelection): AsyncGenerator<Structure> {
    const range = parseFrameSelection(selection);
    const count = needsCount(range) ? await this.count() : this.complete ? this.extents.length : undefined;
    const { start, stop, step, single } = resolveFrames(range, count, this.options.file);
    for (let index = start; index < stop; index += step) {
      if (this.complete && index >= this.extents.length && !(single && index === start)) return;
      let structure: Structure;
      try {
        structure = await this.frame(index);
      } catch (error) {
        // The end of a streamed file is only seen by asking for the frame after the last.
        if (!single && error instanceof StructureError && error.code === 'E_FRAME_SELECTION') return;
        throw error;
      }
      yield structure;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Finds the next frame; its bytes, or null at the end of the file. */
  private async advance(): Promise<Buffer | null> {
    const found = await this.scanner.next();
    if (!found) {
      this.complete = true;
      if (this.extents.length === 0) throw formatError('E_EMPTY', { file: this.options.file }, 'the file has no frame');
      return null;
    }
    this.extents.push({ offset: found.offset, length: found.bytes.length, line: found.line });
    return found.bytes;
  }

  private parse(bytes: Buffer, extent: Extent): Structure {
    return parseFrame(bytes, { offset: 0, line: extent.line }, this.options).structure;
  }
}

/** Cuts a file into frames by counting lines; nothing else of a frame is looked at. */
class FrameScanner {
  private buffer = Buffer.allocUnsafe(CHUNK);
  /** File offset of buffer[0], and how much of the buffer is valid. */
  private base = 0;
  private filled = 0;
  /** Next unread byte in the buffer, and its line. */
  private position = 0;
  private line = 1;

  constructor(
    private readonly handle: FileHandle,
    private readonly size: number,
    private readonly options: ExtxyzReaderOptions,
  ) {}

  /** The bytes are valid until the next call. */
  async next(): Promise<{ bytes: Buffer; offset: number; line: number } | null> {
    if (this.base + this.position === 0) {
      await this.fill();
      if (hasByteOrderMark(this.buffer)) this.position = 3;
    }
    for (;;) {
      const found = skipBlankLines(this.buffer.subarray(0, this.filled), { offset: this.position, line: this.line });
      if (found.offset < this.filled) {
        this.position = found.offset;
        this.line = found.line;
        break;
      }
      this.position = this.filled;
      this.line = found.line;
      if (!(await this.fill())) return null;
    }
    const place = { file: this.options.file, line: this.line };
    let newline = this.newlineFrom(0);
    // A count line is short: without a newline in this much it is none, and parseCount says so.
    while (newline < 0 && this.filled - this.position < 4096 && (await this.fill())) newline = this.newlineFrom(0);
    if (newline < 0) newline = Math.min(4096, this.filled - this.position);
    const atoms = parseCount(this.buffer, this.position, this.position + newline, place);
    const available = this.size - this.base - this.position;
    // Two bytes an atom line at least; the file may have grown since it was opened.
    if (2 * atoms > available && !(await this.isAllThere(atoms))) throw await this.truncation(atoms);
    let ended = false;
    for (let lines = 0; lines <= atoms && !ended; lines++) {
      let next = this.newlineFrom(newline + 1);
      while (next < 0) {
        const searched = this.filled - this.position;
        ended = !(await this.fill());
        next = ended ? searched : this.newlineFrom(Math.max(searched, newline + 1));
      }
      newline = next;
    }
    const end = Math.min(this.position + newline + 1, this.filled);
    const frame = { bytes: this.buffer.subarray(this.position, end), offset: this.base + this.position, line: this.line };
    this.position = end;
    this.line += atoms + 2;
    return frame;
  }

  /** The first newline at or after `from`, both counted from the unread position (which fill() moves); -1 where none is in the buffer. */
  private newlineFrom(from: number): number {
    const found = this.buffer.indexOf(NEWLINE, this.position + from);
    return found >= 0 && found < this.filled ? found - this.position : -1;
  }

  private async isAllThere(atoms: number): Promise<boolean> {
    const { size } = await this.handle.stat();
    return 2 * atoms <= size - this.base - this.position;
  }

  /** Reads on, keeping everything from `position`; false at the end of the file. */
  private async fill(): Promise<boolean> {
    const kept = this.filled - this.position;
    if (this.position > 0) {
      this.buffer.copyWithin(0, this.position, this.filled);
      this.base += this.position;
      this.position = 0;
      this.filled = kept;
    }
    if (this.filled === this.buffer.length) {
      const limit = this.options.maxBytes ?? GIB;
      if (this.buffer.length >= limit) {
        throw formatError('E_TOO_LARGE', { file: this.options.file, line: this.line }, `a frame is larger than ${limit} bytes`, {
          hint: 'is this an XYZ file? If it is, raise maxBytes',
        });
      }
      const larger = Buffer.allocUnsafe(Math.min(limit, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, this.filled);
      this.buffer = larger;
    }
    const { bytesRead } = await this.handle.read(
      this.buffer,
      this.filled,
      this.buffer.length - this.filled,
      this.base + this.filled,
    );
    this.filled += bytesRead;
    return bytesRead > 0;
  }

  /** The rest of the file is streamed to count its lines; it may be larger than memory. */
  private async truncation(atoms: number): Promise<StructureError> {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let offset = this.base + this.position;
    let lines = 0;
    let filledLines = 0;
    let blank = true;
    for (;;) {
      const { bytesRead } = await this.handle.read(chunk, 0, chunk.length, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
      for (let p = 0; p < bytesRead; p++) {
        const byte = chunk[p]!;
        if (byte === NEWLINE) {
          lines++;
          if (!blank) filledLines = lines;
          blank = true;
        } else if (byte !== 32 && byte !== 9 && byte !== 13) {
          blank = false;
        }
      }
    }
    const present = (blank ? filledLines : lines + 1) - 2;
    return present < 0
      ? truncated(this.options.file, this.line + 1, atoms, 0, 'comment line')
      : truncated(this.options.file, this.line + 2 + present, atoms, present, 'atom line');
  }
}

async function readFully(handle: FileHandle, buffer: Buffer, at: number, length: number, position: number): Promise<void> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, at + done, length - done, position + done);
    if (bytesRead === 0) throw new StructureError('E_XYZ_TRUNCATED', 'the file became shorter while it was read');
    done += bytesRead;
  }
}

/** Frames written one after the other; nothing of a frame stays in memory. */
export class ExtxyzWriter {
  private written = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly options: ExtxyzFormatOptions,
  ) {}

  /** `append` adds to an existing file; otherwise it is replaced. */
  static async open(path: string, options: ExtxyzFormatOptions & { append?: boolean } = {}): Promise<ExtxyzWriter> {
    try {
      return new ExtxyzWriter(path, await open(path, options.append ? 'a' : 'w'), options);
    } catch (error) {
      throw fileError(path, error, 'write');
    }
  }

  /** Frames written by this object. */
  get frames(): number {
    return this.written;
  }

  async write(structure: Structure): Promise<void> {
    try {
      for (const piece of formatFrame(structure, this.options)) await this.handle.writeFile(piece);
    } catch (error) {
      throw fileError(this.path, error, 'write');
    }
    this.written++;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
