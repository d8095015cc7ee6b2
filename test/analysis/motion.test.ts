/** Displacements, their averages, and when a diffusivity or a conductivity is refused. Seeded; runs without reference data. */
import { type ConductivityOptions, conductivity } from '../../lib/analysis/conductivity.js';
import { describe as inWords } from '../../lib/analysis/describe.js';
import { diffusion } from '../../lib/analysis/diffusion.js';
import { Fft } from '../../lib/analysis/fft.js';
import { Msd, msd, msdTensor } from '../../lib/analysis/msd.js';
import { normalCdf, normalQuantile, positivePosterior } from '../../lib/analysis/normal-distribution.js';
import { findObservable, OBSERVABLES } from '../../lib/analysis/observables.js';
import { hopCovariance, relativeVariance, walkCovariance } from '../../lib/analysis/walk-covariance.js';
import type { Frame } from '../../lib/dynamics/frame.js';
import { framesOf, freeWalk, hopping, normals, relative, uniforms } from './frames.js';

const lithium = (rows: Float64Array[], interval = 100) =>
  framesOf(rows, { symbols: Array(rows[0]!.length / 3).fill('Li'), interval });
const lab = { reference: 'none' } as const;

function directMsd(rows: Float64Array[], m: number): number {
  let sum = 0;
  for (let k = 0; k + m < rows.length; k++)
    rows[k]!.forEach((x, i) => {
      sum += (rows[k + m]![i]! - x) ** 2;
    });
  return sum / ((rows[0]!.length / 3) * (rows.length - m));
}

test('the transform is the sum it stands for, and its inverse undoes it', () => {
  for (const size of [1, 2, 4, 8, 32, 128, 512]) {
    const normal = normals(size);
    const re = Float64Array.from({ length: size }, normal);
    const im = Float64Array.from({ length: size }, normal);
    const [r, i] = [re.slice(), im.slice()];
    const fft = new Fft(size);
    fft.transform(r, i);
    for (const k of [0, 1, size >> 1, size - 1].filter((q) => q < size)) {
      let [sr, si] = [0, 0];
      for (let j = 0; j < size; j++) {
        const angle = (-2 * Math.PI * ((j * k) % size)) / size;
        sr += re[j]! * Math.cos(angle) - im[j]! * Math.sin(angle);
        si += re[j]! * Math.sin(angle) + im[j]! * Math.cos(angle);
      }
      // Sums of `size` numbers of order one: rounding stays below 1e-15 times their number.
      expect(Math.abs(r[k]! - sr) + Math.abs(i[k]! - si)).toBeLessThan(1e-14 * size);
    }
    fft.transform(i, r);
    r.forEach((x, k) => {
      expect(Math.abs(x / size - re[k]!)).toBeLessThan(1e-14);
    });
  }
});

test.each([2, 3, 31, 64, 97, 128, 255])('MSD of %d frames equals direct sums at every lag', (frames) => {
  for (const ions of [1, 2, 3]) {
    const rows = freeWalk(frames, ions, 0.3, 17 * frames + ions);
    const curve = msd(lithium(rows), lab).species.Li!;
    expect(curve.msd_A2[0]).toBe(0);
    for (let m = 1; m < frames; m++) expect(relative(curve.msd_A2[m]!, directMsd(rows, m))).toBeLessThan(1e-10);
  }
});

test('a slow atom far away keeps its short lags', () => {
  // 1e5 A of travel with steps of 1e-4 A: the transform alone would leave no digit of lag 1.
  const normal = normals(3);
  const rows = Array.from({ length: 200 }, (_, t) =>
    Float64Array.of((t < 100 ? 0 : 1e5) + (t === 0 ? 0 : 1e-4 * normal()), 0, 0),
  );
  const quiet = rows.map((row, t) => Float64Array.of(row[0]! - (t < 100 ? 0 : 1e5), 0, 0));
  const curve = msd(lithium(rows), lab).species.Li!.msd_A2;
  for (const m of [1, 2, 31]) expect(relative(curve[m]!, directMsd(rows, m))).toBeLessThan(1e-10);
  expect(relative(msd(lithium(quiet), lab).species.Li!.msd_A2[1]!, directMsd(quiet, 1))).toBeLessThan(1e-10);
});

