import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hermiteNormalForm, integerDeterminant, integerInverse, reducedBasis } from '../../lib/builders/integer-matrix';
import { contentHash } from '../../lib/builders/provenance';
import { RandomStream } from '../../lib/builders/random';
import { minimumEdge, nearCubicSupercell, orthogonalSupercell, supercell } from '../../lib/builders/supercell';
import { nearCubicMatrix, orthogonalMatrix } from '../../lib/builders/supercell-search';
import {
  cellFromLengthsAndAngles,
  determinant,
  lengthsAndAngles,
  multiply,
  perpendicularWidths,
  type Vec3,
} from '../../lib/cell';
import { forEachPair } from '../../lib/close-pairs';
import { StructureError } from '../../lib/errors';
import { readCifStructure } from '../../lib/io/cif';
import { fractionalOf } from '../../lib/io/crystal';
import { makeStructure, type Structure, symbolsOf } from '../../lib/structure';
import { describeReference, referenceJson } from '../reference';

const bundled = (id: string) =>
  readCifStructure(readFileSync(join(__dirname, '..', '..', 'data', 'crystals', `${id}.cif`), 'utf8'));

/** Sorted distances from every atom up to a cutoff, as one list. */
function distances(structure: Structure, cutoff: number): number[][] {
  const out: number[][] = Array.from(structure.species, () => []);
  forEachPair(structure, cutoff, (i, j, d) => {
    out[i]!.push(d);
    out[j]!.push(d);
  });
  return out.map((list) => list.sort((a, b) => a - b));
}

function randomTriclinic(stream: RandomStream, atoms: number): Structure {
  for (;;) {
    const lengths = [0, 1, 2].map(() => 3 + 4 * stream.double()) as Vec3;
    const angles = [0, 1, 2].map(() => 50 + 80 * stream.double()) as Vec3;
    try {
      const cell = cellFromLengthsAndAngles(lengths, angles);
      if (Math.min(...perpendicularWidths(cell)) < 1) continue;
      const species = Uint8Array.from({ length: atoms }, () => 3 + stream.below(2) * 14);
      // Outside the cell too: nothing may depend on wrapping.
      const positions = Float64Array.from({ length: 3 * atoms }, () => 20 * stream.double() - 10);
      return makeStructure({ cell, species, positions, tags: { site: Int32Array.from(species, (_, i) => i) } });
    } catch {
      // The three angles span no volume: draw again.
    }
  }
}

function randomMatrix(stream: RandomStream): number[] {
  for (;;) {
    const p = Array.from({ length: 9 }, () => stream.below(7) - 3);
    const det = integerDeterminant(p);
    if (det > 0 && det <= 12) return p;
  }
}

