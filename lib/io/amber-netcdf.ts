/** AMBER NetCDF trajectories, read by random access (structures.md 10). Written by amber-netcdf-writer.ts. */
import { type FileHandle, open } from 'node:fs/promises';
import { cellFromLengthsAndAngles, type Vec3 } from '../cell.js';
import { EV_IN_KCAL_PER_MOL } from '../units.js';
import { fileError } from './file-errors.js';
import { formatError } from './format-error.js';
import { type FrameSelection, noSuchFrame, parseFrameSelection, resolveFrames } from './frame-selection.js';
import { CHAR, DOUBLE, FLOAT, type Header, readValue, type Variable } from './netcdf-classic.js';
import { countFrames, readFully, readHeader } from './netcdf-file.js';

export { type AmberFrameInput, AmberNetcdfWriter, type AmberWriterOptions } from './amber-netcdf-writer.js';

export interface AmberFrame {
  /** 0-based number in the file. */
  readonly index: number;
  /** fs; null where the file holds no times. */
  readonly time: number | null;
  readonly step: number | null;
  /** 3N, A, in the frame of the file's cell (a along x, b in the xy plane). */
  readonly positions: Float64Array;
  /** 9, A; null where the file has no cell. */
  readonly cell: Float64Array | null;
  /** 3N, A/fs. */
  readonly velocities?: Float64Array;
  /** 3N, eV/A. */
  readonly forces?: Float64Array;
  /** eV. */
  readonly energy?: number;
}

export interface AmberReaderOptions {
  /** Name for messages; the path unless given. */
  file?: string;
  /** Read the complete frames of a file that is cut short instead of refusing it. */
  allowPartial?: boolean;
}

/** A variable of a frame, and what turns its numbers into the package's units. */
interface Field {
  readonly variable: Variable;
  readonly factor: number;
}

