/** What every observable refuses in the same way: nothing to measure is an error that says what there is, not an empty result. */
import { conductivity } from '../../lib/analysis/conductivity.js';
import { coordination } from '../../lib/analysis/coordination.js';
import { diffusion } from '../../lib/analysis/diffusion.js';
import { msd } from '../../lib/analysis/msd.js';
import { findObservable } from '../../lib/analysis/observables.js';
import { rdf } from '../../lib/analysis/rdf.js';
import { framesOf } from './frames.js';

const OPTIONS: Record<string, Record<string, unknown>> = {
  msd: {},
  diffusion: {},
  conductivity: { charges: { Li: 1, Cl: -1 }, temperature: 300 },
  rdf: { cutoff: 4 },
  coordination: { cutoffs: { 'Li-Cl': 3 } },
};

const cell = Float64Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10);
const frames = framesOf(
  Array.from({ length: 5 }, (_, t) => Float64Array.of(0.1 * t, 0, 0, 2.5, 0, 0)),
  { symbols: ['Li', 'Cl'], interval: 100, cell },
);

describe.each(Object.entries(OPTIONS))('%s', (name, options) => {
  const run = (given: Record<string, unknown>, input = frames) => findObservable(name).run(input, { ...options, ...given });

  test('refuses times without a frame, and an empty trajectory', async () => {
    await expect(run({ start: 401 })).rejects.toMatchObject({
      code: 'NO_FRAMES',
      key: 'start',
      hint: 'frames run from 0 to 400 fs',
    });
    await expect(run({ start: '110 fs', stop: '190 fs' })).rejects.toMatchObject({ code: 'NO_FRAMES', key: 'start' });
    await expect(run({ stop: -1 })).rejects.toMatchObject({ code: 'NO_FRAMES', key: 'stop' });
    await expect(run({}, [])).rejects.toMatchObject({ code: 'NO_FRAMES', hint: 'the trajectory is empty' });
  });

  test('takes a single frame', async () => {
    await expect(run({ start: 400 })).resolves.toMatchObject({ observable: name });
  });
});

describe.each(Object.entries({ msd, diffusion, conductivity, rdf, coordination }))('the function %s', (name, observe) => {
  const call = (...given: unknown[]) => (observe as (...args: unknown[]) => unknown)(...given);

  test('refuses an option that it does not know, of a stream and of an array', () => {
    const refused = expect.objectContaining({ code: 'UNKNOWN_KEY', key: `${name}.strat`, hint: 'did you mean "start"?' });
    expect(() => call({ ...OPTIONS[name], strat: '1 ps' })).toThrow(refused);
    expect(() => call(frames, { ...OPTIONS[name], strat: '1 ps' })).toThrow(refused);
    expect(() => call('Li')).toThrow(expect.objectContaining({ code: 'WRONG_TYPE' }));
  });

  test('gives a stream, or the result of an array', () => {
    expect(call(OPTIONS[name])).toHaveProperty('add');
    expect(call(frames, OPTIONS[name])).not.toHaveProperty('add');
  });
});
