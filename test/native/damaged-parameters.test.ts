/**
 * The flat parameters of a Deep Potential with damage of every kind, given to the addon past the readers' own checks: it refuses them with
 * a code, or makes a potential that can be evaluated. It never reads or writes where it must not (run under a sanitizer too), and nothing
 * grows without bound.
 */
import { chooseIsa, nativeAddon } from '../../lib/native/loader.js';
import { nativeParameters } from '../../lib/potential/deep-potential-native.js';
import { RANDOM_KINDS, type RandomKind, randomModel, randomStream } from '../oracle/random-model.js';

const addon = nativeAddon();
const isa = chooseIsa();
const natoms = 20;

type Numbers = Float64Array | Int32Array | Uint8Array;
type Place = { holder: Record<string | number, unknown>; key: string | number };

const isNumbers = (value: unknown): value is Numbers => ArrayBuffer.isView(value);

/** A copy that may be damaged; typed arrays are copied as well. */
const copyOf = (value: object) => structuredClone(value) as Record<string, unknown>;

function placesOf(value: unknown, out: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null || isNumbers(value)) return out;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const holder = value as Record<string | number, unknown>;
    out.push({ holder, key });
    placesOf(holder[key], out);
  }
  return out;
}

const ODD_NUMBERS = [
  0,
  -1,
  1,
  2,
  5,
  7,
  100,
  2 ** 16,
  2 ** 20,
  2 ** 31 - 1,
  -(2 ** 31),
  1e300,
  -1e300,
  1e-300,
  0.5,
  Number.NaN,
  Infinity,
];

function resized(array: Numbers, length: number): Numbers {
  const out = new (array.constructor as Float64ArrayConstructor)(length) as Numbers;
  out.set(array.subarray(0, Math.min(length, array.length)) as never);
  return out;
}

function damage(place: Place, random: () => number): void {
  const value = place.holder[place.key];
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
  if (isNumbers(value)) {
    if (random() < 0.35) {
      place.holder[place.key] = resized(
        value,
        pick([0, 1, value.length - 1, value.length + 1, 2 * value.length].filter((n) => n >= 0)),
      );
    } else if (value.length > 0) {
      value[Math.floor(random() * value.length)] = pick(ODD_NUMBERS);
    }
  } else if (typeof value === 'number') {
    place.holder[place.key] = random() < 0.3 ? value * pick([0.5, 2, 1 + 1e-9, -1]) : pick(ODD_NUMBERS);
  } else if (typeof value === 'boolean') {
    place.holder[place.key] = !value;
  } else if (Array.isArray(value)) {
    const change = random();
    if (change < 0.3) value.pop();
    else if (change < 0.6 && value.length > 0) value.push(pick(value));
    else if (change < 0.8 && value.length > 1) value.reverse();
    else place.holder[place.key] = [];
  } else {
    place.holder[place.key] = value === null ? pick([new Float64Array(4), 0, {}, []]) : null;
  }
}

/** Atoms on a jittered lattice, without images: a damaged cutoff may be as long as it likes. */
function systemOf(ntypes: number, seed: number) {
  const random = randomStream(seed);
  const positions = Float64Array.from({ length: 3 * natoms }, (_, k) => {
    const i = Math.floor(k / 3);
    return 1.7 * [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)][k % 3]! + 0.5 * random();
  });
  return {
    arrays: {
      positions,
      images: null,
      cell: new Float64Array(9),
      forces: new Float64Array(3 * natoms),
      atomEnergies: new Float64Array(natoms),
      virial: new Float64Array(9),
    },
    types: Int32Array.from({ length: natoms }, (_, i) => (i % 7 === 6 ? -1 : (i * 5 + seed) % ntypes)),
  };
}

/** The code of what was thrown, or `evaluated`. */
function attempt(parameters: Record<string, unknown>, seed: number): string {
  const random = randomStream(seed);
  const options = { precision: random() < 0.5 ? 'double' : 'mixed', compression: random() < 0.5 } as const;
  try {
    const potential = addon.createDeepPotential(parameters, isa, options);
    const { arrays, types } = systemOf(parameters.ntypes as number, seed);
    const count = (name: string) => (parameters[name] as { average: Float64Array } | null)?.average.length ?? 0;
    const evaluator = addon.createEvaluator(potential, arrays, {
      types,
      pbc: [false, false, false],
      skin: 0.5,
      threads: 1 + (seed % 2),
      selOverflow: seed % 3,
      fparam: new Float64Array(count('frameParameters')),
      aparam: new Float64Array(natoms * count('atomParameters')),
    });
    evaluator.computeSync();
    evaluator.computeSync();
    return 'evaluated';
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    return code ?? name;
  }
}

const EXPECTED = /^(evaluated|TypeError|MODEL_SHAPE|SEL_OVERFLOW|SEL_CANNOT_GROW|BELOW_PAIR_TABLE|E_CELL_INVALID)$/;
const REPEATS = Number(process.env.IONCLAY_FUZZ ?? 25);

test.each(RANDOM_KINDS)('%s', (kind: RandomKind) => {
  const codes = new Map<string, number>();
  const models = [1, 2, 3].map((seed) => nativeParameters(randomModel(seed, kind)));
  for (let seed = 1; seed <= REPEATS; seed++) {
    const model = models[seed % 3]!;
    if (seed <= 3) expect(attempt(copyOf(model), 3 * seed)).toBe('evaluated');
    const random = randomStream(1000 * seed);
    const damaged = copyOf(model);
    const times = random() < 0.7 ? 1 : 3;
    const done: string[] = [];
    for (let k = 0; k < times; k++) {
      const places = placesOf(damaged);
      const place = places[Math.floor(random() * places.length)]!;
      done.push(String(place.key));
      damage(place, random);
    }
    const code = attempt(damaged, seed);
    if (!EXPECTED.test(code)) throw new Error(`${code} after damage to ${done.join(', ')} (seed ${seed})`);
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // Most damage is to sizes and indices, and is seen.
  expect(codes.size).toBeGreaterThan(1);
});

describe('small files that ask for much', () => {
  const model = () => copyOf(nativeParameters(randomModel(1, 'se_e2_a')));
  const refused = (change: (p: Record<string, unknown>, d: Record<string, unknown>) => void) => {
    const parameters = model();
    change(parameters, (parameters.descriptors as Record<string, unknown>[])[0]!);
    const start = performance.now();
    const code = attempt(parameters, 3);
    // Refused before anything is allocated or computed.
    expect(performance.now() - start).toBeLessThan(2000);
    return code;
  };

  test('one layer named a million times', () => {
    expect(
      refused((p) => {
        const net = (p.fitting as Int32Array[])[0]!;
        (p.fitting as Int32Array[])[0] = Int32Array.from({ length: 1e6 }, (_, k) => net[Math.min(k, net.length - 1)]!);
      }),
    ).toBe('MODEL_SHAPE');
    expect(refused((_, d) => (d.nets = [new Int32Array(1e6)]))).toBe('MODEL_SHAPE');
  });

  test('sizes whose products overflow', () => {
    expect(
      refused((_, d) => {
        d.width = 65536;
        d.axis = 65536;
      }),
    ).toBe('MODEL_SHAPE');
    expect(refused((_, d) => (d.sel = (d.sel as Int32Array).fill(2 ** 31 - 1)))).toBe('MODEL_SHAPE');
    expect(refused((p) => (p.layers = [{ ...(p.layers as object[])[0]!, inputs: 2 ** 20, outputs: 2 ** 16 }]))).toBe(
      'MODEL_SHAPE',
    );
  });
});
