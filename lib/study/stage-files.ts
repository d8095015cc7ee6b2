/**
 * The files of one stage. What lies in them beyond the lengths that a checkpoint knows is cut off when a run goes on, so that output is
 * never there twice; everything up to those lengths is on disk before the checkpoint is.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Thermo } from '../dynamics/engine.js';
import type { Frame } from '../dynamics/frame.js';
import { thermoHeader, thermoLine } from '../dynamics/thermo.js';
import { StudyError } from '../errors.js';
import { AmberNetcdfWriter } from '../io/amber-netcdf.js';
import { fileError } from '../io/file-errors.js';
import type { StagePlan } from './plan.js';

export const THERMO = 'thermo.csv';
export const TRAJECTORY = 'trajectory.nc';
export const END = 'end.extxyz';

/** Lengths of the files of a stage at a checkpoint. */
export interface StageLengths {
  readonly thermoBytes: number;
  readonly frames: number;
}

export interface StageShape {
  readonly study: string;
  readonly natoms: number;
  readonly hasCell: boolean;
  /** Whether rows carry the deviation of a committee. */
  readonly committee: boolean;
}

const isRamp = ({ ensemble }: StagePlan) =>
  ensemble.ensemble === 'nvt' && typeof ensemble.temperature !== 'number' && ensemble.temperature[0] !== ensemble.temperature[1];

export class StageFiles {
  private lines: string[] = [];
  /** Writes in order; once one has failed all later ones fail with its error. */
  private queue: Promise<void> = Promise.resolve();

  private constructor(
    private readonly thermo: FileHandle,
    private readonly thermoPath: string,
    private thermoBytes: number,
    private readonly trajectory: AmberNetcdfWriter | null,
  ) {}

  /** New files in a folder under stages/; what an earlier attempt left there is replaced. */
  static async create(folder: string, stage: StagePlan, shape: StageShape): Promise<StageFiles> {
    const path = join(folder, THERMO);
    try {
      await mkdir(folder, { recursive: true });
      const header = `${thermoHeader(isRamp(stage), shape.committee)}\n`;
      const thermo = await open(path, 'w');
      await thermo.write(header, 0);
      const { trajectory: every, precision, velocities } = stage.sample;
      const title = `${shape.study}: ${stage.name}; unwrapped coordinates x + nH`;
      const options = { atoms: shape.natoms, cell: shape.hasCell, precision, velocities, title, fsync: true };
      const trajectory = every === null ? null : await AmberNetcdfWriter.create(join(folder, TRAJECTORY), options);
      return new StageFiles(thermo, path, Buffer.byteLength(header), trajectory);
    } catch (error) {
      throw fileError(path, error, 'write');
    }
  }

  /** The files as they were at a checkpoint. */
  static async reopen(folder: string, stage: StagePlan, lengths: StageLengths): Promise<StageFiles> {
    const path = join(folder, THERMO);
    try {
      const thermo = await open(path, 'r+');
      const { size } = await thermo.stat();
      if (size < lengths.thermoBytes) {
        await thermo.close();
        throw new StudyError(
          'RUN_DAMAGED',
          `${path}: ${size} bytes, the checkpoint knows ${lengths.thermoBytes}: the file was changed`,
          {
            file: path,
            hint: 'put the file back, or start the run anew in another directory',
          },
        );
      }
      await thermo.truncate(lengths.thermoBytes);
      const writes = stage.sample.trajectory !== null;
      const trajectory = writes
        ? await AmberNetcdfWriter.append(join(folder, TRAJECTORY), { frames: lengths.frames, fsync: true })
        : null;
      return new StageFiles(thermo, path, lengths.thermoBytes, trajectory);
    } catch (error) {
      throw fileError(path, error, 'write');
    }
  }

  row(row: Thermo): void {
    this.lines.push(thermoLine(row));
  }

  async frame(frame: Frame): Promise<void> {
    await this.trajectory?.write(frame);
  }

  /** Gives rows to the operating system, so that others can read them. */
  publish(): Promise<void> {
    this.queue = this.queue.then(() => this.writeRows());
    return this.queue;
  }

  private async writeRows(): Promise<void> {
    if (this.lines.length === 0) return;
    const bytes = Buffer.from(`${this.lines.join('\n')}\n`, 'utf8');
    this.lines = [];
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.thermo.write(bytes, done, bytes.length - done, this.thermoBytes + done)).bytesWritten;
      }
    } catch (error) {
      throw fileError(this.thermoPath, error, 'write');
    }
    this.thermoBytes += bytes.length;
  }

  /** Everything so far is on disk when this is done. */
  async sync(): Promise<StageLengths> {
    await this.publish();
    await this.thermo.datasync();
    await this.trajectory?.flush();
    return { thermoBytes: this.thermoBytes, frames: this.trajectory?.frameCount ?? 0 };
  }

  async close(): Promise<void> {
    try {
      await this.publish();
    } finally {
      await this.thermo.close();
      await this.trajectory?.close();
    }
  }
}
