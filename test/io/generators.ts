/** Random structures and damaged files for the tests of the formats. */
import fc from 'fast-check';
import { cellFromLengthsAndAngles } from '../../lib/cell.js';
import { StructureError } from '../../lib/errors.js';
import { type JsonValue, makeStructure, type Structure, type Tag } from '../../lib/structure.js';

/** The StructureError that `action` throws; anything else fails the test. */
export function errorOf(action: () => unknown): StructureError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(StructureError);
    return error as StructureError;
  }
  throw new Error('expected an error, none was thrown');
}

const angle = fc.double({ min: 50, max: 130, noNaN: true });
const edge = fc.double({ min: 2, max: 40, noNaN: true });

/** Triclinic cells with angles from 50 to 130 degrees (structures.md 25.3), in a general orientation or the restricted one. */
export const arbitraryCell = fc
  .tuple(fc.tuple(edge, edge, edge), fc.tuple(angle, angle, angle), fc.boolean())
  .map(([lengths, angles, turned]) => {
    try {
      const h = cellFromLengthsAndAngles(lengths, angles);
      if (!turned) return h;
      // A cyclic exchange of the axes is a proper rotation that leaves no zero where it was.
      return Float64Array.of(h[1]!, h[2]!, h[0]!, h[4]!, h[5]!, h[3]!, h[7]!, h[8]!, h[6]!);
    } catch {
      return null;
    }
  })
  .filter(
    (h): h is Float64Array =>
      h !== null &&
      Math.abs(h[0]! * (h[4]! * h[8]! - h[5]! * h[7]!)) + Math.abs(h[2]! * h[3]! * h[7]!) + Math.abs(h[1]! * h[5]! * h[6]!) > 1,
  );

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 });
const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((s) => !s.includes('\0'));
const json: fc.Arbitrary<JsonValue> = fc.oneof(
  anyDouble,
  fc.integer(),
  fc.boolean(),
  text,
  fc.array(anyDouble, { maxLength: 4 }),
  fc.array(text, { maxLength: 3 }),
  fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  fc.constant(null),
);

const special = new Set([
  'Lattice',
  'Properties',
  'pbc',
  'Origin',
  'Time',
  'time',
  'step',
  'energy',
  'free_energy',
  'stress',
  'virial',
  'virials',
]);
const key = fc
  .oneof(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,6}$/), fc.string({ minLength: 1, maxLength: 6 }))
  .filter((k) => !special.has(k) && !/[\r\n]/.test(k));
/** Values that JSON itself does not keep (-0 inside nested lists and objects) are left out. */
const info = fc.dictionary(key, json, { maxKeys: 4, noNullPrototype: true }).filter((o) => !JSON.stringify(o).includes('\\r'));

/** A structure with everything that extended XYZ holds. */
export const arbitraryStructure: fc.Arbitrary<Structure> = fc
  .record({
    cell: fc.option(arbitraryCell),
    species: fc.uint8Array({ min: 1, max: 118, minLength: 1, maxLength: 5 }),
    info,
    energy: fc.option(anyDouble, { nil: undefined }),
    time: fc.option(anyDouble, { nil: undefined }),
    pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    origin: fc.tuple(finite, finite, finite),
    optional: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
  })
  .chain((base) => {
    const n = base.species.length;
    const vector = fc.array(anyDouble, { minLength: 3 * n, maxLength: 3 * n }).map((x) => Float64Array.from(x));
    const scalar = fc.array(anyDouble, { minLength: n, maxLength: n }).map((x) => Float64Array.from(x));
    const integers = fc.array(fc.integer(), { minLength: n, maxLength: n }).map((x) => Int32Array.from(x));
    const bits = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: n, maxLength: n }).map((x) => Int32Array.from(x));
    const words = fc.array(fc.stringMatching(/^\S{1,5}$/), { minLength: n, maxLength: n });
    return fc
      .record({
        positions: vector,
        velocities: vector,
        forces: vector,
        charges: scalar,
        masses: scalar,
        images: fc.array(fc.integer(), { minLength: 3 * n, maxLength: 3 * n }).map((x) => Int32Array.from(x)),
        grain: integers,
        fixed: bits,
        label: words,
        atom_energy: scalar,
      })
      .map((arrays) => {
        const [velocities, forces, charges, images, ids, tagged] = base.optional;
        const tags: Record<string, Tag> = tagged
          ? { grain: arrays.grain, fixed: arrays.fixed, label: arrays.label, atom_energy: arrays.atom_energy }
          : {};
        return makeStructure({
          species: base.species,
          positions: arrays.positions,
          cell: base.cell,
          pbc: base.cell ? base.pbc : [false, false, false],
          origin: base.origin,
          info: {
            ...base.info,
            ...(base.energy === undefined ? {} : { energy: base.energy }),
            ...(base.time === undefined ? {} : { time: base.time }),
          },
          tags,
          ...(velocities ? { velocities: arrays.velocities } : {}),
          ...(forces ? { forces: arrays.forces } : {}),
          ...(charges ? { charges: arrays.charges, masses: arrays.masses } : {}),
          ...(images ? { images: arrays.images } : {}),
          ...(ids ? { ids: Uint32Array.from({ length: n }, (_, i) => 3 * i + 1) } : {}),
        });
      });
  });

/** A small generator of its own, so that the damaged files are the same everywhere. */
function* randomIntegers(seed: number): Generator<(below: number) => number> {
  let state = seed >>> 0;
  for (;;) {
    yield (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 4294967296) * below);
    };
  }
}

/** `count` damaged copies of the seeds: bytes changed, removed, doubled, inserted, the end cut off. */
export function* mutations(seeds: readonly (string | Uint8Array)[], count: number, seed: number): Generator<Buffer> {
  const below = randomIntegers(seed).next().value as (n: number) => number;
  const tempting = [
    '"',
    '\n',
    ' ',
    '-',
    '=',
    '[',
    ']',
    'e',
    '0',
    '9',
    '.',
    ':',
    'T',
    '\0',
    'nan',
    '1e999',
    '99999999999',
    '\xff',
  ];
  for (let k = 0; k < count; k++) {
    let bytes = Buffer.from(seeds[k % seeds.length]!);
    const changes = 1 + below(3);
    for (let c = 0; c < changes && bytes.length > 0; c++) {
      const at = below(bytes.length);
      const length = 1 + below(8);
      switch (below(5)) {
        case 0:
          bytes[at] = below(256);
          break;
        case 1:
          bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
          break;
        case 2:
          bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
          break;
        case 3:
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            Buffer.from(tempting[below(tempting.length)]!, 'latin1'),
            bytes.subarray(at),
          ]);
          break;
        default:
          bytes = bytes.subarray(0, at);
      }
    }
    yield Buffer.from(bytes);
  }
}
