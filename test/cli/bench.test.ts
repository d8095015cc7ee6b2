/** `ionclay bench`: one case for every instruction set, precision, compression and number of threads, with numbers that agree with each other. */
import { nativeAddon } from '../../lib/native/loader.js';
import { DYNAMICS_COMPRESSION, PRECISIONS } from '../../lib/potential/kernel-options.js';
import { ionclay } from './console.js';

const { available } = nativeAddon().info();

test('every variant of this machine, two threads', async () => {
  const { status, stdout } = await ionclay([
    'bench',
    '--atoms',
    '30',
    '--isa',
    'baseline',
    '--threads',
    '2',
    '--stages',
    '--json',
  ]);
  expect(status).toBe(0);
  const { cases } = JSON.parse(stdout);
  expect(cases.map((one: Record<string, unknown>) => [one.isa, one.precision, one.compression, one.threads])).toEqual(
    PRECISIONS.flatMap((precision) => [1, 2].map((threads) => ['baseline', precision, DYNAMICS_COMPRESSION, threads])),
  );
  for (const one of cases) {
    expect(one.natoms).toBeGreaterThan(0);
    expect(one.neighbours_per_atom).toBeGreaterThan(10);
    expect(one.us_per_atom_step).toBeGreaterThan(0);
    // The same number twice: rounding of one division.
    expect(one.atom_steps_per_s * one.us_per_atom_step).toBeCloseTo(1e6, 3);
    expect(Object.keys(one.stages)).toEqual(expect.arrayContaining(['list', 'descriptor', 'fitting', 'forces', 'integration']));
    for (const value of Object.values(one.stages)) expect(value).toBeGreaterThanOrEqual(0);
  }
}, 60_000);

test('what is asked for is measured, and nothing else', async () => {
  const best = available.at(-1)!;
  const { status, stdout } = await ionclay([
    'bench',
    '--atoms',
    '30',
    '--threads',
    '1',
    '--isa',
    best,
    '--precision',
    'double',
    '--compression',
    'none',
  ]);
  expect(status).toBe(0);
  const rows = stdout.trim().split('\n').slice(3);
  expect(rows).toHaveLength(1);
  expect(rows[0]!.trim().split(/\s+/).slice(0, 4)).toEqual([best, 'double', 'none', '1']);
}, 60_000);

test('words that are none are refused with those that are', async () => {
  const { status, stderr } = await ionclay(['bench', '--precision', 'half']);
  expect(status).toBe(2);
  expect(stderr).toContain('--precision: "half" is not what this option takes, expected one of double, mixed');
});
