/** Neighbours of an atom by brute force over images, for the oracles (deep-potential.md 1.2). */

export interface Neighbour {
  j: number;
  type: number;
  d: [number, number, number];
  r: number;
  /** Rank of its lattice vector (n1, n2, n3). */
  image: number;
}

/** All neighbours within the cutoff, nearest first (1.2). `cell` is row-major; null for an isolated cluster. */
export function neighboursOf(
  positions: ArrayLike<number>,
  types: ArrayLike<number>,
  cell: ArrayLike<number> | null,
  cutoff: number,
  i: number,
  pbc = [true, true, true],
): Neighbour[] {
  const n = types.length;
  const reach = [0, 0, 0];
  const h = cell ? Array.from(cell) : null;
  const f = new Float64Array(positions.length);
  const x = Float64Array.from(positions);
  if (h) {
    const row = (k: number) => [h[3 * k]!, h[3 * k + 1]!, h[3 * k + 2]!] as const;
    const cross = (a: readonly number[], b: readonly number[]) => [
      a[1]! * b[2]! - a[2]! * b[1]!,
      a[2]! * b[0]! - a[0]! * b[2]!,
      a[0]! * b[1]! - a[1]! * b[0]!,
    ];
    const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
    const volume = dot(row(0), cross(row(1), row(2)));
    for (let k = 0; k < 3; k++) {
      const normal = cross(row((k + 1) % 3), row((k + 2) % 3));
      if (pbc[k]) reach[k] = Math.ceil((cutoff * Math.sqrt(dot(normal, normal))) / Math.abs(volume));
      for (let a = 0; a < n; a++) {
        const fraction = dot([x[3 * a]!, x[3 * a + 1]!, x[3 * a + 2]!], normal) / volume;
        f[3 * a + k] = pbc[k] ? -Math.floor(fraction) : 0;
      }
    }
    // Wrapped into the cell: whole lattice vectors are taken off.
    for (let a = 0; a < n; a++)
      for (let c = 0; c < 3; c++) for (let k = 0; k < 3; k++) x[3 * a + c] = x[3 * a + c]! + f[3 * a + k]! * h[3 * k + c]!;
  }
  const out: Neighbour[] = [];
  let image = 0;
  for (let na = -reach[0]!; na <= reach[0]!; na++)
    for (let nb = -reach[1]!; nb <= reach[1]!; nb++)
      for (let nc = -reach[2]!; nc <= reach[2]!; nc++, image++)
        for (let j = 0; j < n; j++) {
          if (types[j]! < 0 || (j === i && na === 0 && nb === 0 && nc === 0)) continue;
          const d: [number, number, number] = [0, 0, 0];
          for (let c = 0; c < 3; c++)
            d[c] = x[3 * j + c]! - x[3 * i + c]! + (h ? na * h[c]! + nb * h[3 + c]! + nc * h[6 + c]! : 0);
          const r = Math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
          if (r <= cutoff) out.push({ j, type: types[j]!, d, r, image });
        }
  return out.sort((a, b) => a.r - b.r || a.j - b.j);
}