test('closed form of the variance, both branches, and the number of hops in it', () => {
  for (const [T, m] of [
    [50, 5],
    [50, 24],
    [50, 30],
    [50, 49],
    [401, 200],
    [401, 350],
  ] as const) {
    expect(relative(relativeVariance(T, m) * (3 * m) ** 2, walkCovariance(T, m, m))).toBeLessThan(1e-12);
  }
  // Each increment in one window at lag 1: H(1, 1) = L/L^2.
  expect(hopCovariance(101, 1, 1)).toBeCloseTo(1 / 100, 14);
});

test('normal distribution', () => {
  expect(normalCdf(0)).toBe(0.5);
  expect(relative(normalCdf(-1), 0.15865525393145707)).toBeLessThan(1e-13);
  expect(relative(normalCdf(-6), 9.865876450376946e-10)).toBeLessThan(1e-12);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
  const { median, interval68 } = positivePosterior(0, 1);
  expect(median).toBeCloseTo(0.6744897501960817, 10);
  expect(interval68[0]).toBeLessThan(median);
});

describe('exact processes', () => {
  test('free walk: D = s^2/(2 dt) within four standard deviations of the exact covariance', () => {
    const [T, N, s, dt] = [401, 60, 0.7, 100];
    const frames = lithium(freeWalk(T, N, s, 5), dt);
    const { msd_A2, error_A2 } = msd(frames, lab).species.Li!;
    for (const m of [1, 10, 100, 200]) {
      expect(Math.abs(msd_A2[m]! - 3 * s * s * m)).toBeLessThan(4 * 3 * s * s * m * Math.sqrt(relativeVariance(T, m) / N));
      expect(error_A2[m]).toBeGreaterThan(0);
    }
    const D = diffusion(frames, lab).Li!;
    expect(D.status).toBe('ok');
    expect(Math.abs(D.value! - (0.1 * s * s) / (2 * dt))).toBeLessThan(4 * D.error!);
    expect(D.error! / D.value!).toBeLessThan(0.15);
    expect(D.inputs.time_needed_fs).toBeNull();
  });
  test('jumps of one length: D = k a^2/6', () => {
    const D = diffusion(lithium(hopping(401, 60, 0.05, 3, 0, 8)), lab).Li!;
    expect(D.status).toBe('ok');
    expect(Math.abs(D.value! - (0.1 * 0.05 * 9) / (6 * 100))).toBeLessThan(4 * D.error!);
  });
});

