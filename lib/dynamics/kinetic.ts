/**
 * Kinetic quantities (dynamics.md 4). Every sum over atoms runs in chunks of 256 that are combined by a pairwise tree over the
 * chunk index (dynamics.md 15), so its order depends on the number of atoms alone.
 */
import { BOLTZMANN } from '../units.js';

const CHUNK = 256;

/** values[first..first+count) by halves: the error grows with log(count). */
function treeSum(values: Float64Array, first: number, count: number): number {
  if (count === 1) return values[first]!;
  const half = count >>> 1;
  return treeSum(values, first, half) + treeSum(values, first + half, count - half);
}

/** Sum of `term(i)` for i in [0, count) in the fixed order. */
export function orderedSum(count: number, term: (i: number) => number): number {
  if (count === 0) return 0;
  const chunks = new Float64Array(Math.ceil(count / CHUNK));
  for (let k = 0; k < chunks.length; k++) {
    const end = Math.min(count, (k + 1) * CHUNK);
    let sum = 0;
    for (let i = k * CHUNK; i < end; i++) sum += term(i);
    chunks[k] = sum;
  }
  return treeSum(chunks, 0, chunks.length);
}

/** Kinetic energy, eV: masses (N) in eV fs^2/A^2, velocities (3N) in A/fs. */
export function kineticEnergy(masses: Float64Array, velocities: Float64Array): number {
  const natoms = masses.length;
  // Written out, not through orderedSum: it runs several times a step.
  const chunks = new Float64Array(Math.max(1, Math.ceil(natoms / CHUNK)));
  for (let k = 0; k < chunks.length; k++) {
    const end = Math.min(natoms, (k + 1) * CHUNK);
    let sum = 0;
    for (let i = k * CHUNK; i < end; i++) {
      const x = velocities[3 * i]!;
      const y = velocities[3 * i + 1]!;
      const z = velocities[3 * i + 2]!;
      sum += masses[i]! * (x * x + y * y + z * z);
    }
    chunks[k] = sum;
  }
  return treeSum(chunks, 0, chunks.length) / 2;
}

/** Kinetic tensor K_ab = sum m v_a v_b (no factor 1/2), eV, Voigt order xx yy zz yz xz xy. */
export function kineticTensor(masses: Float64Array, velocities: Float64Array): Float64Array {
  const natoms = masses.length;
  const pairs = [
    [0, 0],
    [1, 1],
    [2, 2],
    [1, 2],
    [0, 2],
    [0, 1],
  ] as const;
  return Float64Array.from(pairs, ([a, b]) =>
    orderedSum(natoms, (i) => masses[i]! * velocities[3 * i + a]! * velocities[3 * i + b]!),
  );
}

/** Total momentum (eV fs/A) and mass (eV fs^2/A^2). */
export function momentum(masses: Float64Array, velocities: Float64Array): { total: [number, number, number]; mass: number } {
  const sum = (axis: number) => orderedSum(masses.length, (i) => masses[i]! * velocities[3 * i + axis]!);
  return { total: [sum(0), sum(1), sum(2)], mass: orderedSum(masses.length, (i) => masses[i]!) };
}

/** Takes the velocity of the centre of mass off every atom. */
export function removeMomentum(masses: Float64Array, velocities: Float64Array): void {
  const { total, mass } = momentum(masses, velocities);
  for (let i = 0; i < masses.length; i++) {
    for (let axis = 0; axis < 3; axis++) velocities[3 * i + axis]! -= total[axis]! / mass;
  }
}

/**
 * N_f of dynamics.md 4: three an atom; less three where total momentum is conserved (and zero). Frozen atoms take their own three
 * and, holding the frame, the three of the momentum instead.
 */
export function degreesOfFreedom(frozen: Uint8Array, conservesMomentum: boolean): number {
  let mobile = 0;
  for (const flag of frozen) if (!flag) mobile++;
  return mobile < frozen.length || !conservesMomentum ? 3 * mobile : 3 * mobile - 3;
}

/** T = 2K/(N_f k_B), K; null where N_f is 0. */
export function temperatureOf(kinetic: number, freedom: number): number | null {
  return freedom > 0 ? (2 * kinetic) / (freedom * BOLTZMANN) : null;
}
