import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IonclayError } from '../../lib/errors.js';
import { AmberNetcdfReader } from '../../lib/io/amber-netcdf.js';
import { executeStudy, readStatus, resumeRun } from '../../lib/study/execute-study.js';
import { RunError, runError } from '../../lib/study/run-error.js';
import { parseStudy } from '../../lib/study/study-file.js';
import { LICL_STUDY } from './licl-study.js';
import { resultFiles } from './run-files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ionclay-study-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);
const study = (text = LICL_STUDY, sets: string[] = []) => parseStudy(text, { file: 'study.yaml', directory: folder, sets });
const run = (name: string, checked = study(), options: Parameters<typeof executeStudy>[1] = {}) =>
  executeStudy(checked, { out: at(name), threads: 1, ...options });

async function refusal(promise: Promise<unknown>): Promise<IonclayError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof IonclayError)) throw error ?? new Error('nothing was refused');
  return error as IonclayError;
}

const rows = (name: string, stage: string) =>
  readFileSync(at(name, 'stages', stage, 'thermo.csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));

describe('a finished run', () => {
  beforeAll(() => run('whole'));

  test('holds the files of the contract', () => {
    const files = readdirSync(at('whole')).sort();
    const wanted = [
      'checkpoint.ionclay',
      'checkpoint.ionclay.prev',
      'data',
      'events.log',
      'provenance.json',
      'results.json',
      'stages',
    ];
    expect(files).toEqual([...wanted, 'status.json', 'structure.extxyz', 'structure.json', 'study.yaml']);
    expect(readFileSync(at('whole', 'study.yaml'), 'utf8')).toBe(LICL_STUDY);
    for (const stage of ['01-heat', '02-hold', '03-free']) {
      expect(readdirSync(at('whole', 'stages', stage)).sort()).toEqual(['end.extxyz', 'thermo.csv', 'trajectory.nc']);
    }
  });

  test('thermo.csv: the start state, every multiple, the last step', () => {
    const [header, ...table] = rows('whole', '02-hold');
    expect(header!.slice(0, 6)).toEqual([
      'step',
      'time_fs',
      'temperature_K',
      'potential_energy_eV',
      'kinetic_energy_eV',
      'conserved_eV',
    ]);
    expect(table.map(([step]) => Number(step))).toEqual([...Array.from({ length: 18 }, (_, i) => 7 * i), 123]);
    expect(rows('whole', '01-heat')[0]!.at(-1)).toBe('temperature_target_K');
    expect(rows('whole', '01-heat').at(-1)!.at(-1)).toBe('600');
    // Numbers are the shortest text that reads back to the same double.
    for (const field of table.flat()) expect(String(Number(field))).toBe(field);
  });

  test('trajectory.nc: frames at the multiples, times from the start of the stage', async () => {
    const reader = await AmberNetcdfReader.open(at('whole', 'stages', '02-hold', 'trajectory.nc'));
    try {
      expect(reader.frameCount).toBe(7);
      expect((await reader.frame(6)).time).toBe(120);
    } finally {
      await reader.close();
    }
  });

  test('a stage from the stage before goes on where that ended, and `from` starts where the named one ended', () => {
    const potential = (row: string[]) => Number(row[3]);
    const heatEnd = potential(rows('whole', '01-heat').at(-1)!);
    // The stage before hands over its own numbers; `from` reads the end file, whose frame differs by a rounding of 64 energies of 10 eV.
    expect(potential(rows('whole', '02-hold')[1]!)).toBeCloseTo(heatEnd, 9);
    expect(potential(rows('whole', '03-free')[1]!)).toBeCloseTo(heatEnd, 9);
    expect(potential(rows('whole', '02-hold').at(-1)!)).not.toBeCloseTo(heatEnd, 2);
  });

  test('provenance names versions, hashes, defaults; no result does', () => {
    const provenance = JSON.parse(readFileSync(at('whole', 'provenance.json'), 'utf8')) as Record<string, unknown>;
    expect(provenance).toMatchObject({
      seed: '7',
      precision: 'double',
      compression: 'none',
      model: { type: 'pair', cutoff_A: 8 },
    });
    expect((provenance.defaults as string[]).join('\n')).toMatch(/precision: double[\s\S]*sel-overflow: grow/);
    expect(provenance.ended).not.toBeNull();
    const results = readFileSync(at('whole', 'results.json'), 'utf8');
    const { analyses } = JSON.parse(results) as { analyses: { observable: string; stage: string; input: string }[] };
    expect(analyses.map(({ observable, stage, input }) => [observable, stage, input])).toEqual([
      ['rdf', 'heat', 'stages/01-heat/trajectory.nc'],
      ['diffusion', 'free', 'stages/03-free/trajectory.nc'],
    ]);
    expect(results).not.toContain(folder);
    expect(readdirSync(at('whole', 'data'))).toEqual(['free-msd-Li.csv', 'heat-rdf-Li-Cl.csv']);
  });

  test('is not run again', async () => {
    const before = readFileSync(at('whole', 'events.log'), 'utf8');
    expect(await run('whole')).toMatchObject({ finishedBefore: true, steps: 323 });
    expect(await resumeRun(at('whole'))).toMatchObject({ finishedBefore: true });
    expect(readFileSync(at('whole', 'events.log'), 'utf8')).toBe(before);
  });

  test('another number of threads gives the same bytes', async () => {
    await run('threads', study(), { threads: 3 });
    expect(resultFiles(at('threads'))).toEqual(resultFiles(at('whole')));
  });

  test.each([0, 1, 99, 100, 101, 150, 223, 300])('an abort near step %i, and a resume, give the same bytes', async (step) => {
    const controller = new AbortController();
    const name = `abort-${step}`;
    const stop = run(name, study(), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.step >= step) controller.abort(new IonclayError('STOPPED', 'enough'));
      },
    });
    expect((await refusal(stop)).code).toBe('STOPPED');
    const status = readStatus(at(name));
    expect(status.state).toBe('interrupted');
    expect(status.step).toBeGreaterThanOrEqual(step);
    const { resumedFromStep } = await resumeRun(at(name), { threads: 2 });
    expect(resumedFromStep).toBe(status.checkpoint_step);
    expect(resultFiles(at(name))).toEqual(resultFiles(at('whole')));
  });

  test('a damaged checkpoint: the one before it serves, and it is said', async () => {
    const controller = new AbortController();
    const stop = run('damaged', study(LICL_STUDY, ['checkpoint=1 ms']), {
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step >= 150) controller.abort(new IonclayError('STOPPED', 'enough'));
      },
    });
    await refusal(stop);
    const bytes = readFileSync(at('damaged', 'checkpoint.ionclay'));
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(at('damaged', 'checkpoint.ionclay'), bytes);
    const notes: string[] = [];
    await resumeRun(at('damaged'), { threads: 1, onNote: (text) => notes.push(text) });
    expect(notes.join('\n')).toContain('the checkpoint before it');
    expect(resultFiles(at('damaged'))).toEqual(resultFiles(at('whole')));
  });
});

