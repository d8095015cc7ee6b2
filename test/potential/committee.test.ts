/** A committee: the first model drives, to the last bit; the others give the deviation. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crystal } from '../../lib/builders/crystal.js';
import { IonclayError } from '../../lib/errors.js';
import { Committee } from '../../lib/potential/committee.js';
import { DeepPotential } from '../../lib/potential/deep-potential.js';
import { modelDeviation } from '../../lib/potential/deviation.js';
import { parseAtomParameters } from '../../lib/potential/external-parameters.js';
import { loadPotential } from '../../lib/potential/load.js';
import { readModel } from '../../lib/potential/model-file.js';
import type { Structure } from '../../lib/structure.js';
import { perturbed, perturbedModel } from './perturbed.js';

let structure: Structure;
let members: DeepPotential[];
beforeAll(async () => {
  structure = await crystal({ name: 'MgCl2', supercell: [2, 2, 1] });
  structure.positions.forEach((x, k) => {
    structure.positions[k] = x + 0.05 * Math.sin(3 * k);
  });
  members = [await perturbed(0), await perturbed(1), await perturbed(2)];
});

function errorOf(call: () => unknown): IonclayError {
  try {
    call();
  } catch (error) {
    if (error instanceof IonclayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('nothing was refused');
    },
    (error) => error as IonclayError,
  );

const arraysFor = (of: Structure) => ({
  positions: of.positions.slice(),
  images: new Int32Array(of.positions.length),
  cell: of.cell!.slice(),
  forces: new Float64Array(of.positions.length),
  atomEnergies: new Float64Array(of.species.length),
  virial: new Float64Array(9),
});

test('evaluate: the numbers of the first model, and the deviation of all as evaluated one by one', async () => {
  const committee = new Committee(members, { threads: 1 });
  const { deviation, ...result } = await committee.evaluate(structure);
  const alone = await Promise.all(members.map((member) => member.evaluate(structure)));
  expect(result).toEqual(alone[0]);
  expect(alone[0]!.deviation).toBeUndefined();
  expect(deviation).toEqual(modelDeviation(alone));
  expect(deviation!.forceMax).toBeGreaterThan(1e-3);
  expect(committee.info()).toMatchObject({ name: 'mg-ga-f-cl', members: [{ name: 'mg-ga-f-cl' }, { name: 'member-1' }, {}] });
});

test('the deviation is that of the last evaluation, and of none that left the members out', () => {
  const arrays = arraysFor(structure);
  const field = new Committee(members).bind(members[0]!.typesOf(structure), structure.pbc, arrays, { skin: 1, threads: 1 });
  expect(field.deviation!()).toBeNull();
  field.computeSync();
  const first = field.deviation!()!;
  arrays.positions[0]! += 0.1;
  field.computeSync(false);
  expect(field.deviation!()).toBeNull();
  const driven = { forces: arrays.forces.slice(), virial: arrays.virial.slice(), energy: field.energy };
  field.computeSync();
  expect({ forces: arrays.forces, virial: arrays.virial, energy: field.energy }).toEqual(driven);
  expect(field.rebuilds).toBe(1);
  expect(field.deviation!()!.forceMax).not.toBe(first.forceMax);
  field.dispose();
});

test('bits do not depend on threads', async () => {
  const committee = new Committee(members);
  const [a, b] = [await committee.evaluate(structure, { threads: 1 }), await committee.evaluate(structure, { threads: 3 })];
  expect(b).toEqual(a);
});

test('a member that overflows is named; so is one whose numbers are not finite', async () => {
  const model = await perturbedModel(3);
  const few = { ...model.parameters, descriptors: model.parameters.descriptors.map((d) => ({ ...d, sel: d.sel.map(() => 2) })) };
  const narrow = new DeepPotential({ ...model, name: 'narrow', parameters: few }, { threads: 1 });
  const committee = new Committee([members[0]!, narrow], { threads: 1 });
  const { warnings } = await committee.evaluate(structure);
  expect(warnings.length).toBeGreaterThan(0);
  for (const { code, message } of warnings) {
    expect(code).toMatch(/_MEMBER_1$/);
    expect(message).toMatch(/^model narrow: .* more than 2 neighbours/);
  }
  const stopped = await refusal(committee.evaluate(structure, { selOverflow: 'stop' }));
  expect(stopped).toMatchObject({ code: 'SEL_OVERFLOW', message: expect.stringContaining('model narrow has 2 slots') });

  const fitting = model.parameters.fitting.map((net) => ({
    layers: net.layers.map((layer, k) => (k > 0 ? layer : { ...layer, bias: layer.bias.map(() => Number.NaN) })),
  }));
  const broken = new DeepPotential({ ...model, name: 'broken', parameters: { ...model.parameters, fitting } });
  expect(await refusal(new Committee([members[0]!, broken]).evaluate(structure))).toMatchObject({
    code: 'NONFINITE_FORCE',
    message: expect.stringContaining('broken'),
  });
});

test('what is no committee is refused with names and values', async () => {
  expect(errorOf(() => new Committee(members.slice(0, 1))).code).toBe('COMMITTEE_TOO_SMALL');
  expect(errorOf(() => new Committee(new Array(65).fill(members[0]))).code).toBe('COMMITTEE_TOO_LARGE');
  const other = await loadPotential('li-y-cl-br');
  const message = errorOf(() => new Committee([members[0]!, other])).message;
  expect(message).toMatch(/mg-ga-f-cl has .*li-y-cl-br has /);
  const model = await readModel('mg-ga-f-cl');
  const names = ['Mg', 'Ga', 'Cl', 'F'];
  const swapped = new DeepPotential({ ...model, name: 'swapped', parameters: { ...model.parameters, typeNames: names } });
  expect(errorOf(() => new Committee([members[0]!, swapped]))).toMatchObject({
    code: 'COMMITTEE_MISMATCH',
    message: expect.stringContaining('swapped has Mg Ga Cl F'),
  });
  const wide = new DeepPotential({ ...model, name: 'wide', parameters: { ...model.parameters, cutoff: 9.5 } });
  if (wide.cutoff === members[0]!.cutoff) throw new Error('the test needs another cutoff');
  expect(errorOf(() => new Committee([members[0]!, wide])).message).toContain('wide has 9.5 A');
});

test('loadPotential: one name, a list, and what is none', async () => {
  expect(await loadPotential(['mg-ga-f-cl'])).toBeInstanceOf(DeepPotential);
  const committee = await loadPotential(['mg-ga-f-cl', 'mg-ga-f-cl'], { threads: 1 });
  expect(Object.values((await committee.evaluate(structure)).deviation!)).toEqual(new Array(7).fill(0));
  for (const wrong of [[], ['mg-ga-f-cl', ''], [3], [undefined], null]) {
    expect((await refusal(loadPotential(wrong as never))).code).toBe('WRONG_TYPE');
  }
});

describe('frame and atom parameters', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-aparam-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are refused by models that need none', async () => {
    expect(await refusal(loadPotential('mg-ga-f-cl', { precision: 'single' as never }))).toMatchObject({
      code: 'BAD_VALUE',
      message: 'precision: "single" will not do, expected one of double, mixed',
    });
    expect(await refusal(loadPotential('mg-ga-f-cl', { fparam: [1] }))).toMatchObject({
      code: 'BAD_VALUE',
      key: 'fparam',
      message: expect.stringContaining('mg-ga-f-cl takes no frame parameters'),
    });
    const error = await refusal(loadPotential(['mg-ga-f-cl', 'mg-ga-f-cl'], { aparam: [[1], [2]] }));
    expect(error).toMatchObject({ code: 'BAD_VALUE', key: 'aparam' });
  });

  test('text: one row an atom', () => {
    const read = parseAtomParameters('# charge radius\n0.5 1e-3\r\n\n -1  2.\n', 'a.txt');
    expect(read).toEqual({ values: Float64Array.of(0.5, 1e-3, -1, 2), rows: 2, columns: 2, file: 'a.txt' });
  });

  test.each([
    ['1 2\n3\n', 2, '1 numbers, expected 2'],
    ['1\nx\n', 2, '"x" is not a finite number'],
    ['1\n\n0x10\n', 3, '0x10'],
    ['1e999\n', 1, '1e999'],
    ['nan\n', 1, 'nan'],
  ])('text %j: line %i is refused', (text, line, message) => {
    const error = errorOf(() => parseAtomParameters(text, 'a.txt'));
    expect(error).toMatchObject({ line, file: 'a.txt', key: 'aparam' });
    expect(error.message).toContain(`a.txt:${line}: `);
    expect(error.message).toContain(message);
  });

  test('an empty file and a missing one', async () => {
    expect(errorOf(() => parseAtomParameters('# nothing\n', 'a.txt')).message).toContain('no numbers');
    expect(await refusal(loadPotential('mg-ga-f-cl', { aparam: join(folder, 'none.txt') }))).toMatchObject({
      code: 'E_FILE_NOT_FOUND',
    });
    writeFileSync(join(folder, 'one.txt'), '1\n');
    expect(await refusal(loadPotential('mg-ga-f-cl', { aparam: join(folder, 'one.txt') }))).toMatchObject({ key: 'aparam' });
  });
});