describe('status: every reason has its trajectory', () => {
  const normal = normals(99);
  const walk = freeWalk(401, 20, 0.6, 21);
  const cases: [string, Float64Array[], string, string][] = [
    ['too-few-frames', walk.slice(0, 15), 'insufficient', 'too-few-frames'],
    [
      'caged',
      Array.from({ length: 300 }, () => Float64Array.from({ length: 30 }, () => 0.2 * normal())),
      'not-diffusive',
      'caged',
    ],
    ['frozen', Array.from({ length: 50 }, () => new Float64Array(6)), 'not-diffusive', 'caged'],
    [
      'superdiffusive',
      Array.from({ length: 300 }, (_, t) => Float64Array.from({ length: 30 }, (_, i) => 0.05 * t * Math.cos(7 * i))),
      'not-diffusive',
      'superdiffusive',
    ],
  ];
  test.each(cases)('%s', (_, rows, status, reason) => {
    const estimate = diffusion(lithium(rows), lab).Li!;
    expect(estimate).toMatchObject({ status, reasons: [reason], value: null, error: null });
    if (status === 'not-diffusive') expect(estimate.upperBound).toBeGreaterThan(0);
    expect(inWords(estimate, 'D(Li)')).toMatch(/^D\(Li\): not (diffusive|enough data) in /);
    expect(JSON.stringify(estimate)).not.toMatch(/NaN|Infinity/);
  });

  test('subdiffusive: displacements that grow as a power below one', () => {
    // Each coordinate is a sum of modes of all time scales: MSD ~ t^0.5 (Rouse).
    const uniform = normals(31);
    const modes = Array.from({ length: 60 }, (_, p) => ({ tau: 4000 / (p + 1) ** 2, size: 60 / (p + 1) }));
    const state = modes.map(({ size }) => Float64Array.from({ length: 36 }, () => size * uniform()));
    const rows = Array.from({ length: 401 }, () => {
      const row = new Float64Array(36);
      modes.forEach(({ tau, size }, p) => {
        const c = Math.exp(-1 / tau);
        state[p] = state[p]!.map((x) => c * x + size * Math.sqrt(1 - c * c) * uniform());
        state[p]!.forEach((x, i) => {
          row[i]! += x;
        });
      });
      return row;
    });
    const estimate = diffusion(lithium(rows), lab).Li!;
    expect(estimate.reasons).toEqual(['subdiffusive']);
    expect(inWords(estimate)).toMatch(/exponent 0\.\d\d \+- 0\.\d\d/);
  });

  test('few hops, marginal results, Langevin friction, unwrap-unsafe, framework-moves', () => {
    const few = Array.from(
      { length: 30 },
      (_, seed) => diffusion(lithium(hopping(401, 12, 3 / 4800, 3, 0.15, 500 + seed)), lab).Li!,
    );
    const reasons = new Set(few.flatMap((estimate) => estimate.reasons));
    expect(few.filter(({ status }) => status === 'ok')).toHaveLength(0);
    expect([...reasons].some((reason) => ['too-few-hops', 'slope-not-significant', 'caged'].includes(reason))).toBe(true);
    const marginal = Array.from(
      { length: 12 },
      (_, seed) => diffusion(lithium(hopping(401, 12, 20 / 4800, 3, 0.15, 900 + seed)), lab).Li!,
    );
    const quoted = marginal.filter(({ status }) => status === 'marginal');
    expect(quoted.length).toBeGreaterThan(5);
    for (const estimate of quoted) {
      expect(estimate.reasons.some((reason) => reason === 'msd-below-half-a2' || reason === 'single-run')).toBe(true);
      expect(estimate.inputs.time_needed_fs).toBeGreaterThan(0);
    }
    expect(diffusion(lithium(walk), { ...lab, friction: '1 /ps' }).Li!.reasons).toContain('langevin-dynamics');
    expect(diffusion(lithium(walk), { ...lab, friction: '0.05 /ps' }).Li!.reasons).not.toContain('langevin-dynamics');
    const box = Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4);
    const symbols = Array(20).fill('Li');
    const coarse = framesOf(
      walk.map((row) => row.map((x) => 3 * x)),
      { symbols, interval: 100, cell: box },
    );
    expect(diffusion(coarse, lab).Li!.reasons).toContain('unwrap-unsafe');
    symbols[0] = 'Y';
    const melted = framesOf(
      walk.map((row) => row.map((x, i) => (i < 3 ? 2 * x : x))),
      { symbols, interval: 100 },
    );
    const shared = diffusion(melted, { reference: 'framework:Y', species: ['Li'] });
    expect(shared.Li!.status).toBeDefined();
    symbols[1] = 'Y';
    const pair = framesOf(
      melted.map((frame) => frame.positions),
      { symbols, interval: 100 },
    );
    expect(diffusion(pair, { reference: 'framework:Y', species: ['Li'] }).Li!.reasons).toContain('framework-moves');
  });
});

