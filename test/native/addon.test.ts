/** The addon itself: states, wrong arguments, aborts, several computations at once. Child processes and workers: lifetime.test.ts. */

import type { NativeEvaluator } from '../../lib/native/addon.js';
import { chooseIsa, nativeAddon } from '../../lib/native/loader.js';
import { loadPotential } from '../../lib/potential/load.js';
import { flatModel, flatSystem, PLAIN, SLOW_MODEL } from './flat-model.js';

const addon = nativeAddon();
const isa = chooseIsa();
const potential = addon.createDeepPotential(flatModel(), isa, PLAIN);
const slow = addon.createDeepPotential(flatModel(SLOW_MODEL), isa, PLAIN);

const evaluatorOf = ({ arrays, options }: ReturnType<typeof flatSystem>, model = potential) =>
  addon.createEvaluator(model, arrays, options);

/** What a call says: its error's code (name where it has none), or undefined. Errors may belong to another realm than this file. */
function problem(call: () => unknown): string | undefined {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(() => {});
    return undefined;
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    return code ?? name;
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );

type Action = (evaluator: NativeEvaluator) => unknown;
const { positions, cell } = flatSystem(4).arrays;
const READERS: Record<string, Action> = {
  energy: (e) => e.energy,
  rebuilds: (e) => e.rebuilds,
  rebuilt: (e) => e.rebuilt,
  listedPairs: (e) => e.listedPairs,
  pairsInside: (e) => e.pairsInside,
  overflow: (e) => e.overflow,
  phaseSeconds: (e) => e.phaseSeconds,
  reference: (e) => e.reference(),
  restore: (e) => e.restore(positions, cell),
  computeSync: (e) => e.computeSync(),
  compute: (e) => e.compute(),
};
const ALWAYS: Record<string, Action> = { abort: (e) => e.abort(), dispose: (e) => e.dispose() };

describe('every method in every state', () => {
  const states: Record<string, { enter: (e: NativeEvaluator, s: ReturnType<typeof flatSystem>) => unknown; code?: string }> = {
    fresh: { enter: () => undefined },
    computed: { enter: (e) => e.computeSync() },
    failed: {
      enter: (e, s) => {
        const kept = s.arrays.positions[7]!;
        s.arrays.positions[7] = Number.NaN;
        expect(problem(() => e.computeSync())).toBe('NONFINITE_POSITION');
        s.arrays.positions[7] = kept;
      },
    },
    computing: { enter: (e) => void e.compute().catch(() => {}), code: 'FORCE_FIELD_BUSY' },
    disposed: { enter: (e) => e.dispose(), code: 'FORCE_FIELD_CLOSED' },
    'disposed while computing': {
      enter: (e) => {
        e.compute().catch(() => {});
        e.dispose();
      },
      code: 'FORCE_FIELD_CLOSED',
    },
  };
  for (const [state, { enter, code }] of Object.entries(states)) {
    test.each(Object.keys(READERS))(`${state}: %s`, (name) => {
      const system = flatSystem(4);
      const evaluator = evaluatorOf(system);
      enter(evaluator, system);
      expect(problem(() => READERS[name]!(evaluator))).toBe(code);
    });
    test.each(Object.keys(ALWAYS))(`${state}: %s is always allowed`, (name) => {
      const system = flatSystem(4);
      const evaluator = evaluatorOf(system);
      enter(evaluator, system);
      expect(problem(() => ALWAYS[name]!(evaluator))).toBeUndefined();
      expect(problem(() => ALWAYS[name]!(evaluator))).toBeUndefined();
    });
  }
});

