/**
 * AMBER NetCDF trajectories, written (structures.md 10): create, append after reopening, cut back to a number of frames.
 * The bytes are a function of the frames and options alone, so a run that was interrupted ends with the same file.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { lengthsAndAngles } from '../cell.js';
import { StructureError } from '../errors.js';
import { EV_IN_KCAL_PER_MOL } from '../units.js';
import { VERSION } from '../version.js';
import { fileError } from './file-errors.js';
import { formatError } from './format-error.js';
import { acquireLock, type Lock } from './lock-file.js';
import { CHAR, type Dimension, DOUBLE, encodeHeader, FLOAT, type Header, type VariablePlan } from './netcdf-classic.js';
import { countFrames, readHeader } from './netcdf-file.js';

export interface AmberFrameInput {
  /** fs. */
  readonly time: number;
  readonly step: number;
  /** 3N, A, in the restricted frame, images added (x + nH). */
  readonly positions: ArrayLike<number>;
  /** 9, A, restricted form: a along x, b in the xy plane. Required where the file has a cell. */
  readonly cell?: ArrayLike<number> | null;
  /** 3N, A/fs, in the same frame. Required where the file has velocities. */
  readonly velocities?: ArrayLike<number>;
  /** 3N, eV/A. Required where the file has forces. */
  readonly forces?: ArrayLike<number>;
  /** eV. Required where the file has energies. */
  readonly energy?: number;
}

export interface AmberWriterOptions {
  atoms: number;
  /** Whether frames have a cell; true unless given. */
  cell?: boolean;
  /** Of coordinates, velocities and forces; single unless given. Times are exact either way. */
  precision?: 'single' | 'double';
  velocities?: boolean;
  forces?: boolean;
  energy?: boolean;
  /** Stands in the file; say what the coordinates are. */
  title?: string;
  /** Make every flush survive a power cut. */
  fsync?: boolean;
}

/** A variable of the record that this writer fills. */
interface Slot {
  readonly name: string;
  readonly type: number;
  readonly count: number;
  readonly offset: number;
}

/** Frames that wait for a flush, in bytes. */
const BUFFER = 1 << 22;

