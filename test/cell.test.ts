import fc from 'fast-check';
import {
  cellFromLengthsAndAngles,
  determinant,
  inverse,
  lengthsAndAngles,
  multiply,
  perpendicularWidths,
  restrictedForm,
  timesMatrix,
  transpose,
  type Vec3,
} from '../lib/cell.js';
import { imagesAfter, reduceTilt, wrapPositions } from '../lib/cell-reduction.js';
import { negatedCell } from '../lib/structure.js';
import { arbitraryCell, errorOf } from './io/generators.js';
import { describeReference, referenceJson } from './reference.js';

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThan(tolerance);
};

describe('matrices', () => {
  test('inverse, determinant and transpose of random cells', () => {
    fc.assert(
      fc.property(arbitraryCell, (h) => {
        // Edges up to 40 A, condition numbers to a few hundred: 1e-12 is 1e4 ulp of 1.
        close(multiply(h, inverse(h)), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-12);
        expect(transpose(transpose(h))).toEqual(h);
        expect(Math.abs(determinant(transpose(h)) / determinant(h) - 1)).toBeLessThan(1e-12);
        expect(determinant(negatedCell(h))).toBeCloseTo(-determinant(h), 8);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test('widths are the distances of opposite faces: moving by a width along a face normal is one period', () => {
    fc.assert(
      fc.property(arbitraryCell, (h) => {
        const columns = transpose(inverse(h));
        // Columns of H^-1 are face normals over the widths.
        close(
          perpendicularWidths(h),
          [0, 1, 2].map((k) => 1 / Math.hypot(...columns.subarray(3 * k, 3 * k + 3))),
          1e-10,
        );
      }),
      { numRuns: 200, seed: 2 },
    );
  });
});

describe('lengths and angles', () => {
  test('hexagonal cells are exactly hexagonal', () => {
    const h = cellFromLengthsAndAngles([4, 4, 7], [90, 90, 120]);
    expect([...h]).toEqual([4, 0, 0, -2, 4 * Math.sqrt(0.75), 0, 0, 0, 7]);
  });

  test('round trip', () => {
    fc.assert(
      fc.property(arbitraryCell, (h) => {
        const { lengths, angles } = lengthsAndAngles(h);
        const back = cellFromLengthsAndAngles(lengths, angles);
        // Same restricted cell: acos and cos lose a few digits between 50 and 130 degrees, flat cells lose two more.
        close(back, restrictedForm(h).cell, 1e-10);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  test.each<[Vec3, Vec3]>([
    [
      [4, 4, 0],
      [90, 90, 90],
    ],
    [
      [4, -4, 4],
      [90, 90, 90],
    ],
    [
      [4, 4, Number.NaN],
      [90, 90, 90],
    ],
    [
      [4, 4, 4],
      [0, 90, 90],
    ],
    [
      [4, 4, 4],
      [90, 180, 90],
    ],
    [
      [4, 4, 4],
      [30, 90, 150],
    ],
    [
      [4, 4, 4],
      [60, 60, 120],
    ],
    [
      [4, 4, 4],
      [120, 120, 120],
    ],
  ])('%j %j spans no volume', (lengths, angles) => {
    expect(errorOf(() => cellFromLengthsAndAngles(lengths, angles)).code).toBe('E_CELL_INVALID');
  });
});

describe('restricted form', () => {
  test('a rotation that keeps volume, lengths and angles', () => {
    fc.assert(
      fc.property(arbitraryCell, (h) => {
        const { cell, rotation } = restrictedForm(h);
        expect([cell[1], cell[2], cell[5]]).toEqual([0, 0, 0]);
        close(multiply(h, rotation), cell, 1e-11);
        close(multiply(rotation, transpose(rotation)), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-14);
        expect(determinant(rotation)).toBeCloseTo(1, 13);
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  test('a restricted cell keeps its bits', () => {
    const h = Float64Array.of(7.1, 0, 0, -2.3, 9.7, 0, 1.1, -3.3, 11.9);
    expect(restrictedForm(h)).toEqual({ cell: h, rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) });
  });
});

describe('reduction', () => {
  const tilted = fc
    .tuple(
      fc.double({ min: 3, max: 20, noNaN: true }),
      fc.double({ min: 3, max: 20, noNaN: true }),
      fc.double({ min: 3, max: 20, noNaN: true }),
      fc.array(fc.double({ min: -60, max: 60, noNaN: true }), { minLength: 3, maxLength: 3 }),
    )
    .map(([lx, ly, lz, [xy, xz, yz]]) => Float64Array.of(lx, 0, 0, xy!, ly, 0, xz!, yz!, lz));

  test('the lattice, the places of atoms and their unwrapped paths stay', () => {
    fc.assert(
      fc.property(
        tilted,
        fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 }),
        (h, x, n) => {
          const reduced = reduceTilt(h, 0.5);
          if (!reduced) return;
          const { cell, matrix } = reduced;
          expect(determinant(matrix)).toBe(1);
          close(multiply(matrix, h), cell, 1e-11);
          expect(determinant(cell)).toBeCloseTo(determinant(h), 8);
          // x + nH is the same with the new counts.
          const images = imagesAfter(n, matrix);
          close(timesMatrix(images, cell), timesMatrix(n, h), 1e-10);
          const wrapped = wrapPositions(x, images, cell);
          close(
            timesMatrix(wrapped.images, cell).map((value, k) => value + wrapped.positions[k]!),
            timesMatrix(n, h).map((value, k) => value + x[k]!),
            1e-9,
          );
          // yz and xy lie within half an edge; xz too, as it was reduced after yz.
          expect(Math.abs(cell[7]! / cell[4]!)).toBeLessThanOrEqual(0.5 + 1e-12);
          expect(Math.abs(cell[6]! / cell[0]!)).toBeLessThanOrEqual(0.5 + 1e-12);
          expect(Math.abs(cell[3]! / cell[0]!)).toBeLessThanOrEqual(0.5 + 1e-12);
        },
      ),
      { numRuns: 500, seed: 5 },
    );
  });

  test('nothing happens below the limit, and the hysteresis holds', () => {
    expect(reduceTilt([10, 0, 0, 5.9, 10, 0, 5.9, 5.9, 10])).toBeNull();
    expect([...reduceTilt([10, 0, 0, 6.1, 10, 0, 0, 0, 10])!.cell]).toEqual([10, 0, 0, 6.1 - 10, 10, 0, 0, 0, 10]);
    expect([...reduceTilt([10, 0, 0, 5.1, 10, 0, 0, 0, 10], 0.5)!.matrix]).toEqual([1, 0, 0, -1, 1, 0, 0, 0, 1]);
  });

  test('wrapping: fractions in [0, 1), open directions untouched, a coordinate just below zero', () => {
    const h = [10, 0, 0, 0, 10, 0, 0, 0, 10];
    const out = wrapPositions([-1e-30, 25, -3, 10, 0, 9.5], null, h, [true, true, false]);
    expect([...out.positions]).toEqual([0, 5, -3, 0, 0, 9.5]);
    expect([...out.images]).toEqual([0, 2, 0, 1, 0, 0]);
  });
});

interface CellCase {
  general_rows: number[][];
  left_handed: boolean;
  restricted_rows: number[][];
  R: number[][];
  volume_A3: number;
  perpendicular_widths_A: number[];
  lengths_angles: number[];
  vector_general: number[];
  vector_restricted: number[];
  stress_restricted_voigt: number[];
  stress_general_voigt: number[];
  reduced_rows: number[][];
  integer_matrix_reduced_equals_M_times_restricted: number[][];
}

interface WrapCase {
  cell: number[][];
  positions_A: number[][];
  images: number[][];
  wrapped_A: number[][];
  wrapped_images: number[][];
  after_reduction: { cell: number[][]; M: number[][]; wrapped_A: number[][]; images: number[][] };
}

describeReference('reference cells', () => {
  const { cases, wrap_and_reduce } = referenceJson<{ cases: CellCase[]; wrap_and_reduce: WrapCase[] }>('dynamics', 'cells.json');
  // Voigt order xx yy zz yz xz xy.
  const tensor = ([xx, yy, zz, yz, xz, xy]: number[]) => [xx!, xy!, xz!, xy!, yy!, yz!, xz!, yz!, zz!];

  test.each(cases.map((c, i) => [i, c] as const))('cell %i', (_, c) => {
    const general = Float64Array.from(c.general_rows.flat());
    expect(determinant(general) < 0).toBe(c.left_handed);
    const h = c.left_handed ? negatedCell(general) : general;
    const { cell, rotation } = restrictedForm(h);
    // "exact to 1e-12", README of the reference data
    close(cell, c.restricted_rows.flat(), 1e-12);
    close(rotation, c.R.flat(), 1e-12);
    expect(Math.abs(determinant(h) - c.volume_A3)).toBeLessThan(1e-12 * c.volume_A3);
    close(perpendicularWidths(h), c.perpendicular_widths_A, 1e-12);
    const { lengths, angles } = lengthsAndAngles(h);
    close([...lengths, ...angles], c.lengths_angles, 1e-12 * 180);
    close(timesMatrix(c.vector_general, rotation), c.vector_restricted, 1e-12);
    close(
      multiply(multiply(rotation, tensor(c.stress_restricted_voigt)), transpose(rotation)),
      tensor(c.stress_general_voigt),
      1e-12,
    );
    const reduced = reduceTilt(cell, 0.5) ?? { cell, matrix: Int32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
    close(reduced.cell, c.reduced_rows.flat(), 1e-12);
    expect([...reduced.matrix]).toEqual(c.integer_matrix_reduced_equals_M_times_restricted.flat());
  });

  test.each(wrap_and_reduce.map((c, i) => [i, c] as const))('wrapping and reducing %i', (_, c) => {
    const h = Float64Array.from(c.cell.flat());
    const first = wrapPositions(c.positions_A.flat(), c.images.flat(), h);
    close(first.positions, c.wrapped_A.flat(), 1e-12 * 100);
    expect([...first.images]).toEqual(c.wrapped_images.flat());
    const { cell, matrix } = reduceTilt(h, 0.5)!;
    close(cell, c.after_reduction.cell.flat(), 1e-12);
    expect([...matrix]).toEqual(c.after_reduction.M.flat());
    const second = wrapPositions(first.positions, imagesAfter(first.images, matrix), cell);
    close(second.positions, c.after_reduction.wrapped_A.flat(), 1e-12 * 100);
    expect([...second.images]).toEqual(c.after_reduction.images.flat());
  });
});
