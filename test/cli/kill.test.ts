/** kill -9 at random moments: the run ends with the bytes of one that was never killed, whatever the number of threads. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LICL_STUDY } from '../study/licl-study.js';
import { resultFiles } from '../study/run-files.js';
import { type ScratchPackage, scratchPackage } from './scratch-package.js';

let built: ScratchPackage;
let folder: string;

beforeAll(() => {
  built = scratchPackage();
  folder = mkdtempSync(join(tmpdir(), 'ionclay-kill-'));
  writeFileSync(join(folder, 'study.yaml'), LICL_STUDY);
});

afterAll(() => {
  for (const path of [built.root, folder]) rmSync(path, { recursive: true, force: true });
});

interface Ended {
  status: number | null;
  signal: string | null;
  stderr: string;
}

/** Starts the command line; `killAfter` ms after it began to work it gets the signal. */
function ionclay(args: string[], kill?: { after: number; signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM' }): Promise<Ended> {
  const child = spawn(process.execPath, [built.main, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  let armed = false;
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    if (!kill || armed || !stderr.includes('run directory:')) return;
    armed = true;
    setTimeout(() => child.kill(kill.signal), kill.after);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stderr }));
  });
}

/** Small generator with a fixed seed (Numerical Recipes): the moments are the same in every run of this test. */
function moments(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const LONGER = ['--set', 'stages[0].run=600 fs', '--set', 'stages[1].steps=623', '--set', 'stages[2].run=600 fs'];

test('a run that is killed again and again, and goes on with other numbers of threads', async () => {
  const whole = await ionclay(['run', 'study.yaml', '--out', 'whole', '--threads', '1', ...LONGER]);
  expect(whole).toMatchObject({ status: 0 });
  const expected = resultFiles(join(folder, 'whole'));
  expect(Object.keys(expected)).toContain('results.json');

  const random = moments(20260101);
  let kills = 0;
  let resumedLater = 0;
  for (let attempt = 0; attempt < 7; attempt++) {
    const args = attempt === 0 ? ['run', 'study.yaml', '--out', 'killed', ...LONGER] : ['resume', 'killed'];
    // The first kills come early (between creation and the first step), the last attempts may finish.
    const after = attempt < 2 ? 20 * random() : 400 * random();
    const { status, signal, stderr } = await ionclay([...args, '--threads', String(1 + (attempt % 3))], {
      after,
      signal: 'SIGKILL',
    });
    if (signal === 'SIGKILL') kills += 1;
    else expect({ status, stderr }).toMatchObject({ status: 0 });
    const state = JSON.parse(readFileSync(join(folder, 'killed', 'status.json'), 'utf8')) as { resumed_from_step: number };
    if (state.resumed_from_step > 0) resumedLater += 1;
    if (status === 0) break;
  }
  if (!existsSync(join(folder, 'killed', 'results.json')))
    expect(await ionclay(['resume', 'killed'])).toMatchObject({ status: 0 });
  expect(kills).toBeGreaterThan(2);
  expect(resumedLater).toBeGreaterThan(0);
  expect(resultFiles(join(folder, 'killed'))).toEqual(expected);
}, 120_000);

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s: a checkpoint, status %i, and the same bytes in the end',
  async (signal, code) => {
    const name = signal.toLowerCase();
    const long = ['--set', 'stages[0].run=5 ps', '--set', 'checkpoint=1 h'];
    const { status, stderr } = await ionclay(['run', 'study.yaml', '--out', name, ...long], { after: 300, signal });
    expect({ status, stderr }).toMatchObject({ status: code });
    expect(stderr).toContain(`ionclay resume ${name}`);
    const state = JSON.parse(readFileSync(join(folder, name, 'status.json'), 'utf8')) as Record<string, unknown>;
    expect(state.state).toBe('interrupted');
    expect(state.step).toBeGreaterThan(0);
    expect(state.checkpoint_step).toBe(state.step);
    expect(await ionclay(['resume', name, '--threads', '1'])).toMatchObject({ status: 0 });
    if (!existsSync(join(folder, 'long')))
      expect(await ionclay(['run', 'study.yaml', '--out', 'long', ...long])).toMatchObject({ status: 0 });
    expect(resultFiles(join(folder, name))).toEqual(resultFiles(join(folder, 'long')));
  },
  120_000,
);