describe('a study that grew', () => {
  const short = LICL_STUDY.replace(/ {2}- name: free[\s\S]*?(?=analyses)/, '').replace(/ {2}- diffusion.*\n/, '');

  test('is appended: the same bytes as the long study at once', async () => {
    await run('grown', study(short));
    expect(existsSync(at('grown', 'stages', '03-free'))).toBe(false);
    const outcome = await run('grown', study());
    expect(outcome).toMatchObject({ finishedBefore: false, resumedFromStep: 223 });
    await run('at-once', study());
    expect(resultFiles(at('grown'))).toEqual(resultFiles(at('at-once')));
  });

  test.each([
    ['seed=8', 'seed'],
    ['stages[0].temperature=400 K', 'stages[0].temperature'],
    ['stages[1].steps=124', 'stages[1].steps'],
    ['stages[1].thermostat.langevin.friction=2 /ps', 'stages[1].thermostat.langevin.friction'],
    ['potential.charges.Li=0.9', 'potential'],
    ['structure.crystal.supercell=[2, 2, 3]', 'structure'],
    ['stages[0].timestep=2 fs', 'stages[0].timestep'],
  ])('another study (%s) is refused with the key that differs', async (set, key) => {
    if (!existsSync(at('other'))) await run('other', study(short));
    const before = resultFiles(at('other'));
    const sets = set.startsWith('potential.') ? [set, 'potential.charges.Cl=-0.9'] : [set];
    const error = await refusal(run('other', study(short, sets)));
    expect({ code: error.code, key: error.key }).toEqual({ code: 'OTHER_STUDY', key });
    expect(resultFiles(at('other'))).toEqual(before);
  });
});

