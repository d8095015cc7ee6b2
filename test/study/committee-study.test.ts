/** Studies with several models: deviation in thermo.csv, stop-above, what the run directory says about both, resume. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkText, statusText } from '../../lib/cli/study-text.js';
import { IonclayError } from '../../lib/errors.js';
import { Committee } from '../../lib/potential/committee.js';
import { readRun } from '../../lib/report/read-run.js';
import { renderReport } from '../../lib/report/report.js';
import { checkPlan } from '../../lib/study/check-plan.js';
import { executeStudy, readStatus, resumeRun } from '../../lib/study/execute-study.js';
import { parseStudy } from '../../lib/study/study-file.js';
import { nativeHdf5, nativeModel } from '../oracle/native-trees';
import { perturbed } from '../potential/perturbed.js';
import { resultFiles } from './run-files.js';

const STUDY = `study: mgcl2-committee
seed: 3
model: [mg-ga-f-cl, mg-ga-f-cl]
compression: none
structure:
  crystal: { name: MgCl2, supercell: [2, 2, 1] }
timestep: 2 fs
stages:
  - name: hold
    steps: 12
    ensemble: nvt
    temperature: 300 K
    sample: { thermo: 8 fs, trajectory: 6 fs }
  - name: heat
    steps: 60
    ensemble: nvt
    temperature: [300 K, 3000 K]
    velocities: { temperature: 3000 K }
    sample: { thermo: 10 fs, trajectory: 10 fs }
`;

let folder: string;
let committee: Committee;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ionclay-committee-'));
  committee = new Committee([await perturbed(0), await perturbed(1)], { threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);
const study = (text = STUDY) => parseStudy(text, { file: 'study.yaml', directory: folder });
/** Two different models under the names of the study. */
const openPotential = async () => committee;
const run = (name: string, text?: string, options: Parameters<typeof executeStudy>[1] = {}) =>
  executeStudy(study(text), { out: at(name), threads: 1, openPotential, ...options });
const table = (name: string, stage: string) => {
  const [header, ...rows] = readFileSync(at(name, 'stages', stage, 'thermo.csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  return { header: header!, rows, column: (key: string) => rows.map((row) => Number(row[header!.indexOf(key)])) };
};
const json = (name: string, file: string) => JSON.parse(readFileSync(at(name, file), 'utf8'));

async function refusal(promise: Promise<unknown>): Promise<IonclayError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof IonclayError)) throw error ?? new Error('nothing was refused');
  return error;
}

/** A limit that the run without one passes at a row in the middle of the second stage. */
let limit: number;
const stopping = () => STUDY.replace('[300 K, 3000 K]\n', `[300 K, 3000 K]\n    stop-above: ${limit} eV/A\n`);

test('every row has the deviation of its step; all else is as with the first model alone', async () => {
  await run('whole');
  const alone = await perturbed(0);
  await executeStudy(study(STUDY.replace('[mg-ga-f-cl, mg-ga-f-cl]', 'mg-ga-f-cl')), {
    out: at('alone'),
    threads: 1,
    openPotential: async () => alone,
  });
  const columns = ['force_max_eV_per_A', 'force_min_eV_per_A', 'force_mean_eV_per_A', 'energy_eV_per_atom'];
  const virial = ['virial_max_eV_per_atom', 'virial_min_eV_per_atom', 'virial_mean_eV_per_atom'];
  for (const stage of ['01-hold', '02-heat']) {
    const [one, other] = [table('whole', stage), table('alone', stage)];
    expect(one.header).toEqual([...other.header, ...[...columns, ...virial].map((name) => `deviation_${name}`)]);
    expect(one.rows.map((row) => row.slice(0, -7))).toEqual(other.rows);
    for (const field of one.rows.flatMap((row) => row.slice(-7))) expect(String(Number(field))).toBe(field);
    for (const name of columns) expect(Math.min(...one.column(`deviation_${name}`))).toBeGreaterThan(0);
    for (const file of ['end.extxyz', 'trajectory.nc']) {
      expect(readFileSync(at('whole', 'stages', stage, file)).equals(readFileSync(at('alone', 'stages', stage, file)))).toBe(
        true,
      );
    }
  }
  const deviation = table('whole', '02-heat').column('deviation_force_max_eV_per_A');
  const peak = deviation.findIndex((x, k) => k >= 4 && x > Math.max(...deviation.slice(0, k)));
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(deviation.length - 1);
  limit = (Math.max(...deviation.slice(0, peak)) + deviation[peak]!) / 2;
});

