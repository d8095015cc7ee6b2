/** The neighbour list against all images by brute force (dynamics.md 3; validation A2, A10). */
import fc from 'fast-check';
import { cellFromLengthsAndAngles, inverse, timesMatrix } from '../../lib/cell.js';
import { native, nativeAddon } from '../../lib/native/loader.js';
import { describeReference, referenceJson } from '../reference.js';

type Pbc = [boolean, boolean, boolean];

/** Every (j, n) within the cutoff, in the order of the list. */
function bruteForce(positions: Float64Array, h: Float64Array, pbc: Pbc, cutoff: number): string[][] {
  const n = positions.length / 3;
  const hi = inverse(h);
  // Images that can matter: |n_k| <= cutoff / width + the difference of fractional coordinates.
  const fractions = Array.from({ length: n }, (_, i) => timesMatrix(positions.subarray(3 * i, 3 * i + 3), hi));
  const widths = [0, 1, 2].map((k) => 1 / Math.hypot(hi[k]!, hi[3 + k]!, hi[6 + k]!));
  const reach = [0, 1, 2].map((k) =>
    pbc[k] ? Math.ceil(cutoff / widths[k]! + Math.max(...fractions.map((f) => Math.abs(f[k]!))) * 2 + 1) : 0,
  );
  return Array.from({ length: n }, (_, i) => {
    const found: [number, number, number, number][] = [];
    for (let j = 0; j < n; j++)
      for (let a = -reach[0]!; a <= reach[0]!; a++)
        for (let b = -reach[1]!; b <= reach[1]!; b++)
          for (let c = -reach[2]!; c <= reach[2]!; c++) {
            if (i === j && a === 0 && b === 0 && c === 0) continue;
            const d = [0, 1, 2].map(
              (k) => positions[3 * j + k]! - positions[3 * i + k]! + a * h[k]! + b * h[3 + k]! + c * h[6 + k]!,
            );
            if (Math.hypot(...d) < cutoff) found.push([j, a, b, c]);
          }
    return found.map((entry) => entry.join(' ')).sort();
  });
}

function listed(positions: Float64Array, h: Float64Array, pbc: Pbc, cutoff: number, threads = 1) {
  const { offsets, neighbours, shifts } = native(() => nativeAddon().neighbourList(positions, h, pbc, cutoff, threads));
  return Array.from({ length: positions.length / 3 }, (_, i) =>
    Array.from({ length: offsets[i + 1]! - offsets[i]! }, (_, e) => {
      const k = offsets[i]! + e;
      return `${neighbours[k]} ${shifts[3 * k]} ${shifts[3 * k + 1]} ${shifts[3 * k + 2]}`;
    }).sort(),
  );
}

const angle = fc.double({ min: 55, max: 125, noNaN: true });
const length = fc.double({ min: 2, max: 9, noNaN: true });
const cells = fc
  .tuple(length, length, length, angle, angle, angle)
  .filter(([, , , al, be, ga]) => {
    const [a, b, c] = [al, be, ga].map((x) => Math.cos((x * Math.PI) / 180)) as [number, number, number];
    return 1 + 2 * a * b * c - a * a - b * b - c * c > 0.05;
  })
  .map(([a, b, c, al, be, ga]) => cellFromLengthsAndAngles([a, b, c], [al, be, ga]));
const flags = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());

test('equals brute force in random cells, with any periodic directions, atoms anywhere', () => {
  fc.assert(
    fc.property(
      cells,
      flags,
      fc.array(fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -1.5, max: 2.5, noNaN: true }))), { minLength: 1, maxLength: 5 }),
      fc.double({ min: 1, max: 5.5, noNaN: true }),
      (h, pbc, fractions, cutoff) => {
        const positions = Float64Array.from(fractions.flatMap((f) => timesMatrix(f as [number, number, number], h)));
        expect(listed(positions, h, pbc as Pbc, cutoff)).toEqual(bruteForce(positions, h, pbc as Pbc, cutoff));
      },
    ),
    { numRuns: 150, seed: 20 },
  );
});