export class AmberNetcdfReader {
  /** Complete frames. */
  readonly frameCount: number;
  readonly atoms: number;
  readonly title: string;
  readonly program: string;
  /** Whether the coordinates are stored in double precision. */
  readonly double: boolean;
  readonly hasCell: boolean;
  readonly hasVelocities: boolean;
  private readonly fields: Record<
    'time' | 'exactTime' | 'step' | 'coordinates' | 'velocities' | 'forces' | 'lengths' | 'angles' | 'energy',
    Field | null
  >;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly header: Header,
    size: number,
    private readonly file: string,
    allowPartial: boolean,
  ) {
    const { atoms, coordinates } = checkConventions(header, file);
    this.atoms = atoms;
    this.frameCount = countFrames(header, size, file, allowPartial);
    this.title = textAttribute(header, 'title');
    this.program = textAttribute(header, 'program');
    const field = (name: string, count: number, units: Readonly<Record<string, number>>) => this.field(name, count, units);
    // Variables outside the convention are ours only where they have our form.
    const extension = (name: string, unit?: string) => {
      const variable = header.variables.find((candidate) => candidate.name === name);
      const ours =
        variable?.record &&
        variable.count === 1 &&
        variable.type === DOUBLE &&
        (!unit || variable.attributes.get('units') === unit);
      return ours ? { variable, factor: 1 } : null;
    };
    this.fields = {
      time: field('time', 1, { picosecond: 1000, ps: 1000, femtosecond: 1, fs: 1 }),
      exactTime: extension('time_fs', 'femtosecond'),
      step: extension('step'),
      coordinates: field('coordinates', 3 * atoms, { angstrom: 1, A: 1, nanometer: 10 }),
      velocities: field('velocities', 3 * atoms, { 'angstrom/picosecond': 1e-3, 'angstrom/femtosecond': 1 }),
      forces: field('forces', 3 * atoms, { 'kilocalorie/mole/angstrom': 1 / EV_IN_KCAL_PER_MOL }),
      lengths: field('cell_lengths', 3, { angstrom: 1, A: 1, nanometer: 10 }),
      angles: field('cell_angles', 3, { degree: 1, deg: 1, radian: 180 / Math.PI }),
      energy: extension('energy', 'eV'),
    };
    this.double = coordinates.type !== FLOAT;
    this.hasCell = this.fields.lengths !== null && this.fields.angles !== null;
    this.hasVelocities = this.fields.velocities !== null;
  }

  /** Throws `E_NC_MAGIC`, `E_NC_HDF5`, `E_NC_CONVENTION`, `E_NC_LAYOUT`, `E_NC_TRUNCATED` or `E_EMPTY`. */
  static async open(path: string, options: AmberReaderOptions = {}): Promise<AmberNetcdfReader> {
    const file = options.file ?? path;
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const { header, size } = await readHeader(handle, file);
      return new AmberNetcdfReader(path, handle, header, size, file, options.allowPartial ?? false);
    } catch (error) {
      await handle?.close();
      throw fileError(path, error);
    }
  }

  /** Frame `index`, 0-based; negative counts from the end. */
  async frame(index: number): Promise<AmberFrame> {
    const k = index < 0 ? index + this.frameCount : index;
    if (!(Number.isInteger(k) && k >= 0 && k < this.frameCount)) throw noSuchFrame(index, this.frameCount, this.file);
    const { firstRecord, recordBytes } = this.header;
    const bytes = Buffer.allocUnsafe(recordBytes);
    await readFully(this.handle, bytes, firstRecord + k * recordBytes, this.file);
    const read = (field: Field | null) => (field ? this.decode(bytes, field, k) : undefined);
    const positions = this.decode(bytes, this.fields.coordinates!, k);
    const lengths = read(this.fields.lengths);
    const angles = read(this.fields.angles);
    const velocities = read(this.fields.velocities);
    const forces = read(this.fields.forces);
    const energy = read(this.fields.energy)?.[0];
    return {
      index: k,
      time: read(this.fields.exactTime)?.[0] ?? this.readTime(bytes),
      step: read(this.fields.step)?.[0] ?? null,
      positions,
      cell: lengths && angles ? this.cell(lengths, angles, k) : null,
      ...(velocities ? { velocities } : {}),
      ...(forces ? { forces } : {}),
      ...(energy === undefined ? {} : { energy }),
    };
  }

  /** The selected frames in order. */
  async *frames(selection?: FrameSelection): AsyncGenerator<AmberFrame> {
    const { start, stop, step } = resolveFrames(parseFrameSelection(selection), this.frameCount, this.file);
    for (let k = start; k < stop; k += step) yield await this.frame(k);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private field(name: string, count: number, units: Readonly<Record<string, number>>): Field | null {
    const variable = this.header.variables.find((candidate) => candidate.name === name);
    if (!variable) return null;
    if (!variable.record || variable.count !== count || variable.type === CHAR) {
      throw formatError('E_NC_LAYOUT', { file: this.file }, `variable "${name}" must hold ${count} numbers a frame`);
    }
    const unit = variable.attributes.get('units');
    // A file without units follows the convention.
    let factor = Object.values(units)[0]!;
    if (typeof unit === 'string') {
      const name = [unit.trim(), unit.trim().replace(/s$/, '')].find((candidate) => Object.hasOwn(units, candidate));
      const known = name === undefined ? undefined : units[name];
      if (known === undefined) {
        throw formatError(
          'E_NC_LAYOUT',
          { file: this.file },
          `variable "${variable.name}" has the unit "${unit}", expected ${Object.keys(units).join(' or ')}`,
        );
      }
      factor = known;
    }
    const scale = variable.attributes.get('scale_factor');
    if (scale !== undefined) {
      if (typeof scale === 'string' || scale.length !== 1 || !Number.isFinite(scale[0])) {
        throw formatError('E_NC_LAYOUT', { file: this.file }, `scale_factor of variable "${name}" must be one number`);
      }
      factor *= scale[0]!;
    }
    return { variable, factor };
  }

  private decode(bytes: Buffer, field: Field, frame: number): Float64Array {
    const { variable, factor } = field;
    const { type, count } = variable;
    const start = variable.begin - this.header.firstRecord;
    const out = new Float64Array(count);
    const size = variable.bytes / count;
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, variable.bytes);
    if (type === FLOAT) for (let i = 0; i < count; i++) out[i] = view.getFloat32(4 * i) * factor;
    else if (type === DOUBLE) for (let i = 0; i < count; i++) out[i] = view.getFloat64(8 * i) * factor;
    else for (let i = 0; i < count; i++) out[i] = readValue(bytes, start + size * i, type) * factor;
    for (let i = 0; i < count; i++) {
      // 9.97e36 is what NetCDF fills values with that were never written.
      if (!(Math.abs(out[i]!) < 1e36)) {
        throw formatError(
          'E_NUMBER',
          { file: this.file },
          `frame ${frame}: value ${i} of "${variable.name}" is missing or not finite`,
          {
            atom: count >= 3 * this.atoms ? Math.floor(i / 3) : undefined,
            frame,
          },
        );
      }
    }
    return out;
  }

  /** Single-precision times are meant as the shortest decimal number that they stand for: 0.1 ps are 100 fs. */
  private readTime(bytes: Buffer): number | null {
    const field = this.fields.time;
    if (!field) return null;
    const raw = readValue(bytes, field.variable.begin - this.header.firstRecord, field.variable.type);
    if (!Number.isFinite(raw) || Math.abs(raw) > 1e30) return null;
    if (field.variable.type !== FLOAT) return raw * field.factor;
    for (let digits = 1; digits < 9; digits++) {
      const text = raw.toExponential(digits);
      if (Math.fround(Number(text)) === raw)
        return field.factor === 1000
          ? Number(text.replace(/e(.*)$/, (_, power) => `e${Number(power) + 3}`))
          : Number(text) * field.factor;
    }
    return raw * field.factor;
  }

  private cell(lengths: Float64Array, angles: Float64Array, frame: number): Float64Array | null {
    // AMBER stores zeros for a run without a box.
    if (lengths.every((x) => x === 0)) return null;
    try {
      return cellFromLengthsAndAngles([...lengths] as Vec3, [...angles] as Vec3);
    } catch (error) {
      throw formatError('E_CELL_INVALID', { file: this.file }, `frame ${frame}: ${(error as Error).message}`, { frame });
    }
  }
}

