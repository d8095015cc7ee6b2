/** The studies of examples/ in a short form: a few hundred steps each, and the physics that these must show. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AmberNetcdfReader } from '../../lib/io/amber-netcdf.js';
import { readStructure } from '../../lib/io/read.js';
import { checkStudy, runStudy } from '../../lib/report/run-study.js';
import { type Structure, symbolsOf } from '../../lib/structure.js';

const EXAMPLES = resolve(__dirname, '..', '..', 'examples');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ionclay-examples-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: every observable has a result of its own shape
type Analysis = { observable: string; stage: string; result: any };

interface ShortRun {
  readonly directory: string;
  readonly analyses: Analysis[];
  /** Columns of thermo.csv of a stage. */
  thermo(stage: string): Record<string, number[]>;
}

/** Runs an example with overrides as the command line takes them. */
async function shortForm(example: string, name: string, set: string[]): Promise<ShortRun> {
  const { directory, results } = await runStudy(join(EXAMPLES, example), { out: join(folder, name), set, threads: 1 });
  return {
    directory,
    analyses: results.analyses as Analysis[],
    thermo(stage) {
      const [header, ...rows] = readFileSync(join(directory, 'stages', stage, 'thermo.csv'), 'utf8')
        .trimEnd()
        .split('\n');
      const table = rows.map((row) => row.split(',').map(Number));
      return Object.fromEntries(header!.split(',').map((key, column) => [key, table.map((row) => row[column]!)]));
    },
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
const range = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

test.each(readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml')))('%s is a whole study, with its plan', async (name) => {
  const before = readdirSync(EXAMPLES);
  const plan = await checkStudy(join(EXAMPLES, name), { threads: 1 });
  expect(plan.steps).toBeGreaterThanOrEqual(10000);
  expect(plan.estimate.seconds).toBeGreaterThan(0);
  expect(plan.estimate.memory_MB).toBeGreaterThan(0);
  expect(plan.warnings).toEqual([]);
  expect(readdirSync(EXAMPLES)).toEqual(before);
});

test.each([
  ['demo.yaml', 'stages[0].run=500 fs', 'analyses[0].diffusion.start'],
  ['mg-interface-900K.yaml', 'stages[0].run=2 ps', 'analyses[1].rdf.at[1]'],
  ['licl-nve.yaml', 'analyses[0].rdf.stop=4 ps', 'analyses[0].rdf.start'],
])('%s with %s would have nothing to measure: refused before it runs, with the key', async (name, set, key) => {
  const options = { set: [set], out: join(folder, 'refused') };
  await expect(runStudy(join(EXAMPLES, name), options)).rejects.toMatchObject({ code: 'OPTION_VALUE', key, kind: 'request' });
  expect(existsSync(options.out)).toBe(false);
});

describe('LiCl at constant energy', () => {
  let run: ShortRun;
  beforeAll(async () => {
    run = await shortForm('licl-nve.yaml', 'licl', ['stages[0].run=500 fs', 'analyses[0].rdf.start=100 fs']);
  });

  test('the total energy stays while kinetic and potential energy change places', () => {
    const { conserved_eV: total, potential_energy_eV: potential } = run.thermo('01-nve');
    const later = total!.slice(10);
    // The error of velocity Verlet is of second order: (w dt)^2/8 = 1.4e-3 of the energy in the fastest mode (60 fs), and of random sign over
    // the modes; a thousandth of what is exchanged bounds their sum.
    expect(range(potential!)).toBeGreaterThan(1);
    expect(range(later)).toBeLessThan(1e-3 * range(potential!));
    // No trend: the two halves differ by less than one value scatters.
    const half = later.length / 2;
    expect(Math.abs(mean(later.slice(half)) - mean(later.slice(0, half)))).toBeLessThan(deviation(later));
  });

  test('what is left is the error of the time step: four times as large at 2 fs', async () => {
    const coarse = await shortForm('licl-nve.yaml', 'licl-2fs', [
      'timestep=2 fs',
      'stages[0].run=500 fs',
      'stages[0].sample={ thermo: 10 fs }',
      'analyses=[]',
    ]);
    const scatter = (of: ShortRun) => deviation(of.thermo('01-nve').conserved_eV!.slice(10));
    // Over 40 rows that follow the same modes; terms of fourth order add (w dt)^2/4, 4 % at 2 fs, and the paths part slowly.
    const ratio = scatter(coarse) / scatter(run);
    expect(ratio).toBeGreaterThan(3.5);
    expect(ratio).toBeLessThan(4.5);
  });

  test('half of the start temperature is left: the other half went into the springs', () => {
    const temperature = run.thermo('01-nve').temperature_K!;
    expect(temperature[0]).toBeCloseTo(600, 6);
    // In a harmonic crystal K has the standard deviation sqrt(3/(2 N_f)) of its mean (start energies of the modes and their phases; N_f = 189):
    // 9 %, here over some 15 periods of the optical modes: 2.3 %, of which four are taken; what is anharmonic at 300 K lies below.
    const settled = mean(temperature.slice(11));
    expect(Math.abs(settled - 300)).toBeLessThan(0.092 * 300);
    expect(Math.max(...temperature.slice(11))).toBeLessThan(0.75 * temperature[0]!);
  });

  test('the rock-salt structure is there: six neighbours at half the lattice constant', () => {
    const [{ result }] = run.analyses as [Analysis];
    const { r_A, g, first_minimum_A, running_coordination } = result.pairs['Li-Cl'];
    const bin = r_A.findIndex((r: number) => r >= first_minimum_A);
    // LiCl: a = 5.084 A in the bundled crystal; thermal motion (0.2 A) moves the maxima by less than half of itself.
    expect(Math.abs(r_A[g.indexOf(Math.max(...g))] - 5.084 / 2)).toBeLessThan(0.1);
    expect(Math.abs(running_coordination[bin] - 6)).toBeLessThan(0.1);
    const like = result.pairs['Cl-Cl'];
    expect(Math.abs(like.r_A[like.g.indexOf(Math.max(...like.g))] - 5.084 / Math.SQRT2)).toBeLessThan(0.1);
  });
});

/** Neighbours of kind `b` within `cutoff` of atoms of kind `a`, mean over `a`: all pairs, all images that can reach. */
function coordinationByHand(structure: Structure, [a, b]: readonly [string, string], cutoff: number): number {
  const symbols = symbolsOf(structure);
  const { positions: x, cell } = structure;
  let pairs = 0;
  for (const [i, centre] of symbols.entries()) {
    if (centre !== a) continue;
    for (const [j, other] of symbols.entries()) {
      if (other !== b) continue;
      for (let n = 0; n < 125; n++) {
        const shift = [Math.floor(n / 25) - 2, (Math.floor(n / 5) % 5) - 2, (n % 5) - 2];
        const r = [0, 1, 2].map(
          (k) => x[3 * j + k]! - x[3 * i + k]! + shift.reduce((sum, m, row) => sum + m * cell![3 * row + k]!, 0),
        );
        if (Math.hypot(...r) < cutoff) pairs++;
      }
    }
  }
  return pairs / symbols.filter((symbol) => symbol === a).length;
}

describe('the MgCl2 | GaF3 interface', () => {
  const cutoffs = { 'Ga-F': 2.4, 'Ga-Cl': 2.8, 'Mg-F': 2.6, 'Mg-Cl': 3.3 } as const;
  let run: ShortRun;
  beforeAll(async () => {
    run = await shortForm('mg-interface-900K.yaml', 'interface', [
      'stages[0].run=200 fs',
      'analyses[1].rdf.at=[50 fs, 150 fs]',
      'analyses[1].rdf.window=100 fs',
    ]);
  });

  test('coordination numbers of the four pairs against time, beginning with those of the start structure', async () => {
    const [{ observable, result }] = run.analyses as [Analysis];
    expect(observable).toBe('coordination');
    expect(result.time_fs).toEqual([0, 50, 100, 150, 200]);
    expect(Object.keys(result.pairs)).toEqual(Object.keys(cutoffs));
    const start = await readStructure(join(EXAMPLES, 'structures', 'mg_interface.xyz'));
    for (const [pair, cutoff] of Object.entries(cutoffs)) {
      const { mean_per_frame: means, cutoff_A, histogram } = result.pairs[pair];
      expect(cutoff_A).toBe(cutoff);
      expect(means).toHaveLength(5);
      // Exact but for the rounding of a division; single precision in the trajectory moves no distance across a cut-off here.
      expect(means[0]).toBeCloseTo(coordinationByHand(start, pair.split('-') as [string, string], cutoff), 12);
      for (const value of means) expect(value >= 0 && value <= 8).toBe(true);
      const counted = histogram.reduce((sum: number, times: number, n: number) => sum + n * times, 0);
      const observations = histogram.reduce((sum: number, times: number) => sum + times, 0);
      expect(counted / observations).toBeCloseTo(mean(means), 12);
    }
    // Both crystals are built of octahedra: 6 in the bulk, fewer at the faces of GaF3, and 200 fs take none apart.
    for (const total of result.total.Mg.mean_per_frame) expect(total > 5.5 && total < 6.5).toBe(true);
    for (const total of result.total.Ga.mean_per_frame) expect(total > 5 && total < 6.5).toBe(true);
    expect(result.pairs['Ga-F'].mean_per_frame.at(-1)).toBeGreaterThan(result.pairs['Ga-Cl'].mean_per_frame.at(-1));
  });

  test('is written as a table, and g(r) at both times beside it', () => {
    const [header, ...rows] = readFileSync(join(run.directory, 'data', 'mix-coordination.csv'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(header!.split(',')).toHaveLength(5);
    expect(rows).toHaveLength(5);
    for (const pair of Object.keys(cutoffs)) {
      for (const time of [50, 150])
        expect(existsSync(join(run.directory, 'data', `mix-rdf-${pair}-at-${time}fs.csv`))).toBe(true);
    }
    // The report gives the first shell at each of the times, from the curves.
    const report = readFileSync(join(run.directory, 'report.html'), 'utf8');
    expect(report).toMatch(/Cl around Mg within the first minimum at 3\.\d+\sÅ: [56]\.?\d* at 50\sfs, 5\.\d+ at 150\sfs\./);
  });

  test('the energy of atoms and thermostat together stays', () => {
    const { conserved_eV: total, potential_energy_eV: potential } = run.thermo('01-mix');
    // A structure as cut from two crystals: the first 20 fs are the release of its strain, the rest scatters by the error of the time step.
    expect(range(potential!)).toBeGreaterThan(1);
    expect(range(total!.slice(2))).toBeLessThan(1e-3 * range(potential!));
  });
});

describe('Li3YCl6 at 700 K', () => {
  let run: ShortRun;
  beforeAll(async () => {
    run = await shortForm('li3ycl6-700K.yaml', 'li3ycl6', ['stages[0].run=100 fs', 'stages[1].run=300 fs']);
  });

  test('cut short, it refuses every transport number and says why', () => {
    const [diffusion, conductivity] = run.analyses as [Analysis, Analysis];
    const refused = { value: null, error: null, status: 'insufficient', reasons: ['too-few-frames'] };
    for (const species of ['Li', 'Y', 'Cl']) expect(diffusion.result.species[species]).toMatchObject(refused);
    for (const key of ['total', 'nernst_einstein', 'haven_ratio']) expect(conductivity.result[key]).toMatchObject(refused);
    expect(readFileSync(join(run.directory, 'report.html'), 'utf8')).toContain('too few frames');
  });

  test('yttrium and chlorine stay where they are, in octahedra', async () => {
    const reader = await AmberNetcdfReader.open(join(run.directory, 'stages', '02-production', 'trajectory.nc'));
    const first = (await reader.frame(0)).positions;
    const last = (await reader.frame(reader.frameCount - 1)).positions;
    await reader.close();
    const symbols = symbolsOf(await readStructure(join(EXAMPLES, 'structures', 'Li3YCl6_trigonal_90_700K.extxyz')));
    const moves = symbols.map((_, i) => Math.hypot(...[0, 1, 2].map((k) => last[3 * i + k]! - first[3 * i + k]!)));
    const largest = (species: string) => Math.max(...moves.filter((_, i) => symbols[i] === species));
    // Half of the smallest distance of like ions (Y-Y 6.26 A, Cl-Cl 3.60 A): beyond it another site would be nearer than its own.
    for (const [species, limit] of [
      ['Y', 3.13],
      ['Cl', 1.8],
    ] as const) {
      expect(largest(species)).toBeGreaterThan(0.01);
      expect(largest(species)).toBeLessThan(limit);
    }
    const { r_A, running_coordination, first_minimum_A } = run.analyses[2]!.result.pairs['Y-Cl'];
    const bin = r_A.findIndex((r: number) => r >= first_minimum_A);
    expect(Math.abs(running_coordination[bin] - 6)).toBeLessThan(0.05);
  });

  test('stages go on from each other, and the energy of atoms and thermostat stays', () => {
    const [heat, production] = [run.thermo('01-equilibrate'), run.thermo('02-production')];
    expect(heat.step).toEqual([0, 50, 100]);
    expect(production.step!.at(-1)).toBe(300);
    expect(production.potential_energy_eV![0]).toBe(heat.potential_energy_eV!.at(-1));
    expect(production.kinetic_energy_eV![0]).toBe(heat.kinetic_energy_eV!.at(-1));
    expect(range(production.conserved_eV!)).toBeLessThan(1e-3 * range(production.potential_energy_eV!));
  });
});