describe('stop-above', () => {
  const LATER = `  - name: cool
    steps: 5
    ensemble: nvt
    temperature: 300 K
  - name: again
    steps: 5
    ensemble: nve
    from: hold
    sample: { thermo: 4 fs, trajectory: 2 fs }
analyses:
  - rdf: { stage: heat, pairs: [Mg-Cl], cutoff: 3 A, at: [10 fs, 120 fs], window: 20 fs }
  - msd: { stage: again, species: [Cl] }
`;
  const text = () => stopping() + LATER;
  let stoppedFiles: Record<string, string>;

  test('ends the stage at its row; what starts from its end is not run, what does not is', async () => {
    const outcome = await run('stopped', text());
    const { rows, column } = table('stopped', '02-heat');
    const deviation = column('deviation_force_max_eV_per_A');
    expect(deviation.at(-1)).toBeGreaterThan(limit);
    expect(Math.max(...deviation.slice(0, -1))).toBeLessThanOrEqual(limit);
    expect(rows).toEqual(table('whole', '02-heat').rows.slice(0, rows.length));
    const step = column('step').at(-1)!;
    const stopped = [
      {
        stage: 'heat',
        step,
        time_fs: 2 * step,
        deviation_force_max_eV_per_A: deviation.at(-1),
        stop_above_eV_per_A: limit,
      },
    ];
    expect(outcome.stopped).toEqual(stopped);
    expect(outcome.warnings.join('\n')).toMatch(/stage heat was stopped at step .*\n.*stage cool was not run/);
    expect(readdirSync(at('stopped', 'stages')).sort()).toEqual(['01-hold', '02-heat', '04-again']);
    expect(readdirSync(at('stopped', 'stages', '02-heat'))).toContain('end.extxyz');
    const status = json('stopped', 'status.json');
    expect(status).toMatchObject({ state: 'done', percent: 100, stopped, skipped: ['cool'], error: null });
    expect(statusText('dir', status)).toMatch(/stage heat was stopped at step/);
    const results = json('stopped', 'results.json');
    expect(results).toMatchObject({ stopped, skipped: ['cool'] });
    // 120 fs is after the stop: no number is better than one of nothing.
    expect(results.analyses[0]).toMatchObject({ observable: 'rdf', stage: 'heat', result: null });
    expect(results.analyses[0].warnings[0]).toMatch(/stopped by the deviation/);
    expect(results.analyses[1].result).not.toBeNull();
    expect(readFileSync(at('stopped', 'events.log'), 'utf8')).toMatch(/stage heat was stopped at step/);
    stoppedFiles = resultFiles(at('stopped'));
    expect(json('stopped', 'provenance.json').warnings.join('\n')).toMatch(/stage heat was stopped/);
  });

  test('the report says so and draws the deviation', async () => {
    const data = await readRun(at('stopped'));
    expect(data.stages.map(({ state }) => state)).toEqual(['done', 'stopped by deviation', 'not run', 'done']);
    const page = renderReport(data);
    expect(page).toContain('Stage heat was stopped at step');
    expect(page).toContain('Not run because of that: cool');
    expect(page).toContain('Deviation of the models');
    expect(page).toContain('stop-above');
  });

  test('resume and run of what is finished say so again', async () => {
    const resumed = await resumeRun(at('stopped'), { openPotential, threads: 1 });
    expect(resumed).toMatchObject({ finishedBefore: true, stopped: [{ stage: 'heat' }] });
    expect(resumed.warnings.join('\n')).toMatch(/stage heat was stopped/);
    expect((await run('stopped', text())).finishedBefore).toBe(true);
    // Another limit is another study.
    const error = await refusal(run('stopped', text().replace(`stop-above: ${limit}`, 'stop-above: 7')));
    expect(error).toMatchObject({ code: 'OTHER_STUDY', key: 'stages[1].stop-above' });
    // Later stages may be added, and run where they do not start from the stop.
    const more = `  - { name: more, steps: 4, ensemble: nve, from: again }\n  - { name: never, steps: 4, ensemble: nve, from: cool }\n`;
    const extended = await run('stopped', text().replace('analyses:', `${more}analyses:`));
    expect(extended).toMatchObject({ finishedBefore: false, stopped: [{ stage: 'heat' }] });
    expect(json('stopped', 'status.json')).toMatchObject({ state: 'done', skipped: ['cool', 'never'] });
    expect(readdirSync(at('stopped', 'stages')).sort()).toEqual(['01-hold', '02-heat', '04-again', '05-more']);
  });

  test.each([5, 40, 75])('an abort near step %i, and a resume, give the same bytes', async (step) => {
    const controller = new AbortController();
    const name = `abort-${step}`;
    const stopped = run(name, text().replace('timestep', 'checkpoint: 0.01 s\ntimestep'), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.step >= step) controller.abort(new IonclayError('STOPPED', 'enough'));
      },
    });
    expect((await refusal(stopped)).code).toBe('STOPPED');
    const outcome = await resumeRun(at(name), { openPotential, threads: 2 });
    expect(outcome.stopped).toHaveLength(1);
    expect(resultFiles(at(name))).toEqual(stoppedFiles);
  });

  test('needs a committee', async () => {
    const single = stopping().replace('[mg-ga-f-cl, mg-ga-f-cl]', 'mg-ga-f-cl');
    const alone = await perturbed(0);
    const error = await refusal(executeStudy(study(single), { out: at('single'), openPotential: async () => alone }));
    expect(error).toMatchObject({ code: 'BAD_VALUE', key: 'stages[1].stop-above', line: 18 });
  });
});