describe('abort and dispose of a running computation', () => {
  test('abort stops it soon, and the next one gives what it would have given', async () => {
    const system = flatSystem(24);
    const evaluator = evaluatorOf(system, slow);
    const running = evaluator.compute();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const start = performance.now();
    evaluator.abort();
    expect(await codeOf(running)).toBe('ABORTED');
    // A block takes milliseconds; the machine may be shared. The whole would take many seconds.
    expect(performance.now() - start).toBeLessThan(1500);
    expect(system.arrays.forces.every((f) => f === 0)).toBe(true);

    const small = flatSystem(6);
    const again = evaluatorOf(small, slow);
    const first = again.compute();
    again.abort();
    expect([undefined, 'ABORTED']).toContain(await codeOf(first));
    await again.compute();
    const alone = flatSystem(6);
    evaluatorOf(alone, slow).computeSync();
    expect(small.arrays.forces).toEqual(alone.arrays.forces);
  });

  test('dispose rejects with ABORTED and leaves the arrays alone', async () => {
    const system = flatSystem(8);
    const evaluator = evaluatorOf(system);
    const running = evaluator.compute();
    evaluator.dispose();
    expect(await codeOf(running)).toBe('ABORTED');
    expect(system.arrays.forces.every((f) => f === 0)).toBe(true);
    expect(problem(() => evaluator.energy)).toBe('FORCE_FIELD_CLOSED');
  });

  test('a computation reads its inputs when it is called, and abort before it means nothing', async () => {
    const system = flatSystem(5);
    const evaluator = evaluatorOf(system);
    evaluator.abort();
    const running = evaluator.compute();
    system.arrays.positions.fill(Number.NaN);
    await running;
    const alone = flatSystem(5);
    evaluatorOf(alone).computeSync();
    expect(system.arrays.forces).toEqual(alone.arrays.forces);
  });
});

test('eight computations at once give the bits of each alone', async () => {
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, k) => {
      const system = flatSystem(6 + (k % 3), 1 + (k % 4), k);
      const evaluator = evaluatorOf(system);
      for (let repeat = 0; repeat < 3; repeat++) await evaluator.compute();
      return { system, energy: evaluator.energy, k };
    }),
  );
  for (const { system, energy, k } of results) {
    const alone = flatSystem(6 + (k % 3), 1, k);
    const evaluator = evaluatorOf(alone);
    evaluator.computeSync();
    expect(evaluator.energy).toBe(energy);
    expect(system.arrays.forces).toEqual(alone.arrays.forces);
    expect(system.arrays.virial).toEqual(alone.arrays.virial);
  }
});