describe('invariances', () => {
  const cell = Float64Array.of(9, 0.2, 0, 2, 8.5, -0.3, -1.5, 1.1, 9.5);
  const symbols = Array.from({ length: 12 }, (_, i) => (i < 6 ? 'Li' : 'Cl'));
  const rows = freeWalk(160, 12, 0.5, 77);
  const options: ConductivityOptions = { charges: { Li: 1, Cl: -1 }, temperature: 500, window: [200, 1500], siteDistance: 1 };
  const measure = (frames: Frame[]) => {
    const result = conductivity(frames, options);
    return [
      result.total.value!,
      result.contribution.self.Li!.value!,
      result.contribution.distinct['Li-Cl']!.value!,
      msd(frames).species.Cl!.msd_A2[7]!,
    ];
  };
  const want = measure(framesOf(rows, { symbols, interval: 100, cell }));
  const same = (frames: Frame[], factors = [1, 1, 1, 1]) => {
    measure(frames).forEach((x, k) => {
      // Sums of a few thousand terms: scalars agree to 1e-9.
      expect(relative(x, factors[k]! * want[k]!)).toBeLessThan(1e-9);
    });
  };
  test('translation, lattice shifts of single atoms, another cell, rotation, time reversal', () => {
    same(
      framesOf(
        rows.map((row) => row.map((x, i) => x + [3.3, -71, 0.4][i % 3]!)),
        { symbols, interval: 100, cell },
      ),
    );
    const uniform = uniforms(5);
    same(
      framesOf(
        rows
          .map((row) => row.map((x) => x))
          .map((row) => {
            const out = row.slice();
            for (let i = 0; i < 12; i++)
              for (let v = 0; v < 3; v++) {
                const n = Math.floor(7 * uniform()) - 3;
                for (let c = 0; c < 3; c++) out[3 * i + c]! += n * cell[3 * v + c]!;
              }
            return out;
          }),
        { symbols, interval: 100, cell },
      ),
    );
    const other = cell.map((x, i) => (i >= 3 && i < 6 ? x + cell[i - 3]! : x));
    same(framesOf(rows, { symbols, interval: 100, cell: other }));
    const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
    const turn = (v: Float64Array) =>
      v.map((x, i) => (i % 3 === 0 ? c * x - s * v[i + 1]! : i % 3 === 1 ? s * v[i - 1]! + c * x : x));
    same(framesOf(rows.map(turn), { symbols, interval: 100, cell: turn(cell) }));
    same(framesOf([...rows].reverse(), { symbols, interval: 100, cell }));
    const tensorOf = (frames: Frame[]) => {
      const observable = new Msd();
      for (const frame of frames) observable.add(frame);
      return msdTensor(observable.record, 'Li').map((curve) => curve[9]!);
    };
    const [xx, yy, zz, xy] = tensorOf(framesOf(rows, { symbols, interval: 100, cell }));
    const turned = tensorOf(framesOf(rows.map(turn), { symbols, interval: 100, cell: turn(cell) }));
    expect(turned[0]).toBeCloseTo(c * c * xx! + s * s * yy! - 2 * c * s * xy!, 9);
    expect(turned[2]).toBeCloseTo(zz!, 9);
  });
  test('permutation of atoms, relabelling of species', () => {
    const order = [11, 3, 5, 0, 7, 9, 1, 10, 2, 4, 8, 6];
    const permuted = rows.map((row) =>
      Float64Array.from({ length: 36 }, (_, i) => row[3 * order[Math.floor(i / 3)]! + (i % 3)]!),
    );
    const result = conductivity(framesOf(permuted, { symbols: order.map((i) => symbols[i]!), interval: 100, cell }), {
      ...options,
      species: ['Li', 'Cl'],
    });
    expect(relative(result.total.value!, want[0]!)).toBeLessThan(1e-9);
    expect(relative(result.contribution.distinct['Li-Cl']!.value!, want[2]!)).toBeLessThan(1e-9);
    const renamed = framesOf(rows, {
      symbols: symbols.map((x) => (x === 'Li' ? 'Na' : 'Br')),
      masses: [...Array(6).fill(6.94), ...Array(6).fill(35.45)],
      interval: 100,
      cell,
    });
    const again = conductivity(renamed, { ...options, charges: { Na: 1, Br: -1 } });
    expect(relative(again.contribution.self.Na!.value!, want[1]!)).toBeLessThan(1e-9);
  });
  test('one ion: no distinct part, exactly', () => {
    const one = framesOf(freeWalk(300, 1, 1, 4), { symbols: ['Li'], interval: 100, cell });
    const result = conductivity(one, { charges: { Li: 1 }, temperature: 300, reference: 'none', window: [300, 3000] });
    expect(result.total.reasons).toContain('charged-cell');
    if (result.total.value !== null) expect(result.contribution.distinct['Li-Li']!.value).toBe(0);
  });
  test('collective-too-short leaves the Nernst-Einstein value; a non-integer charge is said', () => {
    const slow = framesOf(freeWalk(201, 12, 0.4, 6), { symbols, interval: 100, cell });
    const result = conductivity(slow, { charges: { Li: 0.9, Cl: -0.9 }, temperature: 300 });
    expect(result.total).toMatchObject({ value: null, status: 'insufficient' });
    expect(result.total.reasons).toEqual(expect.arrayContaining(['collective-too-short', 'non-integer-charge']));
    expect(result.nernst_einstein.value).toBeGreaterThan(0);
    expect(result.total.inputs.time_needed_fs).toBeGreaterThan(20000);
  });
});

