/** The entry of the library: names of the contract are there, and wrong arguments are told from right ones. */
import * as ionclay from '../lib/index.js';

const exported: Record<string, unknown> = { ...ionclay };

test('names that this version does not build are refused by name, not missing', () => {
  for (const name of ['npt', 'nph', 'minimize', 'clay']) {
    expect(() => (exported[name] as (options: object) => unknown)({})).toThrow(
      expect.objectContaining({ code: 'NOT_AVAILABLE' }),
    );
  }
});

test('the names of the contract are exported', () => {
  const names =
    'loadPotential pairPotential readStructure crystal clay Simulation nvt npt minimize runStudy conductivity diffusion rdf'.split(
      ' ',
    );
  for (const name of names) expect(typeof exported[name]).toBe('function');
});

test('a path or a promise where a structure is expected is an error that says so', async () => {
  const potential = await ionclay.loadPotential('li-ga-f-cl');
  const structure = ionclay.crystal({ name: 'LiCl' });
  for (const [given, words] of [
    ['LiCl.cif', /expected a structure, got string/],
    [structure, /expected a structure, got a promise/],
    [undefined, /expected a structure, got undefined/],
  ] as const) {
    await expect(potential.evaluate(given as never)).rejects.toMatchObject({
      code: 'WRONG_TYPE',
      message: expect.stringMatching(words),
    });
  }
  expect((await potential.evaluate(await structure)).energy).toBeLessThan(0);
});
