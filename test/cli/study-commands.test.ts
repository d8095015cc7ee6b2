import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterruptedError } from '../../lib/cli/terminal.js';
import { resumeStudy, runStudy } from '../../lib/report/run-study.js';
import { LICL_STUDY } from '../study/licl-study.js';
import { ionclay } from './console.js';

let folder: string;
let study: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ionclay-commands-'));
  study = join(folder, 'study.yaml');
  writeFileSync(study, LICL_STUDY);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const out = (name: string) => ['--out', join(folder, name), '--threads', '1'];

test('check prints the plan and writes nothing', async () => {
  const before = readdirSync(folder);
  const { status, stdout } = await ionclay(['check', study, '--threads', '1']);
  expect(status).toBe(0);
  for (const words of [
    'atoms      64 (Li 32, Cl 32)',
    'heat: nvt from 300 K to 600 K, 100 fs = 100 steps',
    'starts from the end of heat',
    'nose-hoover, damping 200 fs, chain 3',
    'langevin, friction 1 /ps',
    'compression none',
    'sel-overflow: grow',
    'diffusion of stage free',
    'ms a step',
    'MB',
  ]) {
    expect(stdout).toContain(words);
  }
  expect(readdirSync(folder)).toEqual(before);
});

test('check --json: the same as one document', async () => {
  const { status, stdout } = await ionclay(['check', study, '--json', '--threads', '1', '--set', 'stages[1].steps=100']);
  expect(status).toBe(0);
  const check = JSON.parse(stdout) as Record<string, unknown>;
  expect(check).toMatchObject({ study: 'licl-small', atoms: 64, steps: 300, time_fs: 300, composition: { Li: 32, Cl: 32 } });
  expect((check.stages as unknown[])[1]).toMatchObject({
    name: 'hold',
    ensemble: 'nvt',
    temperature_K: 600,
    steps: 100,
    from: 'heat',
  });
  expect((check.estimate as { seconds_per_step: number }).seconds_per_step).toBeGreaterThan(0);
});

test('the functions behind the commands refuse what they do not know', async () => {
  await expect(runStudy(undefined as never)).rejects.toMatchObject({ code: 'WRONG_TYPE', key: 'study' });
  const options = { outt: join(folder, 'x') } as never;
  await expect(runStudy(study, options)).rejects.toMatchObject({ code: 'UNKNOWN_KEY', hint: 'did you mean "out"?' });
  await expect(resumeStudy(folder, options)).rejects.toMatchObject({ code: 'UNKNOWN_KEY', key: 'resumeStudy.outt' });
});

test('check warns of a damping that the time step cannot follow', async () => {
  const damping = ['--set', 'stages[0].thermostat={ nose-hoover: { damping: 5 fs } }'];
  const { stdout } = await ionclay(['check', study, '--threads', '1', '--json', ...damping]);
  expect(JSON.parse(stdout).warnings).toEqual([expect.stringContaining('stage heat: a nose-hoover damping of 5 fs is 5 steps')]);
});