test('a cell of one atom has its own images as neighbours: twelve in fcc', () => {
  const fcc = Float64Array.of(0, 2, 2, 2, 0, 2, 2, 2, 0);
  expect(listed(new Float64Array(3), fcc, [true, true, true], 3)[0]).toHaveLength(12);
  // Four shells of a 9 A cutoff in a 1.5 A cell: counted by the volume of the integer lattice points inside.
  const cube = Float64Array.of(1.5, 0, 0, 0, 1.5, 0, 0, 0, 1.5);
  let points = -1;
  for (let a = -6; a <= 6; a++)
    for (let b = -6; b <= 6; b++) for (let c = -6; c <= 6; c++) points += a * a + b * b + c * c < 36 ? 1 : 0;
  expect(listed(new Float64Array(3), cube, [true, true, true], 9)[0]).toHaveLength(points);
});

test('every entry has its mirror, and threads change nothing', () => {
  const h = Float64Array.of(11, 0, 0, 3, 10, 0, -4, 2, 12);
  const positions = Float64Array.from({ length: 300 }, (_, k) => ((k * 7919) % 1009) / 80);
  const one = native(() => nativeAddon().neighbourList(positions, h, [true, true, true], 4, 1));
  const eight = native(() => nativeAddon().neighbourList(positions, h, [true, true, true], 4, 8));
  expect(eight).toEqual(one);
  const entries = new Set<string>();
  const key = (i: number, j: number, n: number[]) => `${i} ${j} ${n.map((x) => x + 0).join(' ')}`;
  for (let i = 0; i < 100; i++) {
    for (let k = one.offsets[i]!; k < one.offsets[i + 1]!; k++) {
      entries.add(key(i, one.neighbours[k]!, [...one.shifts.subarray(3 * k, 3 * k + 3)]));
    }
  }
  for (const entry of entries) {
    const [i, j, ...n] = entry.split(' ').map(Number);
    expect(
      entries.has(
        key(
          j!,
          i!,
          n.map((x) => (x === 0 ? 0 : -x)),
        ),
      ),
    ).toBe(true);
  }
});

test('sparse systems cost no memory for empty bins', () => {
  const positions = Float64Array.of(0, 0, 0, 1e8, 0, 0, 1e8, 1, 0);
  const list = native(() => nativeAddon().neighbourList(positions, new Float64Array(9), [false, false, false], 5, 1));
  expect(Array.from(list.offsets)).toEqual([0, 0, 1, 2]);
});

test('positions that are not numbers are an error that names the atom', () => {
  const call = () =>
    native(() =>
      nativeAddon().neighbourList(Float64Array.of(0, 0, 0, 0, Number.NaN, 0), new Float64Array(9), [false, false, false], 5, 1),
    );
  expect(call).toThrow(expect.objectContaining({ code: 'NONFINITE_POSITION', atom: 1 }));
});

describeReference('reference list of a tilted cell', () => {
  interface Reference {
    initial: { cell: number[][]; positions_A: number[][] };
    cutoff_A: number;
    count_per_atom: number[];
    total_directed_pairs: number;
    sum_of_distances_A: number[];
    neighbours_of_atom_0: number[][];
  }

  test('counts, distances and images', () => {
    const data = referenceJson<Reference>('dynamics', 'neighbours.json');
    const h = Float64Array.from(data.initial.cell.flat());
    const x = Float64Array.from(data.initial.positions_A.flat());
    const { offsets, neighbours, shifts } = native(() => nativeAddon().neighbourList(x, h, [true, true, true], data.cutoff_A, 2));
    const counts = data.count_per_atom.map((_, i) => offsets[i + 1]! - offsets[i]!);
    expect(counts).toEqual(data.count_per_atom);
    expect(neighbours).toHaveLength(data.total_directed_pairs);
    const distance = (i: number, k: number) => {
      const j = neighbours[k]!;
      const n = [...shifts.subarray(3 * k, 3 * k + 3)] as [number, number, number];
      const shift = timesMatrix(n, h);
      return Math.hypot(...[0, 1, 2].map((c) => x[3 * j + c]! - x[3 * i + c]! + shift[c]!));
    };
    data.sum_of_distances_A.forEach((expected, i) => {
      let sum = 0;
      for (let k = offsets[i]!; k < offsets[i + 1]!; k++) sum += distance(i, k);
      // Fifty terms of a few angstrom: rounding of 1e-14 each.
      expect(Math.abs(sum - expected)).toBeLessThan(1e-11);
    });
    const first = Array.from({ length: offsets[1]! }, (_, k) =>
      [neighbours[k], ...shifts.subarray(3 * k, 3 * k + 3)].join(' '),
    ).sort();
    expect(first).toEqual(data.neighbours_of_atom_0.map((entry) => entry.join(' ')).sort());
  });
});