describe('wrong arguments are TypeErrors that name them', () => {
  const wrongs: unknown[] = [
    undefined,
    null,
    3,
    'text',
    {},
    [],
    new Float32Array(9),
    Symbol('s'),
    () => 0,
    new DataView(new ArrayBuffer(8)),
  ];

  function typeError(call: () => unknown): string {
    try {
      call();
    } catch (error) {
      expect((error as Error).name).toBe('TypeError');
      return (error as Error).message;
    }
    throw new Error('nothing was thrown');
  }

  test.each(['positions', 'cell', 'forces', 'atomEnergies', 'virial'])('createEvaluator: arrays.%s', (name) => {
    for (const wrong of [...wrongs, new Float64Array(2), new Int32Array(9)]) {
      const { arrays, options } = flatSystem(3);
      expect(typeError(() => addon.createEvaluator(potential, { ...arrays, [name]: wrong } as never, options))).toMatch(name);
    }
  });

  test('createEvaluator: arrays.images may be missing, not wrong', () => {
    const { arrays, options } = flatSystem(3);
    for (const wrong of wrongs.slice(2))
      expect(typeError(() => addon.createEvaluator(potential, { ...arrays, images: wrong } as never, options))).toMatch('images');
    expect(typeError(() => addon.createEvaluator(potential, { ...arrays, images: new Int32Array(5) }, options))).toMatch(
      'images',
    );
  });

  test.each([
    ['types', [...wrongs, new Int32Array(0), new Int32Array(27).fill(2), new Int32Array(27).fill(-2)]],
    ['pbc', [...wrongs, [true, true], [true, true, 1], [true, true, true, true]]],
    ['skin', [undefined, null, '1', {}, Number.NaN, Infinity, -0.1]],
    ['threads', [undefined, null, '1', {}, Number.NaN, 0, -1, 1.5, 1025, 2 ** 40]],
    ['selOverflow', [undefined, null, 'grow', 3, -1, 0.5]],
  ])('createEvaluator: options.%s', (name, values) => {
    for (const wrong of values) {
      const { arrays, options } = flatSystem(3);
      expect(typeError(() => addon.createEvaluator(potential, arrays, { ...options, [name]: wrong } as never))).toMatch(name);
    }
  });

  test('createEvaluator: what is not a potential', () => {
    const { arrays, options } = flatSystem(3);
    const evaluator = addon.createEvaluator(potential, arrays, options);
    for (const wrong of [...wrongs, { cutoff: 3 }, Object.create(potential), evaluator])
      expect(typeError(() => addon.createEvaluator(wrong as never, arrays, options))).toMatch('potential');
    for (const wrong of [undefined, null, 3, 'text']) {
      expect(typeError(() => addon.createEvaluator(potential, wrong as never, options))).toMatch('arrays');
      expect(typeError(() => addon.createEvaluator(potential, arrays, wrong as never))).toMatch('options');
    }
  });

  test('methods taken off their object', () => {
    const evaluator = evaluatorOf(flatSystem(3));
    const prototype = Object.getPrototypeOf(evaluator) as Record<string, () => unknown>;
    for (const name of ['compute', 'computeSync', 'abort', 'reference', 'restore', 'dispose'])
      for (const wrong of [undefined, {}, potential, Object.create(evaluator)])
        expect(typeof problem(() => prototype[name]!.call(wrong))).toBe('string');
    for (const name of ['energy', 'rebuilds', 'rebuilt', 'overflow', 'phaseSeconds'])
      for (const wrong of [{}, potential]) expect(typeof problem(() => Reflect.get(prototype, name, wrong))).toBe('string');
    const { Evaluator } = addon as unknown as { Evaluator: new (...args: unknown[]) => unknown };
    expect(problem(() => new Evaluator())).toBe('TypeError');
    expect(typeof problem(() => (Evaluator as unknown as () => void)())).toBe('string');
  });

  test('restore', () => {
    const evaluator = evaluatorOf(flatSystem(3));
    for (const wrong of [...wrongs, new Float64Array(80)]) {
      expect(typeError(() => evaluator.restore(wrong as never, cell))).toMatch('positions');
      expect(typeError(() => evaluator.restore(new Float64Array(81), wrong as never))).toMatch('cell');
    }
  });

  test('createDeepPotential: every parameter', () => {
    const good = flatModel();
    const refused = (wrong: object) => typeError(() => addon.createDeepPotential(wrong, isa, PLAIN));
    expect(Object.keys(good).length).toBeGreaterThan(15);
    for (const name of Object.keys(good)) expect(refused({ ...good, [name]: Symbol('s') })).toMatch(name);
    for (const name of Object.keys(good.descriptors[0]!))
      expect(refused({ ...good, descriptors: [{ ...good.descriptors[0]!, [name]: Symbol('s') }] })).toMatch(name);
    for (const name of Object.keys(good.layers[0]!))
      expect(refused({ ...good, layers: [{ ...good.layers[0]!, [name]: Symbol('s') }, ...good.layers.slice(1)] })).toMatch(name);
    for (const wrong of wrongs.filter((w) => (typeof w !== 'object' && typeof w !== 'function') || w === null))
      expect(typeError(() => addon.createDeepPotential(good, isa, wrong as never))).toMatch('options');
    for (const name of ['precision', 'compression'])
      for (const wrong of wrongs)
        expect(typeError(() => addon.createDeepPotential(good, isa, { ...PLAIN, [name]: wrong } as never))).toMatch(name);
  });

  test('neighbourList and pairHistogram', () => {
    const p = new Float64Array(6);
    const h = Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5);
    const pbc = [true, true, true] as const;
    for (const wrong of wrongs) {
      expect(typeError(() => addon.neighbourList(wrong as never, h, pbc, 3, 1))).toMatch('positions');
      expect(typeError(() => addon.neighbourList(p, wrong as never, pbc, 3, 1))).toMatch('cell');
      expect(typeError(() => addon.neighbourList(p, h, wrong as never, 3, 1))).toMatch('pbc');
    }
    expect(typeError(() => addon.neighbourList(p, h, pbc, '3' as never, 1))).toMatch('cutoff');
    expect(typeError(() => addon.neighbourList(p, h, pbc, 3, 0))).toMatch('threads');
    expect(problem(() => addon.neighbourList(new Float64Array(5), h, pbc, 3, 1))).toBe('E_NUMBER');
    const groups = new Int32Array(2);
    expect(typeError(() => addon.pairHistogram(p, h, pbc, groups, 1, 0.1, 10, new Float64Array(9), 1))).toMatch('counts');
    expect(typeError(() => addon.pairHistogram(p, h, pbc, new Int32Array(3), 1, 0.1, 10, new Float64Array(10), 1))).toMatch(
      'groups',
    );
  });
});