describeReference('supercells against reference data', () => {
  interface Case {
    id: string;
    matrix: number[][];
    determinant: number;
    negated: boolean;
    hermite_normal_form: number[][];
    translations: number;
    cell: number[];
    volume: number;
    atoms: number;
    composition: Record<string, number>;
    checksum_sum_cos2pif_plus_half_sin2pi_fi_plus_fj: Record<string, number[]>;
  }
  test.each(referenceJson<{ cases: Case[] }>('structures', 'supercells.json').cases)('$id $matrix', async (expected) => {
    const unit = await bundled(expected.id);
    const result = supercell(unit, expected.matrix);
    const p = expected.matrix.flat();
    expect(integerDeterminant(p)).toBe(expected.determinant);
    expect(result.warnings.some(({ code }) => code === 'W_SUPERCELL_NEGATED')).toBe(expected.negated);
    expect(hermiteNormalForm(expected.negated ? p.map((x) => -x) : p)).toEqual(expected.hermite_normal_form.flat());
    const { lengths, angles } = lengthsAndAngles(result.cell!);
    // The reference cells are printed to 1e-6.
    [...lengths, ...angles].forEach((value, i) => {
      expect(Math.abs(value - expected.cell[i]!)).toBeLessThan(1e-5);
    });
    expect(result.species.length).toBe(expected.atoms);
    const symbols = symbolsOf(result);
    const fractional = fractionalOf(result.positions, result.cell!);
    for (const [element, sums] of Object.entries(expected.checksum_sum_cos2pif_plus_half_sin2pi_fi_plus_fj)) {
      expect(symbols.filter((symbol) => symbol === element).length).toBe(expected.composition[element]);
      sums.forEach((sum, k) => {
        let found = 0;
        symbols.forEach((symbol, i) => {
          const f = (axis: number) => fractional[3 * i + (axis % 3)]!;
          if (symbol === element) found += Math.cos(2 * Math.PI * f(k)) + 0.5 * Math.sin(2 * Math.PI * (f(k) + f(k + 1)));
        });
        // Sums of up to 160 terms of coordinates with six decimals.
        expect(Math.abs(found - sum)).toBeLessThan(2e-3);
      });
    }
    // Every copy of an atom sees what the atom sees; the coordinates of both differ by rounding alone.
    const shells = distances(unit, 5);
    distances(result, 5).forEach((list, i) => {
      const original = shells[i % unit.species.length]!;
      expect(list.length).toBe(original.length);
      expect(Math.max(...list.map((d, m) => Math.abs(d - original[m]!)))).toBeLessThan(1e-9);
    });
  });

  interface OrthogonalCase {
    id: string;
    cell_rows_in_terms_of_conventional: number[][];
    max_index: number;
    angle_tolerance_deg: number;
    max_determinant: number;
    determinant: number | null;
    edge_lengths_sorted: number[];
    largest_deviation_from_90_deg: number;
  }
  test.each(referenceJson<{ cases: OrthogonalCase[] }>('structures', 'orthogonal.json').cases)(
    'orthogonal $id',
    async (expected) => {
      const cell = multiply(expected.cell_rows_in_terms_of_conventional.flat(), (await bundled(expected.id)).cell!);
      const options = {
        maxIndex: expected.max_index,
        angleTolerance: expected.angle_tolerance_deg,
        maxDeterminant: expected.max_determinant,
      };
      if (expected.determinant === null) {
        expect(() => orthogonalMatrix(cell, options)).toThrow(expect.objectContaining({ code: 'E_NO_ORTHOGONAL' }));
        return;
      }
      const found = orthogonalMatrix(cell, options);
      expect(found.determinant).toBe(expected.determinant);
      expect(integerDeterminant(found.matrix)).toBe(expected.determinant);
      found.edges
        .sort((a, b) => a - b)
        .forEach((edge, i) => {
          // Printed to 1e-5.
          expect(Math.abs(edge - expected.edge_lengths_sorted[i]!)).toBeLessThan(1e-4);
        });
      expect(Math.abs(found.deviation - expected.largest_deviation_from_90_deg)).toBeLessThan(1e-4);
    },
  );
});

describe('integer matrices', () => {
  test('200 random matrices: the Hermite form has the same lattice, and its cosets are distinct', () => {
    const stream = new RandomStream(1).child('matrices');
    for (let round = 0; round < 200; round++) {
      const p = randomMatrix(stream);
      const det = integerDeterminant(p);
      const h = hermiteNormalForm(p);
      expect([h[3], h[6], h[7]]).toEqual([0, 0, 0]);
      expect(h[0]! * h[4]! * h[8]!).toBe(det);
      for (const [above, diagonal] of [
        [1, 4],
        [2, 8],
        [5, 8],
      ] as const) {
        expect(h[above]).toBeGreaterThanOrEqual(0);
        expect(h[above]).toBeLessThan(h[diagonal]!);
      }
      // U = h P^-1 is integer with determinant 1 exactly when the rows span the same lattice.
      const u = Array.from(multiply(h, integerInverse(p)));
      expect(Math.max(...u.map((x) => Math.abs(x - Math.round(x))))).toBeLessThan(1e-9);
      expect(integerDeterminant(u.map(Math.round))).toBe(1);
      const inverse = integerInverse(p);
      const seen = new Set<string>();
      for (let i = 0; i < h[0]!; i++) {
        for (let j = 0; j < h[4]!; j++) {
          for (let k = 0; k < h[8]!; k++) {
            const f = [0, 1, 2].map((c) => i * inverse[c]! + j * inverse[3 + c]! + k * inverse[6 + c]!);
            seen.add(f.map((x) => (((Math.round(x * det) % det) + det) % det).toString()).join());
          }
        }
      }
      expect(seen.size).toBe(det);
    }
  });

  test('a skewed basis is reduced to the short one', () => {
    const stream = new RandomStream(2);
    for (let round = 0; round < 100; round++) {
      const { cell } = randomTriclinic(stream, 1);
      let p = randomMatrix(stream);
      while (integerDeterminant(p) !== 1) p = randomMatrix(stream);
      const before = multiply(reducedBasis(cell!), cell!);
      const after = multiply(reducedBasis(multiply(p, cell!)), multiply(p, cell!));
      // The lengths of a Minkowski-reduced basis are the successive minima of the lattice: they do not depend on the start.
      const minima = (h: Float64Array) => lengthsAndAngles(h).lengths.sort((a, b) => a - b);
      minima(before).forEach((length, i) => {
        expect(minima(after)[i]).toBeCloseTo(length, 8);
      });
      expect(determinant(after)).toBeCloseTo(determinant(cell!), 8);
    }
  });
});