export class AmberNetcdfWriter {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private onDisk: number;
  private queue: Promise<void> = Promise.resolve();
  private closed = false;
  readonly atoms: number;
  private readonly slots: Slot[];

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly lock: Lock,
    private readonly header: Header,
    frames: number,
    private readonly fsync: boolean,
  ) {
    this.onDisk = frames;
    this.atoms = header.dimensions.find((dimension) => dimension.name === 'atom')!.length;
    this.slots = slotsOf(header, path);
  }

  /** A new file, or the old one replaced. Throws `E_LOCKED` where another writer has it. */
  static async create(path: string, options: AmberWriterOptions): Promise<AmberNetcdfWriter> {
    const bytes = headerOf(options);
    return AmberNetcdfWriter.opened(path, 'w+', async (handle, lock) => {
      await handle.write(bytes, 0, bytes.length, 0);
      const { header } = await readHeader(handle, path);
      return new AmberNetcdfWriter(path, handle, lock, header, 0, options.fsync ?? false);
    });
  }

  /**
   * Goes on in a file that this class wrote. With `frames` the file is cut back to that many first (a restart from a checkpoint);
   * what lies behind the last complete frame is dropped. Throws `E_NC_TRUNCATED` where fewer frames are there.
   */
  static async append(
    path: string,
    options: { frames?: number; atoms?: number; fsync?: boolean } = {},
  ): Promise<AmberNetcdfWriter> {
    return AmberNetcdfWriter.opened(path, 'r+', async (handle, lock) => {
      const { header, size } = await readHeader(handle, path);
      const present = countFrames(header, size, path, options.frames !== undefined);
      const frames = options.frames ?? present;
      if (!(Number.isSafeInteger(frames) && frames >= 0 && frames <= present)) {
        throw formatError('E_NC_TRUNCATED', { file: path }, `${frames} frames are to be kept, the file has ${present}`, {
          hint: 'the file is older than the checkpoint, or it was changed',
        });
      }
      const writer = new AmberNetcdfWriter(path, handle, lock, header, frames, options.fsync ?? false);
      if (options.atoms !== undefined && options.atoms !== writer.atoms) {
        throw formatError('E_NC_LAYOUT', { file: path }, `the file has ${writer.atoms} atoms, the run has ${options.atoms}`);
      }
      await writer.writeCount();
      await handle.truncate(header.firstRecord + frames * header.recordBytes);
      return writer;
    });
  }

  private static async opened(
    path: string,
    flags: string,
    make: (handle: FileHandle, lock: Lock) => Promise<AmberNetcdfWriter>,
  ): Promise<AmberNetcdfWriter> {
    const lock = acquireLock(`${path}.lock`, path);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, flags);
      return await make(handle, lock);
    } catch (error) {
      await handle?.close();
      lock.release();
      throw fileError(path, error, flags === 'r+' ? 'read' : 'write');
    }
  }

  /** Frames given to this file so far, flushed or not. */
  get frameCount(): number {
    return this.onDisk + this.pending.length;
  }

  get hasCell(): boolean {
    return this.slots.some((slot) => slot.name === 'cell_lengths');
  }

  get hasVelocities(): boolean {
    return this.slots.some((slot) => slot.name === 'velocities');
  }

  /** The frame is copied at once; the promise is done when the buffer has room again. */
  async write(frame: AmberFrameInput): Promise<void> {
    if (this.closed) throw new StructureError('E_CLOSED', `${this.path}: the file is closed`, { file: this.path });
    this.pending.push(this.encode(frame));
    this.pendingBytes += this.header.recordBytes;
    if (this.pendingBytes >= BUFFER) await this.flush();
  }

  /** All frames, then their number, go to the file: a reader sees complete frames at any moment. */
  flush(): Promise<void> {
    this.queue = this.queue.then(() => this.flushNow());
    return this.queue;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.flush();
    } finally {
      await this.handle.close();
      this.lock.release();
    }
  }

  private async flushNow(): Promise<void> {
    // A copy: frames may be added while this waits for the disk.
    const frames = this.pending.slice();
    if (frames.length === 0) return;
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    try {
      const position = this.header.firstRecord + this.onDisk * this.header.recordBytes;
      for (let done = 0; done < bytes.length; ) {
        done += (await this.handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
      }
      if (this.fsync) await this.handle.datasync();
      this.pending = this.pending.slice(frames.length);
      this.pendingBytes = this.pending.length * this.header.recordBytes;
      this.onDisk += frames.length;
      await this.writeCount();
      if (this.fsync) await this.handle.datasync();
    } catch (error) {
      throw fileError(this.path, error, 'write');
    }
  }

  private async writeCount(): Promise<void> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.onDisk);
    await this.handle.write(bytes, 0, 4, 4);
  }

  private encode(frame: AmberFrameInput): Buffer {
    const bytes = Buffer.alloc(this.header.recordBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const cell = this.hasCell ? checkCell(frame.cell, this.path) : null;
    for (const { name, type, count, offset } of this.slots) {
      const [values, factor] = valuesOf(name, frame, cell);
      if (values === undefined || values.length !== count) {
        throw formatError(
          'E_NC_LAYOUT',
          { file: this.path },
          `"${name}" needs ${count} numbers a frame, got ${values?.length ?? 0}`,
        );
      }
      for (let i = 0; i < count; i++) {
        const value = values[i]! * factor;
        if (!Number.isFinite(value)) {
          throw formatError('E_NUMBER', { file: this.path }, `frame ${this.frameCount}: value ${i} of "${name}" is not finite`, {
            atom: count === 3 * this.atoms ? Math.floor(i / 3) : undefined,
          });
        }
        if (type === FLOAT) view.setFloat32(offset + 4 * i, value);
        else view.setFloat64(offset + 8 * i, value);
      }
    }
    return bytes;
  }
}

function valuesOf(
  name: string,
  frame: AmberFrameInput,
  cell: ReturnType<typeof lengthsAndAngles> | null,
): [ArrayLike<number> | undefined, number] {
  switch (name) {
    case 'time':
      return [[frame.time / 1000], 1];
    case 'time_fs':
      return [[frame.time], 1];
    case 'step':
      return [[frame.step], 1];
    case 'coordinates':
      return [frame.positions, 1];
    case 'velocities':
      return [frame.velocities, 1000];
    case 'forces':
      return [frame.forces, EV_IN_KCAL_PER_MOL];
    case 'cell_lengths':
      return [cell!.lengths, 1];
    case 'cell_angles':
      return [cell!.angles, 1];
    default:
      return [frame.energy === undefined ? undefined : [frame.energy], 1];
  }
}