describe('failures', () => {
  test('a blow-up: status, post-mortem, last checkpoint, exit status 1', async () => {
    const error = await refusal(
      run('blow-up', study(LICL_STUDY, ['stages[1].timestep=60 fs', 'stages[1].sample={}', 'analyses=[]'])),
    );
    expect(error.kind).toBe('work');
    expect(error.details).toMatchObject({ stage: 'hold', post_mortem: at('blow-up', 'post-mortem.extxyz') });
    expect(readStatus(at('blow-up'))).toMatchObject({ state: 'failed', error: { code: error.code }, checkpoint_step: 100 });
    expect(readFileSync(at('blow-up', 'post-mortem.extxyz'), 'utf8')).toMatch(/^64\n/);
    expect(existsSync(at('blow-up', 'stages', '01-heat', 'end.extxyz'))).toBe(true);
  });

  test('a full disk is said in words, wherever it shows', () => {
    const system = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    const wrapped = new IonclayError('CHECKPOINT_WRITE', 'the checkpoint could not be written', { cause: system });
    const told = runError(wrapped, {}, 'runs/x');
    expect(told).toBeInstanceOf(RunError);
    expect(told).toMatchObject({ code: 'DISK_FULL', kind: 'work' });
    expect(told.hint).toContain('ionclay resume runs/x');
  });

  test('files of the run that were cut short are not continued', async () => {
    const controller = new AbortController();
    const stop = run('cut', study(), {
      signal: controller.signal,
      onProgress: ({ step }) => step >= 50 && controller.abort(new IonclayError('STOPPED', '')),
    });
    await refusal(stop);
    writeFileSync(at('cut', 'stages', '01-heat', 'thermo.csv'), 'step\n');
    expect((await refusal(resumeRun(at('cut')))).code).toBe('RUN_DAMAGED');
  });
});