function textAttribute(header: Header, name: string): string {
  const value = header.attributes.get(name);
  return typeof value === 'string' ? value.replace(/\0+$/, '') : '';
}

function checkConventions(header: Header, file: string): { atoms: number; coordinates: Variable } {
  const conventions = textAttribute(header, 'Conventions');
  if (!conventions.split(/[\s,]+/).includes('AMBER')) {
    throw formatError('E_NC_CONVENTION', { file }, 'the attribute Conventions does not name AMBER', {
      text: conventions,
      hint: 'only trajectories of the AMBER convention are read; restart files (AMBERRESTART) hold one frame of another layout',
    });
  }
  const layout = (message: string) => formatError('E_NC_LAYOUT', { file }, message);
  const dimension = (name: string) => header.dimensions.find((candidate) => candidate.name === name);
  const atoms = dimension('atom')?.length ?? 0;
  if (dimension('frame')?.length !== 0) throw layout('the unlimited dimension "frame" is missing');
  if (dimension('spatial')?.length !== 3) throw layout('the dimension "spatial" must be 3');
  if (!(atoms >= 1)) throw layout('the dimension "atom" is missing or zero');
  const coordinates = header.variables.find((variable) => variable.name === 'coordinates');
  if (!coordinates) throw layout('the variable "coordinates" is missing');
  const names = coordinates.dimensions.map((id) => header.dimensions[id]!.name).join(', ');
  if (names !== 'frame, atom, spatial')
    throw layout(`"coordinates" must have the dimensions frame, atom, spatial, it has ${names}`);
  return { atoms, coordinates };
}
