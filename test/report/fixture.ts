/**
 * Writes a run directory such as a study leaves it (interface.md 3.3): Li3YCl6 at 900 K, two stages. Numbers come from simple
 * models (walks, damped oscillations, shells), so that the page can be judged by eye and its content checked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FixtureOptions {
  state?: 'done' | 'running' | 'failed' | 'interrupted';
  study?: string;
  /** Name of the second species, to try names that are hostile to HTML. */
  stage?: string;
  /** Rows of thermo.csv of the second stage. */
  rows?: number;
  /** Replaces results.json. */
  results?: unknown;
  warnings?: string[];
}

/** Marsaglia's xorshift with 32 bits: small, and the same everywhere. */
function random(seed: number): () => number {
  let s = seed;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
}

function normal(next: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const csv = (header: string[], rows: number[][]): string =>
  `${[header.join(','), ...rows.map((row) => row.map(String).join(','))].join('\n')}\n`;

const THERMO =
  'step,time_fs,temperature_K,potential_energy_eV,kinetic_energy_eV,conserved_eV,pressure_GPa,stress_xx_GPa,stress_yy_GPa,stress_zz_GPa,stress_yz_GPa,stress_xz_GPa,stress_xy_GPa,cell_a_A,cell_b_A,cell_c_A,cell_alpha_deg,cell_beta_deg,cell_gamma_deg,volume_A3,density_g_per_cm3,max_force_eV_per_A'.split(
    ',',
  );

function thermo(seed: number, rows: number, every: number, warm: boolean): string {
  const g = normal(random(seed));
  let a = 0;
  const out: number[][] = [];
  for (let i = 0; i <= rows; i++) {
    a = 0.9 * a + 0.436 * g();
    const temperature = 900 * (1 + 0.065 * a) * (warm ? 1 - 0.5 * Math.exp(-i / (rows / 6)) : 1);
    const kinetic = 1.5 * 8.617333262e-5 * 89 * temperature;
    const potential = -378.2 - 10.3 * 0.065 * a + (warm ? 4 * (1 - Math.exp(-i / (rows / 8))) - 4 : 0);
    const conserved = -367.9 + 4e-4 * Math.sin(i / 7) + 1e-4 * g();
    const p = 0.35 + 0.25 * g();
    const row = [
      i * every,
      i * every,
      temperature,
      potential,
      kinetic,
      conserved,
      p,
      -p,
      -p,
      -p,
      0.01 * g(),
      0.01 * g(),
      0.01 * g(),
    ];
    out.push([...row, 11.202, 11.202, 18.096, 90, 90, 120, 1966.6, 2.414, 2.1 + 0.2 * Math.abs(g())]);
  }
  return csv(THERMO, out);
}

function msd(seed: number, slope: number, cage: number, frames: number): string {
  const g = normal(random(seed));
  const rows: number[][] = [];
  let walk = 0;
  for (let m = 1; m <= frames; m++) {
    const lag = m * 10;
    walk += 0.02 * g();
    const value = cage * (1 - Math.exp(-lag / 60)) + slope * lag * (1 + (walk * m) / frames / 3);
    rows.push([lag, value, value * 0.02 + 0.3 * slope * lag * Math.sqrt(m / frames) * 0.5]);
  }
  return csv(['lag_fs', 'msd_A2', 'error_A2'], rows);
}

function rdf(first: number, coordination: number, width: number, seed: number): string {
  const g = normal(random(seed));
  const rows: number[][] = [];
  let running = 0;
  const density = 0.027;
  for (let k = 0; k < 450; k++) {
    const r = (k + 0.5) * 0.02;
    const shell = (r0: number, n: number, w: number) =>
      (n / (4 * Math.PI * r0 * r0 * density * w * Math.sqrt(2 * Math.PI))) * Math.exp(-((r - r0) ** 2) / 2 / w ** 2);
    const smooth = r > first * 1.5 ? 1 - Math.exp(-(r - first * 1.5)) : 0;
    const value =
      r < first * 0.8
        ? 0
        : Math.max(0, shell(first, coordination, width) + 0.4 * shell(first * 1.75, 8, 0.4) + 0.6 * smooth + 0.015 * g());
    running += value * 4 * Math.PI * r * r * 0.02 * density;
    rows.push([r, value, 0.01 + 0.02 * value, running]);
  }
  return csv(['r_A', 'g', 'error', 'running_coordination'], rows);
}

const refusal = (status: string, reasons: string[], unit: string, more: object = {}) => ({
  value: null,
  error: null,
  unit,
  method: 'gls',
  status,
  reasons,
  ...more,
});

/** Estimates of every state, with the inputs that the analysis records. */
export const RESULTS = {
  study: 'li3ycl6-900K',
  analyses: [
    {
      observable: 'diffusion',
      stage: 'production',
      input: 'stages/02-production/trajectory.nc',
      options: { species: ['Li', 'Y', 'Cl'], window: 'strict', 'site-distance': 3 },
      result: {
        species: {
          Li: {
            value: 6.1234e-5,
            error: 0.8765e-5,
            unit: 'cm2/s',
            method: 'gls with walk and hop covariance',
            status: 'ok',
            reasons: ['single-run'],
            n_independent: 61,
            window_fs: [1200, 6000],
            inputs: {
              slope_A2_per_fs: 0.00367,
              intercept_A2: 0.9,
              slope_error_A2_per_fs: 0.000526,
              intercept_error_A2: 0.21,
              slope_intercept_covariance: -4e-5,
              temperature_K: 900,
              rsdHe2018: 0.31,
            },
          },
          Y: refusal('not-diffusive', ['caged'], 'cm2/s', { upper_bound: 7.1e-7, inputs: { time_needed_fs: null } }),
          Cl: {
            ...refusal('not-diffusive', ['slope-not-significant'], 'cm2/s', { upper_bound: 1.9e-6 }),
            window_fs: [2200, 6000],
            inputs: {
              slope_A2_per_fs: 0.000021,
              intercept_A2: 0.55,
              slope_error_A2_per_fs: 0.00003,
              intercept_error_A2: 0.05,
              slope_intercept_covariance: -1.2e-6,
            },
          },
        },
      },
      warnings: [],
    },
    {
      observable: 'conductivity',
      stage: 'production',
      input: 'stages/02-production/trajectory.nc',
      options: { charges: { Li: 1, Y: 3, Cl: -1 }, temperature: 900 },
      result: {
        total: refusal('insufficient', ['collective-too-short'], 'mS/cm', {
          inputs: { time_needed_fs: 3.4e5, temperature_K: 900 },
        }),
        contribution: {
          self: {
            Li: {
              value: 1083.2,
              error: 155.1,
              unit: 'mS/cm',
              method: 'gls',
              status: 'marginal',
              reasons: ['single-run'],
              inputs: {},
            },
            Y: { value: 12.7, error: 9.8, unit: 'mS/cm', method: 'gls', status: 'marginal', reasons: ['single-run'], inputs: {} },
            Cl: {
              value: 31.4,
              error: 12.2,
              unit: 'mS/cm',
              method: 'gls',
              status: 'marginal',
              reasons: ['single-run'],
              inputs: {},
            },
          },
          distinct: {
            'Li-Li': {
              value: -231,
              error: 350,
              unit: 'mS/cm',
              method: 'gls',
              status: 'marginal',
              reasons: ['single-run'],
              inputs: {},
            },
            'Li-Y': {
              value: 48,
              error: 66,
              unit: 'mS/cm',
              method: 'gls',
              status: 'marginal',
              reasons: ['single-run'],
              inputs: {},
            },
            'Li-Cl': {
              value: -73.5,
              error: 91,
              unit: 'mS/cm',
              method: 'gls',
              status: 'marginal',
              reasons: ['single-run'],
              inputs: {},
            },
            'Y-Cl': refusal('insufficient', ['collective-too-short'], 'mS/cm', { inputs: {} }),
          },
        },
        nernst_einstein: {
          value: 1127.3,
          error: 156.2,
          unit: 'mS/cm',
          method: 'sum of self parts',
          status: 'marginal',
          reasons: ['single-run'],
          inputs: { temperature_K: 900 },
        },
        haven_ratio: refusal('insufficient', ['collective-too-short'], '', { inputs: { time_needed_fs: 3.4e5 } }),
        transference: { Li: refusal('insufficient', ['collective-too-short'], '', { inputs: {} }) },
      },
      warnings: ['the lower lag of the collective window was taken from Li'],
    },
    {
      observable: 'rdf',
      stage: 'production',
      input: 'stages/02-production/trajectory.nc',
      options: { pairs: ['Li-Cl', 'Y-Cl', 'Li-Li'] },
      result: {
        pairs: { 'Li-Cl': { first_minimum_A: 3.62 }, 'Y-Cl': { first_minimum_A: 3.5 }, 'Li-Li': { first_minimum_A: null } },
      },
      warnings: [],
    },
    {
      observable: 'coordination',
      stage: 'production',
      input: 'stages/02-production/trajectory.nc',
      options: { cutoffs_A: { 'Li-Cl': 3.3 } },
      result: {
        pairs: {
          'Li-Cl': {
            cutoff_A: 3.3,
            mean: { value: 5.52, error: 0.021, unit: '', method: 'blocking', status: 'ok', reasons: [], inputs: {} },
          },
        },
      },
      warnings: [],
    },
    {
      observable: 'rdf',
      stage: 'warm-up',
      input: 'stages/01-warm-up/trajectory.nc',
      options: { pairs: ['Y-Cl'], at_fs: [500, 1500] },
      result: {
        at: [
          { at_fs: 500, frames: 20, pairs: { 'Y-Cl': { first_minimum_A: 3.4 } } },
          { at_fs: 1500, frames: 20, pairs: { 'Y-Cl': { first_minimum_A: 3.52 } } },
        ],
      },
      warnings: [],
    },
  ],
};

export function writeRun(directory: string, options: FixtureOptions = {}): void {
  const { state = 'done', study = 'li3ycl6-900K', stage = 'production', rows = 1200, results = RESULTS, warnings = [] } = options;
  const put = (name: string, content: string | object) => {
    const path = join(directory, ...name.split('/'));
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
  };
  const name = JSON.stringify(study);
  put(
    'study.yaml',
    `study: ${name}
seed: 7
model: li-y-cl-br
structure: Li3YCl6_trigonal_90_900K.extxyz
timestep: 1 fs
thermostat: { nose-hoover: { damping: 0.1 ps } }
stages:
  - { name: warm-up, run: 2 ps, ensemble: nvt, temperature: [450 K, 900 K], velocities: maxwell }
  - { name: ${JSON.stringify(stage)}, run: 12 ps, ensemble: nvt, temperature: 900 K, sample: { thermo: 10 fs, trajectory: 10 fs } }
analyses:
  - diffusion: { stage: ${JSON.stringify(stage)} }
  - conductivity: { charges: { Li: 1, Y: 3, Cl: -1 } }
  - rdf: { pairs: [Li-Cl, Y-Cl, Li-Li] }
`,
  );
  put('provenance.json', {
    program: 'ionclay',
    version: '0.1.0',
    build: 'gcc 12.2',
    node: 'v20.20.2',
    platform: 'linux-x64',
    isa: 'avx512',
    precision: 'double',
    seed: 7,
    model: {
      name: 'li-y-cl-br',
      file: 'models/li-y-cl-br/model.pb',
      sha256: '0b5f0c1f4f8fb3d6bd3c8d1c3d0a3a4ab3c1d9a5f0f9f8d4c1b2a39485766758',
      type: 'se_e2_a',
      cutoff_A: 7,
      good_for: 'crystals of Li3YCl6, Li3YBr6 and mixed halides up to 900 K, and lithium hopping in them',
      not_for: 'surfaces, melts, isolated clusters; activation energies to better than 0.05 eV',
      training_error: { frames: 'held-out crystals', energy_meV_per_atom: 2, force_eV_per_A: 0.065 },
    },
    skin_A: 1,
    defaults: ['precision: double', 'compression: none', 'sel-overflow: grow'],
    sessions: [{ started: '2026-11-24T10:00:00.000Z', from_step: 0, threads: 2, isa: 'avx512' }],
    inputs: { 'Li3YCl6_trigonal_90_900K.extxyz': 'd2b1f0a1f4f8fb3d6bd3c8d1c3d0a3a4ab3c1d9a5f0f9f8d4c1b2a394857667aa' },
    started: '2026-11-24T10:00:00.000Z',
    ended: state === 'done' ? '2026-11-24T10:02:11.000Z' : null,
    warnings,
  });
  const partial = { running: 41.3, interrupted: 41.3, failed: 41.3, done: 100 }[state];
  put('status.json', {
    state,
    stage,
    step: Math.round(140 * partial),
    steps: 14000,
    percent: partial,
    steps_per_s: 112.5,
    seconds_left: state === 'running' ? 73 : null,
    checkpoint_step: 5000,
    resumed_from_step: 0,
    error: state === 'failed' ? { code: 'ATOM_TOO_FAST', message: 'step 5782, atom 17 (Li): moved 0.62 A in one step' } : null,
  });
  put('structure.json', {
    request: 'Li3YCl6_trigonal_90_900K.extxyz',
    natoms: 90,
    composition: { Li: 27, Y: 9, Cl: 54 },
    lengths_A: [11.202, 11.202, 18.096],
    angles_deg: [90, 90, 120],
    volume_A3: 1966.6,
    density_g_per_cm3: 2.414,
    pbc: [true, true, true],
    warnings: [],
  });
  const atoms = [...Array(27).fill('Li'), ...Array(9).fill('Y'), ...Array(54).fill('Cl')].map((s, i) => `${s} ${i * 0.1} 0 0`);
  put(
    'structure.extxyz',
    `90\nLattice="11.202 0 0 -5.601 9.701 0 0 0 18.096" Properties=species:S:1:pos:R:3 pbc="T T T"\n${atoms.join('\n')}\n`,
  );
  put('stages/01-warm-up/thermo.csv', thermo(11, 200, 10, true));
  put('stages/01-warm-up/end.extxyz', '0\n\n');
  put(`stages/02-${stage}/thermo.csv`, thermo(12, Math.round((rows * partial) / 100), 10, false));
  put(`data/${stage}-msd-Li.csv`, msd(21, 0.00367, 0.9, 600));
  put(`data/${stage}-msd-Y.csv`, msd(22, 0.000002, 0.22, 600));
  put(`data/${stage}-msd-Cl.csv`, msd(23, 0.00002, 0.55, 600));
  put(`data/${stage}-rdf-Li-Cl.csv`, rdf(2.55, 5.6, 0.2, 31));
  put(`data/${stage}-rdf-Y-Cl.csv`, rdf(2.62, 6, 0.1, 32));
  put(`data/${stage}-rdf-Li-Li.csv`, rdf(3.9, 9, 0.5, 33));
  put('data/warm-up-rdf-Y-Cl-at-500fs.csv', rdf(2.6, 6, 0.07, 34));
  put('data/warm-up-rdf-Y-Cl-at-1500fs.csv', rdf(2.62, 6, 0.1, 35));
  const g = normal(random(41));
  const coordination = Array.from({ length: 1201 }, (_, i) => [
    i * 10,
    5.5 + 0.12 * g() + 0.4 * Math.exp(-i / 200),
    5.97 + 0.02 * g(),
  ]);
  const parts = Array.from({ length: 301 }, (_, m) => [
    m * 20,
    0.06 * m + 0.4 * Math.sin(m / 30),
    0.07 * m,
    -0.01 * m + 0.4 * Math.sin(m / 30),
  ]);
  put(`data/${stage}-conductivity.csv`, csv(['lag_fs', 'charge_msd_e2A2', 'self_Li_e2A2', 'distinct_Li-Li_e2A2'], parts));
  put(`data/${stage}-coordination.csv`, csv(['time_fs', 'Li-Cl', 'Y-Cl'], coordination));
  if (state === 'done') put('results.json', results as object);
}