test('the first row may stop a stage too', async () => {
  const outcome = await run('at-once', STUDY.replace('steps: 12', 'steps: 12\n    stop-above: 1e-9 eV/A'));
  expect(outcome.stopped).toMatchObject([{ stage: 'hold', step: 0 }]);
  expect(table('at-once', '01-hold').rows).toHaveLength(1);
  expect(json('at-once', 'status.json')).toMatchObject({ state: 'done', skipped: ['heat'] });
});

test('provenance, plan and check name every model', async () => {
  const provenance = json('whole', 'provenance.json');
  expect(provenance).toMatchObject({ precision: 'double', compression: 'none' });
  expect(provenance.models.map(({ name, sha256 }: { name: string; sha256: string }) => [name, sha256])).toEqual(
    committee.members.map((member) => [member.name, member.info().sha256]),
  );
  const check = await checkPlan(study(stopping()), { openPotential, threads: 1 });
  expect(check.models).toHaveLength(2);
  expect(check.stages.map((stage) => stage.stop_above_eV_per_A)).toEqual([null, limit]);
  expect(checkText(check)).toMatch(/and +member-1 \(se_e2_a\)[\s\S]*ends where the force deviation/);
});

test('a list of models is opened as it stands: the same model twice deviates by nothing', async () => {
  await executeStudy(study(STUDY.slice(0, STUDY.indexOf('  - name: heat'))), { out: at('twice'), threads: 1 });
  expect(
    table('twice', '01-hold')
      .rows.flatMap((row) => row.slice(-7))
      .every((field) => field === '0'),
  ).toBe(true);
  expect(readStatus(at('twice')).state).toBe('done');
  const error = await refusal(executeStudy(study(STUDY.replace('mg-ga-f-cl]', 'li-y-cl-br]')), { out: at('mixed') }));
  expect(error).toMatchObject({ code: 'COMMITTEE_MISMATCH', key: 'model', line: 3 });
  const missing = await refusal(executeStudy(study(STUDY.replace('mg-ga-f-cl]', 'no-such.dp]')), { out: at('missing') }));
  expect(missing).toMatchObject({
    code: 'MODEL_NOT_FOUND',
    key: 'model',
    line: 3,
    hint: expect.stringContaining('folder of the study'),
  });
});

