/**
 * Displacements of chosen species, kept for all frames, atom by atom when read: what mean squared displacements and collective
 * transport are computed from. Double precision up to 1.5 GB, then float32 displacements from the first frame (error 1e-7 relative,
 * analysis.md 3.2).
 */
import type { Frame } from '../dynamics/frame.js';
import { requireElement, SYMBOLS } from '../elements.js';
import { missingSpecies, type TrajectoryOptions, TrajectoryPreparation } from './trajectory.js';

const DOUBLE_LIMIT_BYTES = 1.5e9;

export class DisplacementRecord {
  readonly trajectory: TrajectoryPreparation;
  private readonly asked: readonly string[] | null;
  /** Atom indices by species, in the order asked for (else of first appearance). */
  private groups = new Map<string, number[]>();
  /** Position of every kept atom in a stored frame. */
  private kept: number[] = [];
  private stored: (Float64Array | Float32Array)[] = [];
  private bytes = 0;

  /** @param species the species to keep; undefined keeps all */
  constructor(options: TrajectoryOptions & { readonly species?: readonly string[] }) {
    this.trajectory = new TrajectoryPreparation(options);
    this.asked = options.species ?? null;
    for (const symbol of this.asked ?? []) requireElement(symbol, 'species');
  }

  add(frame: Frame): void {
    const displacement = this.trajectory.add(frame);
    if (!displacement) return;
    if (this.kept.length === 0) this.choose(frame);
    let row: Float64Array | Float32Array = new Float64Array(3 * this.kept.length);
    this.kept.forEach((atom, k) => {
      for (let c = 0; c < 3; c++) row[3 * k + c] = displacement[3 * atom + c]!;
    });
    this.bytes += row.byteLength;
    if (this.bytes > DOUBLE_LIMIT_BYTES) {
      for (let t = 0; t < this.stored.length; t++) {
        if (this.stored[t] instanceof Float64Array) this.stored[t] = Float32Array.from(this.stored[t]!);
      }
      row = Float32Array.from(row);
    }
    this.stored.push(row);
  }

  /** T. */
  get frames(): number {
    return this.stored.length;
  }

  get species(): string[] {
    return [...this.groups.keys()];
  }

  /** N_a. */
  ions(species: string): number {
    return this.groups.get(species)!.length;
  }

  /**
   * Calls `visit` with the x, y, z series of every atom of a species over frames [from, to), as fresh arrays that may be changed.
   * Atoms ascending; read in blocks of 64 so that each stored frame is touched once a block.
   */
  visit(
    species: string,
    from: number,
    to: number,
    visit: (xyz: [Float64Array, Float64Array, Float64Array], atom: number) => void,
  ): void {
    const atoms = this.groups.get(species)!;
    const offset = this.kept.indexOf(atoms[0]!);
    const length = to - from;
    for (let first = 0; first < atoms.length; first += 64) {
      const block = Math.min(64, atoms.length - first);
      const series = Array.from({ length: 3 * block }, () => new Float64Array(length));
      for (let t = 0; t < length; t++) {
        const row = this.stored[from + t]!;
        const start = 3 * (offset + first);
        for (let k = 0; k < 3 * block; k++) series[k]![t] = row[start + k]!;
      }
      for (let i = 0; i < block; i++) visit([series[3 * i]!, series[3 * i + 1]!, series[3 * i + 2]!], atoms[first + i]!);
    }
  }

  /** Sum of the displacements of a species' atoms, P_a(t) (analysis.md 5.2): x, y, z series. */
  collective(species: string): [Float64Array, Float64Array, Float64Array] {
    const out: [Float64Array, Float64Array, Float64Array] = [
      new Float64Array(this.frames),
      new Float64Array(this.frames),
      new Float64Array(this.frames),
    ];
    const offset = this.kept.indexOf(this.groups.get(species)![0]!);
    const ions = this.ions(species);
    this.stored.forEach((row, t) => {
      for (let k = 3 * offset; k < 3 * (offset + ions); k++) out[k % 3]![t]! += row[k]!;
    });
    return out;
  }

  private choose(frame: Frame): void {
    const symbols = this.asked ?? [...new Set(frame.species)].map((z) => SYMBOLS[z]!);
    for (const symbol of symbols) {
      const number = requireElement(symbol, 'species');
      const atoms: number[] = [];
      frame.species.forEach((z, i) => {
        if (z === number) atoms.push(i);
      });
      if (atoms.length === 0) throw missingSpecies('species', symbol, frame.species);
      if (this.groups.has(symbol)) continue;
      this.groups.set(symbol, atoms);
      this.kept.push(...atoms);
    }
  }
}