test.each(['rdf: { pairs: [Li-Cl] }', 'coordination: { cutoffs: { Li-Cl: first-minimum } }'])(
  'an analysis that needs three periodic directions is refused before the run: %s',
  async (analysis) => {
    const slab = join(folder, 'slab.xyz');
    writeFileSync(slab, '2\nLattice="20 0 0 0 20 0 0 0 20" Properties=species:S:1:pos:R:3 pbc="T T F"\nLi 0 0 10\nCl 2.4 0 10\n');
    const set = ['--set', `structure=${slab}`, '--set', `analyses=[{ ${analysis} }]`];
    const { status, stdout } = await ionclay(['run', study, ...out('slab'), ...set, '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'E_CELL_MISSING', key: expect.stringContaining('analyses[0]') });
    expect(existsSync(join(folder, 'slab'))).toBe(false);
    rmSync(slab);
  },
);

test('run, status, report, resume', async () => {
  const { status, stdout, stderr } = await ionclay(['run', study, ...out('run'), '--json']);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const document = JSON.parse(stdout) as { state: string; results: { analyses: unknown[] } };
  expect(document).toMatchObject({ state: 'done', finished_before: false, resumed_from_step: 0, steps: 323 });
  expect(document.results.analyses).toHaveLength(2);
  expect(existsSync(join(folder, 'run', 'report.html'))).toBe(true);

  const shown = await ionclay(['status', join(folder, 'run'), '--json']);
  expect(Object.keys(JSON.parse(shown.stdout) as object)).toEqual([
    'state',
    'stage',
    'step',
    'steps',
    'percent',
    'steps_per_s',
    'seconds_left',
    'checkpoint_step',
    'resumed_from_step',
    'error',
  ]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ state: 'done', step: 323, percent: 100, error: null });
  expect((await ionclay(['status', join(folder, 'run'), '--watch'])).stdout).toContain('done');

  rmSync(join(folder, 'run', 'report.html'));
  expect(await ionclay(['report', join(folder, 'run')])).toMatchObject({
    status: 0,
    stdout: `${join(folder, 'run', 'report.html')}\n`,
  });
  expect(readFileSync(join(folder, 'run', 'report.html'), 'utf8')).toContain('licl-small');

  // The trajectory by itself: NetCDF names no elements, so they come from another file.
  const trajectory = join(folder, 'run', 'stages', '03-free', 'trajectory.nc');
  const unnamed = await ionclay(['analyze', 'rdf', trajectory]);
  expect([unnamed.status, unnamed.stderr.includes('--structure')]).toEqual([2, true]);
  const alone = await ionclay(['analyze', 'rdf', trajectory, '--structure', join(folder, 'run', 'structure.extxyz'), '--json']);
  const ofRun = await ionclay(['analyze', 'rdf', join(folder, 'run'), '--json']);
  expect(JSON.parse(alone.stdout).result).toEqual(JSON.parse(ofRun.stdout).result);
  const cut = join(folder, 'cut.nc');
  writeFileSync(cut, readFileSync(trajectory).subarray(0, -1));
  const named = ['--structure', join(folder, 'run', 'structure.extxyz'), '--json'];
  const short = await ionclay(['analyze', 'rdf', cut, ...named]);
  expect(JSON.parse(short.stdout)).toMatchObject({ error: { code: 'E_NC_TRUNCATED' } });
  const partial = await ionclay(['analyze', 'rdf', cut, ...named, '--allow-partial']);
  expect(JSON.parse(partial.stdout).result.frames).toBe(JSON.parse(alone.stdout).result.frames - 1);
  rmSync(cut);
  const twice = await ionclay(['analyze', 'rdf', join(folder, 'run'), '--structure', 'x', '--json']);
  expect(JSON.parse(twice.stdout)).toMatchObject({ error: { code: 'OPTION_VALUE', key: '--structure' } });

  const again = await ionclay(['resume', join(folder, 'run')]);
  expect(again.status).toBe(0);
  expect(again.stdout).toContain('this run is finished');
});

test('an interruption: status 130, what to type next, and --json says it too', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new InterruptedError('SIGINT')), 1500);
  const long = ['--set', 'stages[0].run=1 ns', '--set', 'analyses=[]'];
  const { status, stdout, stderr } = await ionclay(['run', study, ...out('interrupted'), ...long, '--json'], {
    signal: controller.signal,
  });
  expect(status).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
  expect(stderr).toContain('ionclay resume');
  const { stdout: shown } = await ionclay(['status', join(folder, 'interrupted')]);
  expect(shown).toContain('interrupted');
  expect(shown).toContain('ionclay resume');
});

describe('bad input: exit status 2, the place, and nothing written', () => {
  test.each([
    [
      'a wrong dimension',
      ['--set', 'stages[0].temperature=300 ps'],
      'WRONG_DIMENSION',
      'stages[0].temperature: "300 ps" is a time',
    ],
    ['an unknown key', ['--set', 'stages[0].temprature=300 K'], 'UNKNOWN_KEY', 'did you mean "temperature"?'],
    ['what is not built', ['--set', 'stages[0].ensemble=npt'], 'NOT_AVAILABLE', 'the ensemble npt'],
    [
      'an unknown observable',
      ['--set', 'analyses=[{ diffusoin: { stage: hold } }]', '--set', 'stages[1].sample={}'],
      'UNKNOWN_OBSERVABLE',
      'did you mean "diffusion"?',
    ],
    ['more steps than can be counted', ['--set', 'stages[0].run=1000000 s'], 'BAD_VALUE', 'stages[0].run: 1e+21 fs'],
    ['a missing structure', ['--set', 'structure=missing.cif'], 'E_FILE_NOT_FOUND', 'missing.cif'],
    ['an unknown option', ['--thread', '2'], 'UNKNOWN_OPTION', 'did you mean "--threads"?'],
  ])('%s', async (_what, more, code, words) => {
    const before = readdirSync(folder);
    for (const command of ['run', 'check']) {
      const plain = await ionclay([command, study, ...more]);
      expect(plain.status).toBe(2);
      expect(plain.stdout).toBe('');
      expect(plain.stderr).toMatch(/^error: /);
      expect(plain.stderr).toContain(words);
      const json = await ionclay([command, study, ...more, '--json']);
      expect(json.status).toBe(2);
      expect((JSON.parse(json.stdout) as { error: { code: string } }).error.code).toBe(code);
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  test('errors of a study file point at file and line', async () => {
    writeFileSync(join(folder, 'bad.yaml'), LICL_STUDY.replace('temperature: 600 K', 'temperature: 600 GPa'));
    const { status, stdout } = await ionclay(['run', join(folder, 'bad.yaml'), '--json']);
    expect(status).toBe(2);
    const line = LICL_STUDY.split('\n').findIndex((text) => text.includes('temperature: 600 K')) + 1;
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'WRONG_DIMENSION', file: join(folder, 'bad.yaml'), line, key: 'stages[1].temperature' },
    });
  });

  test.each([
    [['run', 'no-such-study.yaml'], 'STUDY_UNREADABLE'],
    [['resume', 'no-such-run'], 'NOT_A_RUN'],
    [['status', 'no-such-run'], 'NOT_A_RUN'],
    [['report', 'no-such-run'], 'NOT_A_RUN'],
  ])('%j', async (argv, code) => {
    const { status, stdout } = await ionclay([...argv, '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
  });
});
