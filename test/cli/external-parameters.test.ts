/** Frame and atom parameters from the command line and from studies to the kernel, against the formulas (deep-potential.md 1.8). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkText } from '../../lib/cli/study-text.js';
import { readStructure } from '../../lib/io/read.js';
import type { DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters.js';
import { loadPotential } from '../../lib/potential/load.js';
import { parseModel } from '../../lib/potential/model-file.js';
import { checkPlan } from '../../lib/study/check-plan.js';
import { executeStudy, resumeRun } from '../../lib/study/execute-study.js';
import { parseStudy } from '../../lib/study/study-file.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { nativeHdf5, nativeModel } from '../oracle/native-trees.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { ionclay } from './console.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-parameters-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/** Takes two frame parameters with a default, and one parameter an atom. */
const model = write('model.dp', nativeHdf5(nativeModel('se_e2_a, parameters')));
const p: DeepPotentialParameters = parseModel(readFileSync(model), 'model.dp');
const map = 'Li=0,Cl=1';
const cell = [7, 0, 0, 0.5, 6.5, 0, -0.3, 0.4, 6];
const positions = [0.1, 0.2, 0.3, 2.1, 0.4, 0.3, 1.2, 2.2, 0.4, 3.4, 2.6, 1.9];
const symbols = ['Li', 'Cl', 'Cl', 'Li'];
const types = [0, 1, 1, 0];
const atoms = symbols.map((symbol, i) => `${symbol} ${positions.slice(3 * i, 3 * i + 3).join(' ')}`).join('\n');
const file = write('atoms.xyz', `4\nLattice="${cell.join(' ')}" Properties=species:S:1:pos:R:3 pbc="T T T"\n${atoms}\n`);
const rows = [0.3, -0.2, 1.1, 0.05];
const aparam = write('aparam.txt', `# one number an atom\n${rows.join('\n')}\n`);

const evaluate = async (...args: string[]) => {
  const { status, stdout } = await ionclay([
    'evaluate',
    file,
    '--model',
    model,
    '--types',
    map,
    '--threads',
    '1',
    ...args,
    '--json',
  ]);
  return { status, ...JSON.parse(stdout) };
};

test('given numbers reach the nets', async () => {
  const { frames, fparam, warnings } = await evaluate('--fparam', '0.7,-0.4', '--aparam', aparam);
  const oracle = evaluateOracle(p, types, positions, cell, { frameParameters: [0.7, -0.4], atomParameters: rows });
  // Two evaluations in double precision that sum in different orders.
  expect(Math.abs(frames[0].energy_eV - oracle.energy)).toBeLessThan(1e-11);
  for (const [k, f] of frames[0].forces_eV_per_A.flat().entries()) expect(Math.abs(f - oracle.forces[k]!)).toBeLessThan(1e-10);
  expect(fparam).toEqual([0.7, -0.4]);
  expect(warnings).toEqual([]);
});

test('the default of the model is used and said', async () => {
  const { frames, fparam, warnings } = await evaluate('--aparam', aparam);
  const oracle = evaluateOracle(p, types, positions, cell, {
    frameParameters: p.frameParameters!.defaults!,
    atomParameters: rows,
  });
  expect(Math.abs(frames[0].energy_eV - oracle.energy)).toBeLessThan(1e-11);
  expect(fparam).toEqual([0.25, -1.5]);
  expect(warnings).toMatchObject([{ code: 'FPARAM_DEFAULT', message: expect.stringContaining('0.25, -1.5') }]);
});

test('what is missing or does not fit is refused by name', async () => {
  expect((await evaluate()).error).toMatchObject({
    code: 'APARAM_MISSING',
    message: expect.stringContaining('model.dp needs 1 number'),
  });
  expect((await evaluate('--fparam', '1', '--aparam', aparam)).error).toMatchObject({
    code: 'BAD_VALUE',
    key: 'fparam',
    message: 'fparam: model model.dp needs 2 numbers, got 1 number',
  });
  const two = write('two.txt', '1 2\n3 4\n5 6\n7 8\n');
  expect((await evaluate('--aparam', two)).error).toMatchObject({
    code: 'BAD_VALUE',
    file: two,
    message: expect.stringContaining('the rows have 2'),
  });
  const short = write('short.txt', '1\n2\n3\n');
  expect((await evaluate('--aparam', short)).error.message).toMatch(/short\.txt: 3 rows, the structure has 4 atoms/);
  await expect(loadPotential(model, { fparam: 3 as never })).rejects.toMatchObject({
    code: 'WRONG_TYPE',
    message: 'fparam: expected a list of 2 numbers, got a number',
  });
  const { stdout } = await ionclay(['model', 'info', model]);
  expect(stdout).toMatch(
    /fparam +2 numbers, given with --fparam 0\.1,0\.2 \(default 0\.25, -1\.5\)\naparam +1 number an atom, given with/,
  );
});

