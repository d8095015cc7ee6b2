/** `ionclay evaluate` and `ionclay model` as a user calls them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelDeviation } from '../../lib/potential/deviation.js';
import { parseModel } from '../../lib/potential/model-file.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { writeGraph } from '../oracle/graph-writer.js';
import { randomModel } from '../oracle/random-model.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { ionclay } from './console.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const p = randomModel({ typeNames: ['Li', 'Cl'], sel: [6, 40] });
const one = write('one.pb', writeGraph(p));
const two = write('two.pb', writeGraph(randomModel({ typeNames: ['Li', 'Cl'], sel: [6, 40], seed: 2 })));
const unnamed = write('unnamed.pb', writeGraph({ ...p, typeNames: [] }));
const cell = [5.1, 0, 0, 0.7, 4.8, 0, -0.4, 0.9, 5.4];
const positions = [0.1, 0.2, 0.3, 2.6, 0.4, 0.1, 2.4, 2.5, 0.2, 0.3, 2.2, 2.9];
const species = ['Li', 'Cl', 'Li', 'Cl'];
const types = [0, 1, 0, 1];
const atoms = species.map((symbol, i) => `${symbol} ${positions.slice(3 * i, 3 * i + 3).join(' ')}`).join('\n');
const periodic = `4\nLattice="${cell.join(' ')}" Properties=species:S:1:pos:R:3 pbc="T T T"\n${atoms}\n`;
const isolated = `4\nProperties=species:S:1:pos:R:3\n${atoms}\n`;
const file = write('two-frames.xyz', periodic + isolated);

function largest(a: readonly number[], b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return a.reduce((out, x, k) => Math.max(out, Math.abs(x - b[k]!)), 0);
}

describe('evaluate', () => {
  test('every frame has energies, forces, virial and stress of the model', async () => {
    const { status, stdout } = await ionclay(['evaluate', file, '--model', one, '--threads', '1', '--json']);
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.model).toMatchObject({
      name: 'one.pb',
      type: 'se_e2_a',
      species: ['Li', 'Cl'],
      cutoff_A: Math.fround(4.3),
      precision: 'double',
    });
    expect(document).toMatchObject({ precision: 'double', threads: 1, compression: 'none', sel_overflow: 'truncate' });
    expect(document.frames).toHaveLength(2);
    for (const [k, box] of [cell, null].entries()) {
      const frame = document.frames[k];
      const oracle = evaluateOracle(p, types, positions, box);
      // Two double-precision evaluations that sum in different orders.
      expect(Math.abs(frame.energy_eV - oracle.energy)).toBeLessThan(1e-11);
      expect(largest(frame.atom_energies_eV, oracle.atomEnergies)).toBeLessThan(1e-11);
      expect(largest(frame.forces_eV_per_A.flat(), oracle.forces)).toBeLessThan(1e-10);
      expect(largest(frame.virial_eV.flat(), oracle.virial)).toBeLessThan(1e-10);
      expect(frame).toMatchObject({ natoms: 4, species });
    }
    const volume = 5.1 * 4.8 * 5.4;
    // 1 eV/A^3 = 160.21766208 GPa; tension positive.
    expect(
      largest(
        document.frames[0].stress_GPa.flat(),
        document.frames[0].virial_eV.flat().map((w: number) => (-w / volume) * 160.2176634),
      ),
    ).toBeLessThan(1e-9);
    expect(document.frames[1].stress_GPa).toBeNull();
  });

  test('neighbours beyond sel are truncated with a warning, or stop', async () => {
    const narrow = write('narrow.pb', writeGraph(randomModel({ typeNames: ['Li', 'Cl'], sel: [6, 2] })));
    const { stdout, stderr } = await ionclay(['evaluate', file, '--model', narrow, '--json']);
    const document = JSON.parse(stdout);
    expect(document.warnings[0]).toMatchObject({ frame: 0, message: expect.stringContaining('neighbours of Cl') });
    expect(document.frames[0].warnings).toHaveLength(1);
    expect(stderr).toContain('warning: frame 0');
    const stopped = await ionclay(['evaluate', file, '--model', narrow, '--sel-overflow', 'stop', '--json']);
    expect(stopped.status).toBe(2);
    expect(JSON.parse(stopped.stdout).error).toMatchObject({ code: 'SEL_OVERFLOW', message: expect.stringContaining('Cl') });
    const grown = await ionclay(['evaluate', file, '--model', narrow, '--sel-overflow', 'grow', '--json']);
    expect(JSON.parse(grown.stdout).error.message).toContain('empty slots of this model contribute');
  });

  test('several models give the deviation', async () => {
    const { stdout } = await ionclay(['evaluate', file, '--model', one, '--model', two, '--json']);
    const document = JSON.parse(stdout);
    const single = await Promise.all(
      [one, two].map(
        async (model) => JSON.parse((await ionclay(['evaluate', file, '--model', model, '--json'])).stdout).frames[0],
      ),
    );
    const { deviation, energy_eV } = document.frames[0];
    expect(energy_eV).toBe(single[0].energy_eV);
    // For two models the standard deviation is half of the difference.
    const half = single[0].forces_eV_per_A.map((f: number[], i: number) =>
      Math.hypot(...f.map((x, c) => (x - single[1].forces_eV_per_A[i][c]) / 2)),
    );
    expect(deviation.force_max_eV_per_A).toBeCloseTo(Math.max(...half), 12);
    expect(deviation.force_min_eV_per_A).toBeCloseTo(Math.min(...half), 12);
    expect(deviation.energy_eV_per_atom).toBeCloseTo(Math.abs(single[0].energy_eV - single[1].energy_eV) / 8, 12);
    expect(document.models).toHaveLength(2);
  });

  test('species are mapped by --types, also to numbers of a model without names', async () => {
    const sodium = write('sodium.xyz', periodic.replaceAll('Li', 'Na'));
    const unknown = await ionclay(['evaluate', sodium, '--model', one, '--json']);
    expect(unknown.status).toBe(2);
    expect(JSON.parse(unknown.stdout).error).toMatchObject({
      code: 'MODEL_UNKNOWN_SPECIES',
      message: expect.stringMatching(/sodium\.xyz, frame 0: .*Na \(2 atoms\)/),
      file: sodium,
    });
    const energies = [];
    for (const args of [
      [sodium, '--model', one, '--types', 'Na=Li,Cl=Cl'],
      [sodium, '--model', unnamed, '--types', 'Na=0,Cl=1'],
      [write('li.xyz', periodic), '--model', one],
    ]) {
      energies.push(JSON.parse((await ionclay(['evaluate', ...args, '--json'])).stdout).frames[0].energy_eV);
    }
    expect(new Set(energies).size).toBe(1);
    expect(energies[0]).toEqual(expect.any(Number));
  });

  test('what is missing, unknown or not built is refused by name', async () => {
    const failure = async (...args: string[]) => {
      const { status, stdout } = await ionclay(['evaluate', file, ...args, '--json']);
      expect(status).toBe(2);
      return JSON.parse(stdout).error;
    };
    expect(await failure()).toMatchObject({ code: 'MISSING_OPTION', key: '--model' });
    expect(await failure('--model', 'li-y-cl')).toMatchObject({ code: 'MODEL_NOT_FOUND', hint: 'did you mean "li-y-cl-br"?' });
    expect(await failure('--model', one, '--precision', 'half')).toMatchObject({ code: 'BAD_OPTION' });
    expect(await failure('--model', one, '--compression', 'file')).toMatchObject({ code: 'BAD_OPTION' });
    expect(await failure('--model', one, '--fparam', '1')).toMatchObject({
      code: 'BAD_VALUE',
      message: 'fparam: one.pb takes no frame parameters',
    });
    expect(await failure('--model', one, '--fparam', '1,x')).toMatchObject({ code: 'BAD_OPTION', key: '--fparam' });
    expect(await failure('--model', one, '--aparam', write('a.txt', '1 2\n3\n'))).toMatchObject({ code: 'BAD_VALUE', line: 2 });
    const other = write('other.pb', writeGraph(randomModel({ typeNames: ['Li', 'Br'], sel: [6, 40] })));
    expect(await failure('--model', one, '--model', other)).toMatchObject({
      code: 'COMMITTEE_MISMATCH',
      message: expect.stringMatching(/one\.pb has Li Cl, other\.pb has Li Br/),
    });
    expect(await failure('--model', one, '--sel-overflow', 'cut')).toMatchObject({ code: 'BAD_OPTION' });
    expect(await failure('--model', one, '--modle', 'x')).toMatchObject({
      code: 'UNKNOWN_OPTION',
      hint: 'did you mean "--model"?',
    });
    expect(await failure('--model', write('cut.pb', readFileSync(one).subarray(0, 3000)))).toMatchObject({
      code: 'MODEL_TRUNCATED',
      file: 'cut.pb',
    });
  });

  test('the text for a person', async () => {
    const { stdout } = await ionclay(['evaluate', write('single.xyz', periodic), '--model', one]);
    expect(stdout).toMatch(/frame 0: 4 atoms, energy -?\d+\.\d+ eV .*largest force/);
    expect(stdout.trim().split('\n')).toHaveLength(2 + 3 + 1 + 4);
  });
});

describe('model', () => {
  test('list', async () => {
    const { models } = JSON.parse((await ionclay(['model', 'list', '--json'])).stdout);
    expect(models.map((entry: { name: string }) => entry.name)).toEqual(['mg-ga-f-cl', 'li-ga-f-cl', 'li-y-cl-br']);
    expect((await ionclay(['model', 'list'])).stdout).toContain('Li3YCl6');
  });

  test('info', async () => {
    const info = JSON.parse((await ionclay(['model', 'info', 'mg-ga-f-cl', '--json'])).stdout);
    expect(info).toMatchObject({
      name: 'mg-ga-f-cl',
      format: 'pb',
      descriptor: 'se_e2_a',
      cutoff_A: 7,
      cutoff_smooth_A: 2,
      species: ['Mg', 'Ga', 'F', 'Cl'],
      embedding: { layers: [20, 40, 80] },
      fitting: { type: 'ener', layers: [120, 120, 120, 1] },
      precision: 'float64',
      compressed: false,
      parameters: 441924,
      training_errors: { energy_meV_per_atom: 30.6 },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await ionclay(['model', 'info', one])).stdout).toMatch(/embedding +3-6-6, tanh, with timesteps \(4 nets\)/);
  });
});

describeReference('deviation of an ensemble', () => {
  test('columns of DeePMD-kit', () => {
    for (const { models, frames } of referenceJson('deep-potential', 'cases', 'model_deviation.json').cases) {
      const parameters = models.map((path: string) => parseModel(readFileSync(referencePath('deep-potential', path)), path));
      for (const { types, coord, cell, expected } of frames) {
        const deviation = modelDeviation(
          parameters.map((q: typeof p) => evaluateOracle(q, types, coord.flat(), cell?.flat() ?? null)),
        );
        const values = [
          [deviation.forceMax, expected.max_devi_f],
          [deviation.forceMin, expected.min_devi_f],
          [deviation.forceMean, expected.avg_devi_f],
          [deviation.virialMax, expected.max_devi_v],
          [deviation.virialMin, expected.min_devi_v],
          [deviation.virialMean, expected.avg_devi_v],
          [deviation.energy, expected.devi_e],
        ];
        // 1e-8 is the tolerance of the reference.
        for (const [value, reference] of values)
          if (reference !== undefined) expect(Math.abs(value - reference)).toBeLessThan(1e-8);
      }
    }
  });
});