describe('nothing is written', () => {
  test.each([
    ['an unknown species', ['structure={ crystal: { name: MgCl2 } }'], 'SPECIES_WITHOUT_CHARGE'],
    ['a structure file that is not there', ['structure=missing.xyz'], 'E_FILE_NOT_FOUND'],
    ['a bundled crystal that does not exist', ['structure.crystal.name=LiClO99'], 'E_CRYSTAL_UNKNOWN'],
    ['both run and steps', ['stages[0].steps=3'], 'BAD_VALUE'],
    ['a run that is no whole number of steps', ['stages[0].timestep=0.7 fs'], 'BAD_VALUE'],
    ['an unknown stage to start from', ['stages[2].from=melt'], 'UNKNOWN_STAGE'],
    ['a later stage to start from', ['stages[1].from=free'], 'UNKNOWN_STAGE'],
    ['two stages of one name', ['stages[2].name=heat'], 'BAD_VALUE'],
    ['fixed atoms that are not there', ['stages[1].fixed={ species: [Y] }'], 'BAD_VALUE'],
    ['velocities that the structure has not', ['stages[0].velocities=file'], 'BAD_VALUE'],
    ['an analysis of an unknown stage', ['analyses=[{ rdf: { stage: melt } }]'], 'UNKNOWN_STAGE'],
    ['an observable that does not exist', ['analyses=[{ rfd: { stage: heat } }]'], 'UNKNOWN_OBSERVABLE'],
    ['an option of an observable that does not exist', ['analyses=[{ rdf: { stage: heat, cutof: 3 A } }]'], 'UNKNOWN_KEY'],
    ['an analysis without a trajectory', ['stages[0].sample={}'], 'BAD_VALUE'],
    ['model and potential', ['model=li-y-cl-br'], 'BAD_VALUE'],
  ])('where the study has %s', async (_what, sets, code) => {
    const before = readdirSync(folder);
    const error = await refusal(run('refused', (() => study(LICL_STUDY, sets))()));
    expect({ code: error.code, kind: error.kind, message: error.message }).toMatchObject({ code, kind: 'request' });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('where a seed is needed and missing', async () => {
    const error = await refusal(run('refused', study(LICL_STUDY.replace('seed: 7\n', ''))));
    expect(error).toMatchObject({ code: 'SEED_MISSING', key: 'seed' });
    expect(existsSync(at('refused'))).toBe(false);
  });

  test('where the output cannot be written, or something else is there', async () => {
    writeFileSync(at('file'), 'x');
    expect((await refusal(run('file'))).code).toBe('OUTPUT_EXISTS');
    expect((await refusal(run('file/run'))).kind).toBe('request');
    expect(readFileSync(at('file'), 'utf8')).toBe('x');
    expect((await refusal(run('.'))).code).toBe('OUTPUT_EXISTS');
    // A place where no one, not even root, can make a directory.
    if (existsSync('/proc/self'))
      expect((await refusal(executeStudy(study(), { out: '/proc/ionclay/run' }))).kind).toBe('request');
  });

  test('where another process runs it', async () => {
    await run('locked', study(LICL_STUDY, ['analyses=[]']));
    // The parent of this process lives, and is another one.
    writeFileSync(at('locked', 'run.lock'), JSON.stringify({ process: process.ppid, started: null }));
    copyFileSync(at('locked', 'checkpoint.ionclay.prev'), at('locked', 'checkpoint.ionclay'));
    expect((await refusal(resumeRun(at('locked')))).code).toBe('E_LOCKED');
    // The lock of a process that is gone is taken over; this number is above what the system gives out.
    writeFileSync(at('locked', 'run.lock'), JSON.stringify({ process: 2 ** 30, started: null }));
    await resumeRun(at('locked'));
    expect(readStatus(at('locked')).state).toBe('done');
  });

  const onLinux = existsSync('/proc/self/stat') ? test : test.skip;
  onLinux('a process that was killed but that nobody waits for holds no lock', async () => {
    await run('zombie', study(LICL_STUDY, ['analyses=[]']));
    copyFileSync(at('zombie', 'checkpoint.ionclay.prev'), at('zombie', 'checkpoint.ionclay'));
    // The parent goes on without waiting for its child, which stays behind as a zombie.
    const parent = spawn(
      'python3',
      ['-c', 'import os, time\npid = os.fork()\nif pid == 0: os._exit(0)\nprint(pid, flush=True)\ntime.sleep(60)'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    try {
      const [bytes] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(bytes.toString());
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 10));
      writeFileSync(at('zombie', 'run.lock'), JSON.stringify({ process: pid, started: null }));
      await resumeRun(at('zombie'));
      expect(readStatus(at('zombie')).state).toBe('done');
    } finally {
      parent.kill();
    }
  });

  test('a directory that is no run', async () => {
    expect((await refusal(resumeRun(at('nowhere')))).code).toBe('NOT_A_RUN');
  });
});
