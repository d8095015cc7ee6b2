/**
 * The checkpoint file (dynamics.md 14): named sections with a CRC32C each, typed arrays as raw little-endian numbers, all else as
 * JSON that keeps every double (also -0, infinities and NaN). Written beside the old file and renamed over it, so that at any
 * instant the file or its `.prev` is whole.
 *
 * Layout (little-endian): magic `IONCLAY\x1a`; u32 format version; u32 section count; u32 bytes of the table; u32 CRC32C of the table;
 * table; then the sections, each at a multiple of 8. Table entry: u16 name length, name (UTF-8), u8 kind, u64 offset, u64 bytes, u32 CRC32C.
 */
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type ErrorDetails, IonclayError } from '../errors.js';
import { crc32c } from './crc32c.js';
import type { CheckpointSections } from './engine.js';

export const CHECKPOINT_FORMAT_VERSION = 1;

const MAGIC = Buffer.from('IONCLAY\x1a', 'latin1');
const HEADER_BYTES = 24;
const ENTRY_BYTES = 23;

/** A checkpoint that cannot be written or read (`CHECKPOINT_...` codes). */
export class CheckpointError extends IonclayError {}

export interface CheckpointFile {
  readonly sections: CheckpointSections;
  /** The file that was read: the path itself or its `.prev`. */
  readonly source: string;
  /** Why the previous file was taken, where it was. */
  readonly warning?: string;
}

type Section = CheckpointSections[string];
type Kind = 0 | 1 | 2 | 3 | 4;

/** By the tag, not by instanceof: arrays may come from another realm (the native side, a worker). */
function kindOf(value: Section): Kind {
  const kinds: Record<string, Kind> = { Float64Array: 1, Int32Array: 2, Uint8Array: 3, Uint32Array: 4 };
  return kinds[Object.prototype.toString.call(value).slice(8, -1)] ?? 0;
}

/** Doubles that JSON cannot hold travel as `{ "$number": ... }`. */
const SPECIAL = '$number';

function encodeJson(name: string, value: Section): Buffer {
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (typeof item === 'number' && (!Number.isFinite(item) || Object.is(item, -0))) {
      return { [SPECIAL]: Object.is(item, -0) ? '-0' : String(item) };
    }
    if (ArrayBuffer.isView(item) || typeof item === 'bigint' || typeof item === 'function') {
      const where = key === '' ? name : `${name}: ${key}`;
      throw new CheckpointError('CHECKPOINT_SECTION', `${where} cannot be stored as JSON: give it a section of its own`, {
        key: name,
      });
    }
    return item;
  });
  if (text === undefined) throw new CheckpointError('CHECKPOINT_SECTION', `section ${name} is undefined`, { key: name });
  return Buffer.from(text, 'utf8');
}

function decodeJson(bytes: Buffer): Section {
  return JSON.parse(bytes.toString('utf8'), (_key, item: unknown) => {
    if (item && typeof item === 'object' && SPECIAL in item) return Number((item as Record<string, string>)[SPECIAL]);
    return item;
  });
}

/** Raw bytes of a typed array in little-endian order (a view where the machine is little-endian itself). */
function encodeArray(array: Float64Array | Int32Array | Uint8Array | Uint32Array): Buffer {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  if (endianness() === 'LE' || array.BYTES_PER_ELEMENT === 1) return bytes;
  const copy = Buffer.from(bytes);
  return array.BYTES_PER_ELEMENT === 8 ? copy.swap64() : copy.swap32();
}