test('the library takes rows, and numbers of a single evaluation', async () => {
  const structure = await readStructure(file);
  const potential = await loadPotential(model, {
    types: { Li: 0, Cl: 1 },
    aparam: rows.map((x) => [x]),
    fparam: [1, 2],
    threads: 1,
  });
  const one = await potential.evaluate(structure);
  const other = await potential.evaluate(structure, { fparam: [0.7, -0.4], aparam: rows.map((x) => 2 * x) });
  const doubled = { frameParameters: [0.7, -0.4], atomParameters: rows.map((x) => 2 * x) };
  const single = { frameParameters: [1, 2], atomParameters: rows };
  expect(Math.abs(one.energy - evaluateOracle(p, types, positions, cell, single).energy)).toBeLessThan(1e-11);
  expect(Math.abs(other.energy - evaluateOracle(p, types, positions, cell, doubled).energy)).toBeLessThan(1e-11);
});

test('a committee takes one set of numbers for all', async () => {
  const other = write('other.dp', nativeHdf5(nativeModel('se_e2_a, parameters', 2)));
  const { frames, models } = await evaluate('--model', other, '--fparam', '0.7,-0.4', '--aparam', aparam);
  const energies = [model, other].map(
    (path) =>
      evaluateOracle(parseModel(readFileSync(path), path), types, positions, cell, {
        frameParameters: [0.7, -0.4],
        atomParameters: rows,
      }).energy,
  );
  expect(models).toHaveLength(2);
  expect(frames[0].deviation.energy_eV_per_atom).toBeCloseTo(Math.abs(energies[0]! - energies[1]!) / 8, 10);
});

describe('a study', () => {
  const study = `study: parameters
model: model.dp
types: { Li: 0, Cl: 1 }
aparam: aparam.txt
structure: atoms.xyz
compression: none
timestep: 0.1 fs
stages:
  - { name: move, steps: 8, ensemble: nve, velocities: zero, sample: { thermo: 0.1 fs } }
`;
  const checked = (text = study) => parseStudy(text, { file: 'study.yaml', directory: folder });

  test('the plan says which parameters are used', async () => {
    const check = await checkPlan(checked(), { threads: 1 });
    expect(check).toMatchObject({ fparam: [0.25, -1.5], aparam });
    expect(checkText(check)).toMatch(/fparam +0\.25, -1\.5\n +aparam +of .*aparam\.txt/);
  });

  test('says what it took, and goes on only with the same numbers', async () => {
    const controller = new AbortController();
    const options = { out: join(folder, 'run'), threads: 1 };
    await expect(
      executeStudy(checked(), {
        ...options,
        signal: controller.signal,
        onDirectory: () => controller.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough');
    const provenance = JSON.parse(readFileSync(join(folder, 'run', 'provenance.json'), 'utf8'));
    expect(provenance).toMatchObject({
      fparam: [0.25, -1.5],
      fparam_source: 'default of the model',
      aparam: { file: aparam, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    // Means of this model are not zero: more neighbours than it has slots for would change it.
    expect(provenance.defaults.join('\n')).toContain('sel-overflow: stop');
    expect(provenance.defaults.join('\n')).toContain('fparam: 0.25, -1.5 (the default of the model itself)');
    writeFileSync(aparam, `${rows.map((x) => x + 0.1).join('\n')}\n`);
    await expect(resumeRun(join(folder, 'run'))).rejects.toMatchObject({ code: 'CHECKPOINT_OTHER_POTENTIAL' });
    writeFileSync(aparam, `${rows.join('\n')}\n`);
    const outcome = await resumeRun(join(folder, 'run'), { threads: 1 });
    expect(outcome.warnings.join('\n')).toContain('no frame parameters given');
    await expect(executeStudy(checked(study.replace('aparam: ', 'fparam: [1, 2]\naparam: ')), options)).rejects.toMatchObject({
      code: 'OTHER_STUDY',
      key: 'fparam[0]',
    });
  });

  test('too few rows are refused before anything is written', async () => {
    write('short.txt', '1\n2\n3\n');
    const text = study.replace('aparam.txt', 'short.txt');
    await expect(executeStudy(checked(text), { out: join(folder, 'none') })).rejects.toMatchObject({
      code: 'BAD_VALUE',
      key: 'aparam',
    });
  });
});

describeReference('the reference case', () => {
  test('fparam_aparam', async () => {
    const { model: name, frames } = referenceJson('deep-potential', 'cases', 'fparam_aparam.json');
    const [frame] = frames;
    const lines = frame.coord.map((x: number[]) => `O ${x.join(' ')}`).join('\n');
    const xyz = write(
      'reference.xyz',
      `6\nLattice="${frame.cell.flat().join(' ')}" Properties=species:S:1:pos:R:3 pbc="T T T"\n${lines}\n`,
    );
    const rows = write('reference.txt', `${frame.aparam.map((row: number[]) => row.join(' ')).join('\n')}\n`);
    const args = [
      '--model',
      referencePath('deep-potential', name),
      '--fparam',
      frame.fparam.join(','),
      '--aparam',
      rows,
      '--json',
    ];
    const { frames: got } = JSON.parse((await ionclay(['evaluate', xyz, ...args])).stdout);
    // Tolerances of the reference.
    expect(Math.abs(got[0].energy_eV / frame.energy - 1)).toBeLessThan(frame.tolerance.energy_rel);
    got[0].forces_eV_per_A.flat().forEach((f: number, k: number) => {
      expect(Math.abs(f - frame.force.flat()[k])).toBeLessThan(frame.tolerance.force_abs);
    });
  });
});
