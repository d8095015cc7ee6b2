/** The addon while processes and workers end: child processes, so that a crash is a failed test and not the end of all tests. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { ADDON, flatModel, flatSystem, SLOW_MODEL } from './flat-model.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-lifetime-'));
const input = join(folder, 'input');
beforeAll(() =>
  writeFileSync(
    input,
    serialize({
      model: flatModel(),
      slowModel: flatModel(SLOW_MODEL),
      small: flatSystem(4),
      middle: flatSystem(10),
      large: flatSystem(24),
    }),
  ),
);
afterAll(() => rmSync(folder, { recursive: true }));

/** What every script begins with; `data` also in workers, which get it as workerData. */
const PRELUDE = `
  const { Worker, workerData, isMainThread, parentPort } = require('node:worker_threads');
  const data = isMainThread ? require('node:v8').deserialize(require('node:fs').readFileSync(process.argv[1])) : workerData;
  const load = () => require(${JSON.stringify(ADDON)});
  const bind = (model, { arrays, options }, more = {}) => {
    const addon = load();
    return addon.createEvaluator(addon.createDeepPotential(model, addon.info().isa, { precision: 'double', compression: false }), arrays, { ...options, ...more });
  };
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly errors: string;
  /** ms since the child wrote a line \`go\`. */
  readonly sinceGo: number;
}

function run(script: string, flags: string[] = [], env: Record<string, string> = {}): Promise<End> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, '-e', `${PRELUDE}\n${script}`, input], { env: { ...process.env, ...env } });
    let out = '';
    let errors = '';
    let go = 0;
    child.stdout.on('data', (text) => {
      out += text;
      if (out.includes('go\n')) go ||= performance.now();
    });
    child.stderr.on('data', (text) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, out, errors, sinceGo: performance.now() - go }));
  });
}

/** A script that runs to its end, with nothing to complain of. */
async function runs(script: string, flags: string[] = [], env: Record<string, string> = {}): Promise<End> {
  const end = await run(script, flags, env);
  expect({ status: end.status, signal: end.signal, errors: end.errors }).toEqual({ status: 0, signal: null, errors: '' });
  return end;
}

test.each([1, 2, 8])('process.exit(0) in the middle of a computation on %d threads', async (threads) => {
  const { sinceGo } = await runs(`
    bind(data.slowModel, data.large, { threads: ${threads} }).compute();
    setTimeout(() => { console.log('go'); process.exit(0); }, 150);
  `);
  expect(sinceGo).toBeLessThan(2000);
});

test('an uncaught error in the middle of a computation ends the process with status 1', async () => {
  const { status, signal, sinceGo } = await run(`
    bind(data.slowModel, data.large).compute();
    setTimeout(() => { console.log('go'); throw new Error('on purpose'); }, 150);
  `);
  expect({ status, signal }).toEqual({ status: 1, signal: null });
  expect(sinceGo).toBeLessThan(2000);
});

test('workers terminated in the middle of their work, others going on undisturbed', async () => {
  await runs(`
    const body = ${JSON.stringify(`${PRELUDE}
      const e = bind(data.slowModel, data.large);
      e.compute().then(() => parentPort.postMessage('done'));
      parentPort.postMessage('started');`)};
    (async () => {
      const mine = bind(data.model, data.small);
      mine.computeSync();
      const want = mine.energy;
      for (let round = 0; round < 4; round++) {
        const workers = Array.from({ length: 3 }, () => new Worker(body, { eval: true, workerData: data }));
        await Promise.all(workers.map((w) => new Promise((resolve, reject) => { w.once('message', resolve); w.once('error', reject); })));
        await sleep(20 * round);
        const stopping = workers.map((w) => w.terminate());
        await mine.compute();
        if (mine.energy !== want) throw new Error('another energy');
        await Promise.all(stopping);
      }
    })();
  `);
});

test('a computation that is done while its worker is being terminated', async () => {
  await runs(`
    const body = ${JSON.stringify(`${PRELUDE}
      const e = bind(data.model, data.small);
      const again = () => e.compute().then(again);
      again();
      parentPort.postMessage('started');`)};
    (async () => {
      for (let round = 0; round < 25; round++) {
        const worker = new Worker(body, { eval: true, workerData: data });
        await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
        await sleep(round % 5);
        await worker.terminate();
      }
    })();
  `);
});

test('a library that only workers load stays in memory for its threads', async () => {
  await runs(`
    const body = ${JSON.stringify(`${PRELUDE}
      bind(data.model, data.small, { threads: 4 }).compute().then(() => parentPort.postMessage('done'));`)};
    (async () => {
      for (let round = 0; round < 20; round++) {
        const worker = new Worker(body, { eval: true, workerData: data });
        await new Promise((resolve, reject) => { worker.once('exit', resolve); worker.once('error', reject); });
      }
      if (process.platform === 'linux') {
        const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
        if (!maps.includes(${JSON.stringify(ADDON)})) throw new Error('unloaded');
      }
    })();
  `);
});

test('an evaluator that nobody holds is not collected while it computes', async () => {
  const { out } = await runs(
    `
    (async () => {
      const { arrays } = data.middle;
      const promise = bind(data.model, data.middle).compute();
      for (let k = 0; k < 20; k++) { gc(); await sleep(1); }
      await promise;
      console.log(arrays.forces.some((f) => f !== 0));
    })();
  `,
    ['--expose-gc'],
  );
  expect(out).toBe('true\n');
});

test('nothing pending does not keep a process alive; something pending does', async () => {
  const { out } = await runs(`
    bind(data.model, data.small).compute().then(() => console.log('settled'));
    bind(data.model, data.small);
  `);
  expect(out).toBe('settled\n');
});

test('300 evaluators made, used and disposed of do not grow the process', async () => {
  const { out } = await runs(
    `
    (async () => {
      const addon = load();
      const cycle = async (k) => {
        // A model of its own each time: those are left to the garbage collector.
        const model = addon.createDeepPotential(data.model, addon.info().isa, { precision: 'double', compression: false });
        const e = addon.createEvaluator(model, data.middle.arrays, data.middle.options);
        if (k % 2) await e.compute(); else e.computeSync();
        e.dispose();
        if (k % 20 === 0) { gc(); await sleep(0); }
      };
      const rss = async () => { gc(); await sleep(10); gc(); return process.memoryUsage.rss(); };
      for (let k = 0; k < 60; k++) await cycle(k);
      const before = await rss();
      for (let k = 0; k < 300; k++) await cycle(k);
      console.log((await rss()) - before);
    })();
  `,
    ['--expose-gc'],
  );
  // The list and gradients of this system are 3 MB: a leak of one in ten of them would be 90 MB.
  expect(Number(out)).toBeLessThan(20e6);
});

test('an instruction set forced by the environment that is not there', async () => {
  const { out } = await runs(
    `try { load().info(); } catch (error) { console.log(error.code); }
     try { bind(data.model, data.small); } catch (error) { console.log(error.code); }`,
    [],
    { IONCLAY_ISA: 'mmx' },
  );
  expect(out).toBe('ISA_UNAVAILABLE\nISA_UNAVAILABLE\n');
});

test('1024 threads for a small system', async () => {
  const { out } = await runs(`
    const few = bind(data.model, data.middle, { threads: 1 });
    few.computeSync();
    const e = bind(data.model, data.middle, { threads: 1024 });
    e.compute().then(() => console.log(e.energy === few.energy));
  `);
  expect(out).toBe('true\n');
});
