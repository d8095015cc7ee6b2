/**
 * Pairs of atoms closer than a cutoff, in any cell and with any mix of periodic directions, by bins in fractional space. Cells may be
 * far smaller than the cutoff: every periodic image counts (structures.md 3, rule 3). For checks of structures; dynamics has the
 * native neighbour list.
 */
import { inverse, perpendicularWidths, timesMatrix, type Vec3 } from './cell.js';
import type { Structure } from './structure.js';

/** Called for each pair once: i <= j, and i = j for an atom and its own image. */
export type PairVisitor = (i: number, j: number, distance: number) => void;

type Geometry = Pick<Structure, 'cell' | 'pbc' | 'positions'>;

/** A cell for binning: the structure's own, or a box around an isolated one. */
function binningCell(structure: Geometry): Float64Array {
  if (structure.cell) return structure.cell;
  const size: Vec3 = [1, 1, 1];
  for (let k = 0; k < 3; k++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = k; i < structure.positions.length; i += 3) {
      low = Math.min(low, structure.positions[i]!);
      high = Math.max(high, structure.positions[i]!);
    }
    size[k] = Math.max(1, high - low);
  }
  return Float64Array.of(size[0], 0, 0, 0, size[1], 0, 0, 0, size[2]);
}

/** Visits every pair (i, j, image) with a distance strictly below `cutoff` (A), each once. */
export function forEachPair(structure: Geometry, cutoff: number, visit: PairVisitor): void {
  const n = structure.positions.length / 3;
  const cell = binningCell(structure);
  const toFractional = inverse(cell);
  const widths = perpendicularWidths(cell);
  const pbc = structure.cell ? structure.pbc : [false, false, false];

  const fractional = new Float64Array(3 * n);
  const low: Vec3 = [0, 0, 0];
  const extent: Vec3 = [1, 1, 1];
  for (let i = 0; i < n; i++) fractional.set(timesMatrix(structure.positions.subarray(3 * i, 3 * i + 3), toFractional), 3 * i);
  for (let k = 0; k < 3; k++) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = k; i < 3 * n; i += 3) {
      if (pbc[k]) {
        fractional[i]! -= Math.floor(fractional[i]!);
        if (fractional[i]! >= 1) fractional[i] = 0;
      }
      least = Math.min(least, fractional[i]!);
      most = Math.max(most, fractional[i]!);
    }
    if (!pbc[k]) {
      low[k] = least;
      extent[k] = Math.max(most - least, 1e-9);
    }
  }

  // Not many more bins than atoms, however small the cutoff.
  const heights = widths.map((width, k) => width * extent[k]!) as Vec3;
  const fairWidth = Math.cbrt((heights[0] * heights[1] * heights[2]) / n);
  const bins = heights.map((height) => Math.max(1, Math.min(1024, Math.floor(height / Math.max(cutoff, fairWidth))))) as Vec3;
  // Along a direction that is not periodic there is nothing beyond the last bin (and a flat structure has next to no height).
  const reach = bins.map((count, k) => {
    const images = Math.ceil((cutoff * count) / heights[k]!);
    return pbc[k] ? images : Math.min(images, count - 1);
  }) as Vec3;
  const binOf = (i: number, k: number) =>
    Math.min(bins[k]! - 1, Math.floor(((fractional[3 * i + k]! - low[k]!) / extent[k]!) * bins[k]!));

  const total = bins[0] * bins[1] * bins[2];
  const start = new Int32Array(total + 1);
  const home = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    home[i] = (binOf(i, 0) * bins[1] + binOf(i, 1)) * bins[2] + binOf(i, 2);
    start[home[i]! + 1]!++;
  }
  for (let b = 0; b < total; b++) start[b + 1]! += start[b]!;
  const members = new Int32Array(n);
  const cursor = start.slice(0, total);
  for (let i = 0; i < n; i++) members[cursor[home[i]!]!++] = i;

  const x = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) x.set(timesMatrix(fractional.subarray(3 * i, 3 * i + 3), cell), 3 * i);
  const cutoff2 = cutoff * cutoff;
  for (let i = 0; i < n; i++) {
    const bx = binOf(i, 0);
    const by = binOf(i, 1);
    const bz = binOf(i, 2);
    for (let dx = -reach[0]; dx <= reach[0]; dx++) {
      const nx = Math.floor((bx + dx) / bins[0]);
      if (!pbc[0] && nx !== 0) continue;
      for (let dy = -reach[1]; dy <= reach[1]; dy++) {
        const ny = Math.floor((by + dy) / bins[1]);
        if (!pbc[1] && ny !== 0) continue;
        for (let dz = -reach[2]; dz <= reach[2]; dz++) {
          const nz = Math.floor((bz + dz) / bins[2]);
          if (!pbc[2] && nz !== 0) continue;
          const bin = ((bx + dx - nx * bins[0]) * bins[1] + (by + dy - ny * bins[1])) * bins[2] + (bz + dz - nz * bins[2]);
          // Of the two images that see each other the lexicographically positive one stands for the pair.
          const forward = nx > 0 || (nx === 0 && (ny > 0 || (ny === 0 && nz > 0)));
          const sx = nx * cell[0]! + ny * cell[3]! + nz * cell[6]! - x[3 * i]!;
          const sy = nx * cell[1]! + ny * cell[4]! + nz * cell[7]! - x[3 * i + 1]!;
          const sz = nx * cell[2]! + ny * cell[5]! + nz * cell[8]! - x[3 * i + 2]!;
          for (let m = start[bin]!; m < start[bin + 1]!; m++) {
            const j = members[m]!;
            if (j < i || (j === i && !forward)) continue;
            const rx = x[3 * j]! + sx;
            const ry = x[3 * j + 1]! + sy;
            const rz = x[3 * j + 2]! + sz;
            const d2 = rx * rx + ry * ry + rz * rz;
            if (d2 < cutoff2) visit(i, j, Math.sqrt(d2));
          }
        }
      }
    }
  }
}