function decodeArray(kind: Kind, bytes: Buffer): Section {
  const size = kind === 1 ? 8 : kind === 3 ? 1 : 4;
  if (bytes.length % size !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of elements`);
  const copy = new Uint8Array(bytes);
  if (endianness() === 'BE' && size > 1) size === 8 ? Buffer.from(copy.buffer).swap64() : Buffer.from(copy.buffer).swap32();
  if (kind === 1) return new Float64Array(copy.buffer);
  if (kind === 2) return new Int32Array(copy.buffer);
  return kind === 3 ? copy : new Uint32Array(copy.buffer);
}

/** The bytes of a checkpoint file. */
export function encodeCheckpoint(sections: CheckpointSections): Buffer {
  const entries = Object.entries(sections).map(([name, value]) => {
    const kind = kindOf(value);
    const bytes = kind === 0 ? encodeJson(name, value) : encodeArray(value as Float64Array);
    return { name: Buffer.from(name, 'utf8'), kind, bytes };
  });
  const tableBytes = entries.reduce((sum, entry) => sum + entry.name.length + ENTRY_BYTES, 0);
  let offset = align(HEADER_BYTES + tableBytes);
  const total = entries.reduce((sum, entry) => align(sum + entry.bytes.length), offset);
  const out = Buffer.alloc(total);
  let at = HEADER_BYTES;
  for (const { name, kind, bytes } of entries) {
    at = out.writeUInt16LE(name.length, at);
    at += name.copy(out, at);
    at = out.writeUInt8(kind, at);
    at = out.writeBigUInt64LE(BigInt(offset), at);
    at = out.writeBigUInt64LE(BigInt(bytes.length), at);
    at = out.writeUInt32LE(crc32c(bytes), at);
    bytes.copy(out, offset);
    offset = align(offset + bytes.length);
  }
  MAGIC.copy(out, 0);
  out.writeUInt32LE(CHECKPOINT_FORMAT_VERSION, 8);
  out.writeUInt32LE(entries.length, 12);
  out.writeUInt32LE(tableBytes, 16);
  out.writeUInt32LE(crc32c(out.subarray(HEADER_BYTES, HEADER_BYTES + tableBytes)), 20);
  return out;
}

const align = (n: number) => Math.ceil(n / 8) * 8;

/** Sections of the bytes of a file; throws `CHECKPOINT_NOT_ONE`, `_VERSION`, `_TRUNCATED` or `_CORRUPT` naming `file`. */
export function decodeCheckpoint(bytes: Buffer, file: string): CheckpointSections {
  const fail = (code: string, message: string, details: ErrorDetails = {}) =>
    new CheckpointError(code, `${file}: ${message}`, { file, ...details });
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) {
    if (bytes.length < HEADER_BYTES) throw fail('CHECKPOINT_TRUNCATED', `${bytes.length} bytes are too few for a checkpoint`);
    throw fail('CHECKPOINT_NOT_ONE', 'this is not a checkpoint of ionclay (the first eight bytes differ)');
  }
  const version = bytes.readUInt32LE(8);
  if (version !== CHECKPOINT_FORMAT_VERSION) {
    throw fail('CHECKPOINT_VERSION', `format version ${version}, this ionclay reads version ${CHECKPOINT_FORMAT_VERSION}`, {
      hint: 'finish the run with the version of ionclay that wrote it, or start the stage anew from its start structure',
    });
  }
  const count = bytes.readUInt32LE(12);
  const tableBytes = bytes.readUInt32LE(16);
  const tableEnd = HEADER_BYTES + tableBytes;
  if (tableEnd > bytes.length)
    throw fail('CHECKPOINT_TRUNCATED', `the section table ends beyond the file (${bytes.length} bytes)`);
  if (crc32c(bytes.subarray(HEADER_BYTES, tableEnd)) !== bytes.readUInt32LE(20)) {
    throw fail('CHECKPOINT_CORRUPT', 'the section table does not match its checksum');
  }
  const sections: CheckpointSections = {};
  let at = HEADER_BYTES;
  for (let k = 0; k < count; k++) {
    const nameLength = bytes.readUInt16LE(at);
    const name = bytes.toString('utf8', at + 2, at + 2 + nameLength);
    at += 2 + nameLength;
    const kind = bytes.readUInt8(at) as Kind;
    const offset = Number(bytes.readBigUInt64LE(at + 1));
    const length = Number(bytes.readBigUInt64LE(at + 9));
    const crc = bytes.readUInt32LE(at + 17);
    at += 21;
    if (offset + length > bytes.length) {
      throw fail('CHECKPOINT_TRUNCATED', `section ${name} ends at byte ${offset + length}, the file at ${bytes.length}`);
    }
    const content = bytes.subarray(offset, offset + length);
    if (crc32c(content) !== crc) throw fail('CHECKPOINT_CORRUPT', `section ${name} does not match its checksum`);
    sections[name] = kind === 0 ? decodeJson(content) : decodeArray(kind, content);
  }
  return sections;
}

/** Files that this process wrote or verified, with their modification times: only a whole file may become `.prev`. */
const verified = new Map<string, number>();

/**
 * Writes atomically: `path.tmp.<pid>`, fsync, `path` -> `path.prev`, tmp -> `path`, fsync of the directory. On failure the old
 * file stays and the error is `CHECKPOINT_WRITE`.
 */
export async function writeCheckpoint(path: string, sections: CheckpointSections): Promise<void> {
  const bytes = encodeCheckpoint(sections);
  const temporary = `${path}.tmp.${process.pid}`;
  try {
    await removeAbandoned(path);
    await writeSynced(temporary, bytes);
    if (await isWhole(path)) await rename(path, `${path}.prev`);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    verified.set(path, (await stat(path)).mtimeMs);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CheckpointError('CHECKPOINT_WRITE', `${path}: the checkpoint could not be written (${(cause as Error).message})`, {
      file: path,
      hint: 'the checkpoint before is untouched; free space or choose another directory',
      cause,
    });
  }
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'w', 0o644);
  try {
    await writeAll(handle, bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

/** A damaged file must not push a whole `.prev` away: it is overwritten instead. */
async function isWhole(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (!found) return false;
  if (verified.get(path) === found.mtimeMs) return true;
  try {
    decodeCheckpoint(await readFile(path), path);
    return true;
  } catch {
    return false;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Temporary files of processes that died while they wrote. */
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `${basename(path)}.tmp.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : 0;
    if (pid > 0 && pid !== process.pid && !alive(pid)) await rm(join(dirname(path), name), { force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const LOST = 'nothing can go on from a damaged checkpoint: take a copy of it, or begin again in another directory';

/**
 * Reads and verifies `path`; where it is missing, truncated or corrupt, its `.prev`, and says so in `warning`. A file of another
 * format version or one that is no checkpoint is an error at once: the one before would hide what happened.
 */
export async function readCheckpoint(path: string): Promise<CheckpointFile> {
  const first = await attempt(path);
  if ('sections' in first) return first;
  const { error } = first;
  if (error.code === 'CHECKPOINT_VERSION' || error.code === 'CHECKPOINT_NOT_ONE') throw error;
  const second = await attempt(`${path}.prev`);
  if ('sections' in second)
    return { ...second, warning: `${error.message}; the checkpoint before it (${second.source}) was taken instead` };
  if (second.error.code !== 'CHECKPOINT_MISSING') {
    throw new CheckpointError(error.code, `${error.message}; ${second.error.message}`, { file: path, cause: error, hint: LOST });
  }
  if (error.code === 'CHECKPOINT_MISSING') throw error;
  throw new CheckpointError(error.code, error.message, { file: path, cause: error, hint: LOST });
}

async function attempt(path: string): Promise<CheckpointFile | { error: CheckpointError }> {
  try {
    const bytes = await readFile(path);
    const sections = decodeCheckpoint(bytes, path);
    return { sections, source: path };
  } catch (cause) {
    if (cause instanceof CheckpointError) return { error: cause };
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const code = missing ? 'CHECKPOINT_MISSING' : 'CHECKPOINT_READ';
    const message = `${path}: ${missing ? 'no checkpoint here' : `cannot be read (${(cause as Error).message})`}`;
    return { error: new CheckpointError(code, message, { file: path, cause }) };
  }
}
