/** Classic NetCDF on disk: the header of an open file, and how many complete records follow it. */
import type { FileHandle } from 'node:fs/promises';
import { formatError } from './format-error.js';
import { type Header, HeaderIncomplete, parseHeader } from './netcdf-classic.js';

/** Reads as much of the file as its header needs. */
export async function readHeader(handle: FileHandle, file: string): Promise<{ header: Header; size: number }> {
  const { size } = await handle.stat();
  if (size === 0) throw formatError('E_EMPTY', { file }, 'the file is empty');
  for (let length = Math.min(size, 1 << 16); ; length = Math.min(size, 4 * length)) {
    const bytes = Buffer.allocUnsafe(length);
    await readFully(handle, bytes, 0, file);
    try {
      return { header: parseHeader(bytes, file), size };
    } catch (error) {
      if (!(error instanceof HeaderIncomplete)) throw error;
      if (length === size) throw formatError('E_NC_TRUNCATED', { file }, 'the file ends inside its header');
    }
  }
}

export async function readFully(handle: FileHandle, bytes: Buffer, position: number, file: string): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw formatError('E_NC_TRUNCATED', { file }, 'the file became shorter while it was read');
    done += bytesRead;
  }
}

/** Complete frames in the file; throws `E_NC_TRUNCATED` where the header promises more. */
export function countFrames(header: Header, size: number, file: string, allowPartial: boolean): number {
  const complete = Math.max(0, Math.floor((size - header.firstRecord) / header.recordBytes));
  if (header.records === null) return complete;
  if (complete >= header.records) return header.records;
  if (allowPartial) return complete;
  throw formatError(
    'E_NC_TRUNCATED',
    { file },
    `the file is cut short: ${header.records} frames announced, ${complete} complete`,
    {
      hint: 'the complete frames can be read: --allow-partial, or allowPartial: true in the library',
      complete,
    },
  );
}
