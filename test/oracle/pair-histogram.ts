/** Pair-distance counts by the definition (analysis.md 8.1): all atoms, all images that can reach, no bins. */
import { perpendicularWidths } from '../../lib/cell.js';

export interface HistogramInput {
  readonly positions: Float64Array;
  readonly cell: Float64Array;
  readonly pbc: readonly [boolean, boolean, boolean];
  readonly groups: Int32Array;
  readonly ngroups: number;
  readonly binWidth: number;
  readonly bins: number;
}

export function pairHistogramOracle({ positions, cell, pbc, groups, ngroups, binWidth, bins }: HistogramInput): Float64Array {
  const counts = new Float64Array(ngroups * ngroups * bins);
  const n = groups.length;
  const isolated = cell.every((x) => x === 0);
  const widths = isolated ? [1, 1, 1] : perpendicularWidths(cell);
  // Atoms may lie anywhere: the span of their coordinates adds to the images that reach.
  let span = 0;
  for (const x of positions) span = Math.max(span, Math.abs(x));
  const reach = [0, 1, 2].map((k) => (pbc[k] ? Math.ceil((binWidth * bins + 4 * span) / widths[k]!) : 0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (groups[i]! < 0 || groups[j]! < 0) continue;
      for (let a = -reach[0]!; a <= reach[0]!; a++) {
        for (let b = -reach[1]!; b <= reach[1]!; b++) {
          for (let c = -reach[2]!; c <= reach[2]!; c++) {
            if (i === j && a === 0 && b === 0 && c === 0) continue;
            let r2 = 0;
            for (let k = 0; k < 3; k++) {
              r2 += (positions[3 * j + k]! - positions[3 * i + k]! + a * cell[k]! + b * cell[3 + k]! + c * cell[6 + k]!) ** 2;
            }
            const bin = Math.floor(Math.sqrt(r2) / binWidth);
            if (bin < bins) counts[(groups[i]! * ngroups + groups[j]!) * bins + bin]! += 1;
          }
        }
      }
    }
  }
  return counts;
}