function checkCell(cell: ArrayLike<number> | null | undefined, file: string): ReturnType<typeof lengthsAndAngles> {
  if (cell?.length !== 9) throw formatError('E_NC_LAYOUT', { file }, 'every frame of this file needs a cell');
  if (cell[1] !== 0 || cell[2] !== 0 || cell[5] !== 0 || !(cell[0]! > 0 && cell[4]! > 0 && cell[8]! > 0)) {
    throw formatError(
      'E_CELL_INVALID',
      { file },
      'the file holds only lengths and angles, so the cell must have a along x and b in the xy plane',
      {
        hint: 'rotate cell, positions and velocities into the restricted form first',
      },
    );
  }
  return lengthsAndAngles(cell);
}

function headerOf(options: AmberWriterOptions): Buffer {
  const { atoms, cell = true, precision = 'single', velocities = false, forces = false, energy = false, title = '' } = options;
  if (!(Number.isSafeInteger(atoms) && atoms >= 1 && atoms < 2 ** 31)) {
    throw new StructureError('E_NC_LAYOUT', `atoms: expected a positive integer, got ${atoms}`, { key: 'atoms' });
  }
  const [frame, spatial, atom, cellSpatial, cellAngular, label] = [0, 1, 2, 3, 4, 5];
  const dimensions: Dimension[] = [
    { name: 'frame', length: 0 },
    { name: 'spatial', length: 3 },
    { name: 'atom', length: atoms },
    { name: 'cell_spatial', length: 3 },
    { name: 'cell_angular', length: 3 },
    { name: 'label', length: 5 },
  ];
  const real = precision === 'double' ? DOUBLE : FLOAT;
  const variable = (name: string, type: number, ids: number[], units?: string): VariablePlan => ({
    name,
    type,
    dimensions: ids,
    attributes: units ? { units } : {},
  });
  const fixed: [VariablePlan, string][] = [[variable('spatial', CHAR, [spatial]), 'xyz']];
  if (cell) {
    fixed.push([variable('cell_spatial', CHAR, [cellSpatial]), 'abc']);
    fixed.push([variable('cell_angular', CHAR, [cellAngular, label]), 'alphabeta gamma']);
  }
  const variables = [
    ...fixed.map(([plan]) => plan),
    variable('time', FLOAT, [frame], 'picosecond'),
    variable('coordinates', real, [frame, atom, spatial], 'angstrom'),
  ];
  if (velocities) variables.push(variable('velocities', real, [frame, atom, spatial], 'angstrom/picosecond'));
  if (forces) variables.push(variable('forces', real, [frame, atom, spatial], 'kilocalorie/mole/angstrom'));
  if (cell) {
    variables.push(variable('cell_lengths', DOUBLE, [frame, cellSpatial], 'angstrom'));
    variables.push(variable('cell_angles', DOUBLE, [frame, cellAngular], 'degree'));
  }
  if (energy) variables.push(variable('energy', DOUBLE, [frame], 'eV'));
  // Not of the convention, ignored by others: `time` is single precision by the convention, too coarse for long runs.
  variables.push(variable('step', DOUBLE, [frame]), variable('time_fs', DOUBLE, [frame], 'femtosecond'));
  const attributes = { Conventions: 'AMBER', ConventionVersion: '1.0', program: 'ionclay', programVersion: VERSION, title };
  const header = encodeHeader(dimensions, attributes, variables);
  const text = fixed.map(([, value]) => {
    const bytes = Buffer.from(value, 'latin1');
    return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  });
  return Buffer.concat([header, ...text]);
}

/** What a record holds; throws where the file has variables that this writer cannot fill. */
function slotsOf(header: Header, file: string): Slot[] {
  const known = ['time', 'coordinates', 'velocities', 'forces', 'cell_lengths', 'cell_angles', 'energy', 'step', 'time_fs'];
  return header.variables
    .filter((variable) => variable.record)
    .map((variable) => {
      const { name, type, count } = variable;
      if (
        !known.includes(name) ||
        (type !== FLOAT && type !== DOUBLE) ||
        variable.attributes.has('scale_factor') ||
        header.version !== 2
      ) {
        throw formatError(
          'E_NC_LAYOUT',
          { file },
          `cannot append to this file: its variable "${name}" was not written by this program`,
          {
            hint: 'write to a new file',
          },
        );
      }
      return { name, type, count, offset: variable.begin - header.firstRecord };
    });
}