describe('supercells', () => {
  test('60 random triclinic cells and matrices keep every distance', () => {
    const stream = new RandomStream(7).child('supercells');
    for (let round = 0; round < 60; round++) {
      const unit = randomTriclinic(stream, 1 + stream.below(4));
      const result = supercell(unit, randomMatrix(stream));
      const shells = distances(unit, 6);
      const site = result.tags.site as Int32Array;
      distances(result, 6).forEach((list, i) => {
        const original = shells[site[i]!]!;
        expect(list.length).toBe(original.length);
        // Coordinates up to some tens of A carry roundings of 1e-14 each.
        expect(list.reduce((worst, d, m) => Math.max(worst, Math.abs(d - original[m]!)), 0)).toBeLessThan(1e-10);
      });
      const fractional = fractionalOf(result.positions, result.cell!);
      expect(Math.min(...fractional)).toBeGreaterThan(-1e-9);
      expect(Math.max(...fractional)).toBeLessThan(1 + 1e-9);
    }
  });

  const licl = () => bundled('LiCl');

  test('order, tags and provenance', async () => {
    const unit = {
      ...(await licl()),
      charges: Float64Array.from([1, 1, 1, 1, -1, -1, -1, -1]),
      info: { energy: -3, note: 'kept' },
    };
    const result = supercell(unit, [2, 1, 1]);
    expect(Array.from(result.tags.cell as Int32Array)).toEqual([...Array(8).fill(0), ...Array(8).fill(1)]);
    expect(result.tags.label).toEqual([...(unit.tags.label as string[]), ...(unit.tags.label as string[])]);
    expect(Array.from(result.charges!)).toEqual([...unit.charges, ...unit.charges]);
    expect(result.info).toEqual({
      note: 'kept',
      provenance: [
        {
          builder: 'supercell',
          version: expect.any(String),
          parameters: {
            matrix: [
              [2, 0, 0],
              [0, 1, 0],
              [0, 0, 1],
            ],
          },
          inputs: [contentHash(unit)],
        },
      ],
    });
    expect(contentHash(supercell(unit, [2, 1, 1]))).toBe(contentHash(result));
    expect(contentHash(supercell(unit, [1, 2, 1]))).not.toBe(contentHash(result));
  });

  test.each([
    [[1, 1], 'E_SUPERCELL_INTEGER'],
    [[1.5, 1, 1], 'E_SUPERCELL_INTEGER'],
    [
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      'E_SUPERCELL_INTEGER',
    ],
    [[1, 0, 1], 'E_SUPERCELL_SINGULAR'],
    [
      [
        [1, 1, 0],
        [2, 2, 0],
        [0, 0, 1],
      ],
      'E_SUPERCELL_SINGULAR',
    ],
    [[1000, 1000, 1000], 'E_TOO_LARGE'],
  ])('%j is refused with %s', async (matrix, code) => {
    const unit = await licl();
    expect(() => supercell(unit, matrix as never)).toThrow(expect.objectContaining({ code }));
    expect(() => supercell(unit, matrix as never)).toThrow(StructureError);
  });

  test('a direction that is not periodic cannot be repeated', async () => {
    const slab: Structure = { ...(await licl()), pbc: [true, true, false] };
    expect(() => supercell(slab, [1, 1, 2])).toThrow(expect.objectContaining({ code: 'E_CELL_INVALID' }));
    expect(supercell(slab, [2, 2, 1]).species.length).toBe(32);
  });

  test('squareUp gives right angles and keeps fractions and edges', async () => {
    const unit = await bundled('GaCl3_C2m');
    const options = { angleTolerance: 1.5, maxDeterminant: 12 };
    const plain = orthogonalSupercell(unit, options);
    const square = orthogonalSupercell(unit, { ...options, squareUp: true });
    const before = lengthsAndAngles(plain.cell!);
    const after = lengthsAndAngles(square.cell!);
    after.angles.forEach((angle) => {
      expect(angle).toBeCloseTo(90, 10);
    });
    after.lengths.forEach((length, i) => {
      expect(length).toBeCloseTo(before.lengths[i]!, 10);
    });
    const [f, g] = [plain, square].map((s) => fractionalOf(s.positions, s.cell!));
    expect(f!.reduce((worst, x, i) => Math.max(worst, Math.abs(x - g![i]!)), 0)).toBeLessThan(1e-12);
    // The angle was off by 0.7794 degrees: a shear of half of that in two elements, up to its square (2e-4).
    const shear = (0.7794 * Math.PI) / 180 / 2;
    expect(Math.hypot(...(square.info.strain as number[]))).toBeCloseTo(Math.SQRT2 * shear, 4);
    expect(square.warnings.map(({ code }) => code)).toContain('W_STRAINED');
  });

  test('a near-cubic cell of rhombohedral MgCl2 is found, and the primitive cell of NaCl gives the cube', async () => {
    const mgcl2 = await bundled('MgCl2_R-3m');
    const result = nearCubicSupercell(mgcl2, 500);
    expect(Math.abs(result.species.length - 500)).toBeLessThanOrEqual(100);
    const score = (cell: Float64Array) => {
      const edge2 = determinant(cell) ** (2 / 3);
      const g = multiply(
        cell,
        Float64Array.from([0, 3, 6, 1, 4, 7, 2, 5, 8], (i) => cell[i]!),
      );
      return g.reduce((sum, x, i) => sum + (x / edge2 - (i % 4 === 0 ? 1 : 0)) ** 2, 0);
    };
    // Brute force over the diagonal cells and those of the orthogonal cell: the search may not be worse than the best of them.
    for (const matrix of [
      [8, 8, 1],
      [7, 7, 1],
      [5, 5, 2],
      [6, 5, 2],
    ] as const)
      expect(score(result.cell!)).toBeLessThanOrEqual(score(supercell(mgcl2, matrix).cell!));
    expect(score(result.cell!)).toBeLessThanOrEqual(
      score(
        supercell(mgcl2, [
          [5, 0, 0],
          [3, 6, 0],
          [0, 0, 2],
        ]).cell!,
      ),
    );

    const cube = 5.6402;
    const primitive = multiply([0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0], [cube, 0, 0, 0, cube, 0, 0, 0, cube]);
    const p = nearCubicMatrix(primitive, 32);
    expect(integerDeterminant(p)).toBe(32);
    expect(score(multiply(p, primitive))).toBeLessThan(1e-20);
  });

  test('near-cubic search equals brute force over all matrices with entries up to 1', () => {
    const stream = new RandomStream(12);
    const score = (p: number[], cell: Float64Array) => {
      const h = multiply(p, cell);
      const edge2 = Math.abs(determinant(h)) ** (2 / 3);
      let sum = 0;
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const g = h[3 * i]! * h[3 * j]! + h[3 * i + 1]! * h[3 * j + 1]! + h[3 * i + 2]! * h[3 * j + 2]!;
          sum += (g / edge2 - (i === j ? 1 : 0)) ** 2;
        }
      }
      return sum;
    };
    for (let round = 0; round < 10; round++) {
      const { cell } = randomTriclinic(stream, 1);
      let best = Number.POSITIVE_INFINITY;
      for (let code = 0; code < 3 ** 9; code++) {
        const p: number[] = [];
        for (let rest = code, i = 0; i < 9; i++) {
          p.push((rest % 3) - 1);
          rest = Math.floor(rest / 3);
        }
        // Three cells within 20 % are three cells.
        if (integerDeterminant(p) === 3) best = Math.min(best, score(p, cell!));
      }
      expect(score(nearCubicMatrix(cell!, 3), cell!)).toBeLessThanOrEqual(best + 1e-9);
    }
  });

  test('minimumEdge reaches the wanted face distances with the fewest cells', async () => {
    const unit = await bundled('MgCl2_R-3m');
    const result = minimumEdge(unit, 10);
    expect(Math.min(...perpendicularWidths(result.cell!))).toBeGreaterThanOrEqual(10);
    // a sin 60 = 3.149 A: four; c = 17.67 A: one.
    expect(result.species.length).toBe(9 * 16);
    expect(minimumEdge(await licl(), 5.08424).species.length).toBe(8);
  });
});