test('slots are not added to a model whose empty slots contribute: said with the line, before anything is run', async () => {
  writeFileSync(at('radial.dp'), nativeHdf5(nativeModel('se_e2_r')));
  const text = STUDY.replace('[mg-ga-f-cl, mg-ga-f-cl]', 'radial.dp\ntypes: { Mg: 0, Cl: 1 }\nsel-overflow: grow');
  const error = await refusal(executeStudy(study(text), { out: at('grow') }));
  expect(error).toMatchObject({
    code: 'SEL_CANNOT_GROW',
    key: 'sel-overflow',
    line: 5,
    message: expect.stringContaining('radial.dp'),
  });
});

test('mixed precision and tables: an abort and a resume give the same bytes, and both are part of the run', async () => {
  const text = STUDY.replace('compression: none', 'compression: auto\nprecision: mixed');
  const kernel = { precision: 'mixed', compression: 'auto' } as const;
  const open = async () => new Committee([await perturbed(0, kernel), await perturbed(1, kernel)]);
  const options = { openPotential: open };
  await run('fast', text, options);
  expect(table('fast', '02-heat').rows).not.toEqual(table('whole', '02-heat').rows);
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => {
    if (step >= 30) controller.abort(new IonclayError('STOPPED', 'enough'));
  };
  const stopped = run('fast-abort', text, { ...options, signal: controller.signal, onProgress });
  expect((await refusal(stopped)).code).toBe('STOPPED');
  // With other tables or another precision it would be another run.
  expect((await refusal(resumeRun(at('fast-abort'), { openPotential }))).code).toBe('CHECKPOINT_OTHER_POTENTIAL');
  await resumeRun(at('fast-abort'), { ...options, threads: 2 });
  expect(resultFiles(at('fast-abort'))).toEqual(resultFiles(at('fast')));
  expect(json('fast', 'provenance.json')).toMatchObject(kernel);
});

describe('frame and atom parameters', () => {
  const top = (line: string) => STUDY.replace('compression: none', line);

  test('are refused where the model has none, with the line', async () => {
    const error = await refusal(executeStudy(study(top('fparam: [0.5]')), { out: at('fparam') }));
    expect(error).toMatchObject({ code: 'BAD_VALUE', key: 'fparam', line: 4 });
    writeFileSync(at('atoms.txt'), '1\n2\nthree\n');
    expect(await refusal(executeStudy(study(top('aparam: atoms.txt')), { out: at('aparam') }))).toMatchObject({
      message: expect.stringContaining('atoms.txt:3: "three"'),
    });
  });

  test.each(['fparam: 0.5', 'fparam: []', 'fparam: [a]', 'aparam: 3'])('malformed: %s', (line) => {
    expect(() => study(top(line))).toThrow(expect.objectContaining({ key: expect.stringMatching(/^.param/) }));
  });

  test('mean nothing for pair terms, as do precision and compression', async () => {
    const pairs = STUDY.replace('model: [mg-ga-f-cl, mg-ga-f-cl]', 'potential: { pairs: [] }');
    for (const line of ['fparam: [1]', 'aparam: a.txt', 'precision: mixed', 'compression: auto']) {
      const key = line.slice(0, line.indexOf(':'));
      const text = pairs.replace('compression: none', line);
      expect(await refusal(executeStudy(study(text), { out: at('pairs') }))).toMatchObject({ code: 'BAD_VALUE', key });
    }
  });
});
