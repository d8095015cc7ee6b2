/** Frames and random walks for the tests of lib/analysis. */
import type { Frame } from '../../lib/dynamics/frame.js';
import { STANDARD_MASSES, SYMBOLS } from '../../lib/elements.js';
import type { NumberArray } from '../npy.js';

export interface FrameOptions {
  readonly symbols: readonly string[];
  readonly interval: number;
  /** One cell, or one a frame; null = isolated. */
  readonly cell?: Float64Array | readonly Float64Array[] | null;
  readonly masses?: readonly number[];
}

/** Positions (T x N x 3) as frames. */
export function framesOf(positions: NumberArray | readonly Float64Array[], options: FrameOptions): Frame[] {
  const { symbols, interval, cell = null } = options;
  const size = 3 * symbols.length;
  const rows = Array.isArray(positions)
    ? (positions as Float64Array[])
    : Array.from({ length: (positions as NumberArray).shape[0]! }, (_, t) =>
        (positions as NumberArray).data.slice(t * size, (t + 1) * size),
      );
  const species = Uint8Array.from(symbols, (s) => SYMBOLS.indexOf(s));
  const masses = Float64Array.from(symbols, (_, i) => options.masses?.[i] ?? STANDARD_MASSES[species[i]!]!);
  return rows.map((row, t) => ({
    step: t,
    time: t * interval,
    species,
    masses,
    positions: row,
    cell: cell === null || cell instanceof Float64Array ? cell : cell[t]!,
    pbc: cell === null ? [false, false, false] : [true, true, true],
  }));
}

/** Seeded uniform numbers in (0, 1): a 32-bit permutation of a counter (splitmix), good enough for tests and the same everywhere. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return () => ((next() >>> 5) * 67108864 + (next() >>> 6) + 0.5) / 9007199254740992;
}

/** Seeded standard normal numbers (Box-Muller). */
export function normals(seed: number): () => number {
  const uniform = uniforms(seed);
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** Free walk: step(t, i, c) has standard deviation `sigma` per component. T rows of 3N. */
export function freeWalk(frames: number, ions: number, sigma: number, seed: number): Float64Array[] {
  const normal = normals(seed);
  const rows = [new Float64Array(3 * ions)];
  for (let t = 1; t < frames; t++) rows.push(rows[t - 1]!.map((x) => x + sigma * normal()));
  return rows;
}

/** Sparse isotropic hops of length `a`, `probability` per ion and frame, on top of a vibration of s.d. `vibration` per component. */
export function hopping(
  frames: number,
  ions: number,
  probability: number,
  a: number,
  vibration: number,
  seed: number,
): Float64Array[] {
  const uniform = uniforms(seed);
  const normal = normals(seed + 7919);
  const site = new Float64Array(3 * ions);
  const rows: Float64Array[] = [];
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < ions && t > 0; i++) {
      if (uniform() >= probability) continue;
      const v = [normal(), normal(), normal()];
      const length = Math.hypot(...v);
      for (let c = 0; c < 3; c++) site[3 * i + c]! += (a * v[c]!) / length;
    }
    rows.push(site.map((x) => x + vibration * normal()));
  }
  return rows;
}

export const relative = (got: number, expected: number) => Math.abs(got - expected) / Math.abs(expected);