describe('wrong input is an error with its key', () => {
  const frames = lithium(freeWalk(40, 2, 0.3, 1));
  test.each([
    [{ species: ['Mg'] }, /no Mg/],
    [{ species: ['Xx'] }, /not a chemical element/],
    [{ reference: 'con' }, /not a frame of reference/],
    [{ siteDistance: -3 }, /not positive/],
    [{ siteDistance: '3 ps' }, /is a time/],
    [{ window: [500, 100] }, /increasing/],
    [{ window: [100, 200] }, /fewer than four lags/],
    [{ start: 50, stop: 10 }, /not after start/],
    [{ lags: 0 }, /whole number/],
  ])('%j', (options, message) => {
    expect(() => diffusion(frames, options as object)).toThrow(message);
  });
  test('uneven spacing, changing atoms, repeated steps', () => {
    const uneven = frames.map((frame, t) => ({ ...frame, time: t < 5 ? frame.time : frame.time + 40 }));
    expect(() => msd(uneven)).toThrow(/not evenly spaced/);
    expect(() => msd([frames[0]!, { ...frames[1]!, species: Uint8Array.of(3, 11) }])).toThrow(/atom 1 changes/);
    const observable = new Msd(lab);
    for (const frame of [...frames.slice(0, 20), ...frames.slice(19)]) observable.add(frame);
    expect(observable.record.frames).toBe(40);
    expect(observable.warnings().map(({ code }) => code)).toContain('duplicate-frame');
    expect(observable.result()).toEqual(msd(frames, lab));
  });
});

test('the registry runs, echoes every option, and refuses by name', async () => {
  const frames = lithium(freeWalk(60, 4, 0.9, 1));
  const document = await findObservable('diffusion').run(
    frames,
    { species: 'Li', 'site-distance': '2 A', window: '500 fs,2 ps' },
    { friction: 1e-3 },
  );
  expect(document.options).toMatchObject({
    species: ['Li'],
    site_distance_A: 2,
    window_fs: [500, 2000],
    reference: 'com',
    lags: null,
    friction_per_fs: 1e-3,
  });
  expect(document.curves[0]!.name).toBe('msd-Li');
  expect(JSON.stringify(document)).not.toMatch(/NaN|null,"unit"/);
  for (const definition of OBSERVABLES.values()) {
    await expect(definition.run([], { nonsense: 1 })).rejects.toThrow(/unknown key "nonsense"/);
  }
  expect(() => findObservable('viscosity')).toThrow(/not available in this version/);
  expect(() => findObservable('difusion')).toThrow(/there is no observable/);
  await expect(findObservable('conductivity').run(frames, { temperature: 300 })).rejects.toThrow(/charges/);
});

// Minutes: part of `npm run test:slow`, not registered (and so not counted as skipped) in `npm test`.
const slow = (name: string, body: () => void) => process.env.IONCLAY_SLOW && describe(name, body);
slow('coverage of the error bars (300 repeats; 68 +- 6 %)', () => {
  const inside = (make: (seed: number) => { value: number | null; error: number | null }, truth: number) => {
    let [hits, all] = [0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const { value, error } = make(10007 * (seed + 1));
      if (value === null) continue;
      all += 1;
      if (Math.abs(value - truth) < error!) hits += 1;
    }
    return hits / all;
  };
  test('sparse hopping', () => {
    const share = inside(
      (seed) => diffusion(lithium(hopping(401, 30, 400 / 12000, 3, 0.15, seed)), lab).Li!,
      (0.1 * (400 / 12000) * 9) / 600,
    );
    expect(Math.abs(share - 0.68)).toBeLessThan(0.06);
  }, 3e6);
  test('free walks without the hop term', () => {
    const share = inside(
      (seed) => diffusion(lithium(freeWalk(401, 40, 0.6, seed)), { ...lab, hops: false }).Li!,
      (0.1 * 0.36) / 200,
    );
    expect(Math.abs(share - 0.68)).toBeLessThan(0.06);
  }, 3e6);
  test('total conductivity', () => {
    const cell = Float64Array.of(1e3, 0, 0, 0, 1e3, 0, 0, 0, 1e3);
    const symbols = Array.from({ length: 8 }, (_, i) => (i < 4 ? 'Li' : 'Cl'));
    const truth = (3.0987479638628506e10 / (1e9 * 300)) * ((8 * 3) / 100);
    const share = inside((seed) => {
      const frames = framesOf(freeWalk(601, 8, 1, seed), { symbols, interval: 100, cell });
      return conductivity(frames, { charges: { Li: 1, Cl: -1 }, temperature: 300, reference: 'none' }).total;
    }, truth);
    expect(Math.abs(share - 0.68)).toBeLessThan(0.06);
  }, 3e6);
});