describe('arrays that change under the evaluator', () => {
  const detach = (array: Float64Array) => structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });

  test.each(['positions', 'cell'] as const)('%s detached before a computation', (name) => {
    const system = flatSystem(3);
    const evaluator = evaluatorOf(system);
    detach(system.arrays[name]);
    expect(problem(() => evaluator.computeSync())).toBe('TypeError');
    expect(problem(() => evaluator.compute())).toBe('TypeError');
    expect(problem(() => evaluator.energy)).toBeUndefined();
  });

  test.each(['forces', 'atomEnergies', 'virial'] as const)('%s detached while it runs', async (name) => {
    const system = flatSystem(5);
    const evaluator = evaluatorOf(system);
    const running = evaluator.compute();
    detach(system.arrays[name]);
    await expect(running).rejects.toMatchObject({ name: 'TypeError', message: expect.stringContaining(name) });
    expect(problem(() => evaluator.energy)).toBeUndefined();
  });

  test('a buffer that shrinks', () => {
    const system = flatSystem(3);
    // Resizable buffers are newer than the types of Node 20.
    const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer & { resize(n: number): void })(
      8 * 81,
      {
        maxByteLength: 8 * 81,
      },
    );
    const resizable = new Float64Array(buffer);
    resizable.set(system.arrays.positions);
    const evaluator = addon.createEvaluator(potential, { ...system.arrays, positions: resizable }, system.options);
    evaluator.computeSync();
    buffer.resize(80);
    expect(problem(() => evaluator.computeSync())).toBe('TypeError');
    buffer.resize(8 * 81);
    resizable.set(system.arrays.positions);
    expect(problem(() => evaluator.computeSync())).toBeUndefined();
  });

  test('an object whose properties run code cannot reach in', () => {
    const system = flatSystem(3);
    let evaluator: NativeEvaluator | undefined;
    let reads = 0;
    const arrays = {
      ...system.arrays,
      get positions() {
        reads += 1;
        evaluator?.dispose();
        return system.arrays.positions;
      },
    };
    evaluator = addon.createEvaluator(potential, arrays, {
      ...system.options,
      get skin() {
        detach(this.types as unknown as Float64Array);
        return 0;
      },
    });
    evaluator.computeSync();
    expect(reads).toBe(1);
    expect(Number.isFinite(evaluator.energy)).toBe(true);
  });
});

test('a cell thinner than any table of its images', () => {
  const thin = Float64Array.of(0.05, 0, 0, 0, 0.05, 0, 0, 0, 1e-3);
  expect(problem(() => addon.neighbourList(new Float64Array(3), thin, [true, true, true], 9, 1))).toBe('E_CELL_INVALID');
  const histogram = (p: Float64Array, h: Float64Array) =>
    addon.pairHistogram(p, h, [true, true, true], new Int32Array(1), 1, 0.1, 90, new Float64Array(90), 1);
  expect(problem(() => histogram(new Float64Array(3), thin))).toBe('E_CELL_INVALID');
  expect(problem(() => histogram(Float64Array.of(1e300, 0, 0), Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9)))).toBe(
    'NONFINITE_POSITION',
  );
});

test('an instruction set that is not there', () => {
  expect(() => chooseIsa('avx9000')).toThrow(
    expect.objectContaining({ code: 'ISA_UNAVAILABLE', hint: expect.stringContaining('baseline') }),
  );
  expect(problem(() => addon.createDeepPotential(flatModel(), 'avx9000' as never, PLAIN))).toBe('ISA_UNAVAILABLE');
});

test('a force field of a bundled model has the same states', async () => {
  const model = await loadPotential('li-y-cl-br', { threads: 2 });
  const { arrays, options } = flatSystem(5);
  const field = model.bind(options.types, options.pbc, arrays);
  const running = field.compute();
  expect(() => field.energy).toThrow(expect.objectContaining({ name: 'IonclayError', code: 'FORCE_FIELD_BUSY' }));
  await expect(field.compute()).rejects.toMatchObject({ code: 'FORCE_FIELD_BUSY' });
  await running;
  expect(Number.isFinite(field.energy)).toBe(true);
  field.dispose();
  expect(() => field.rebuilt).toThrow(expect.objectContaining({ name: 'IonclayError', code: 'FORCE_FIELD_CLOSED' }));
  await expect(field.compute()).rejects.toMatchObject({ code: 'FORCE_FIELD_CLOSED' });
});
