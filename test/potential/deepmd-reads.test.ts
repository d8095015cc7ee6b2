/**
 * What we write is read by the program that the format belongs to. Runs where IONCLAY_DEEPMD_PYTHON names a Python that has DeePMD-kit
 * (3.0 or newer): its numpy backend gives the energies of our files.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeepPotentialParameters, StoredTables } from '../../lib/potential/deep-potential-parameters.js';
import { writeNativeModel } from '../../lib/potential/model-writer.js';
import { evaluateOracle } from '../oracle/deep-potential.js';
import { type RandomModelOptions, randomModel } from '../oracle/random-model.js';

// jest.config.cjs leaves this file out where the variable is not set.
const python = process.env.IONCLAY_DEEPMD_PYTHON;

const cell = [6.2, 0, 0, 0.4, 5.9, 0, -0.5, 0.3, 6.1];
const positions = [0.1, 0.2, 0.3, 2.1, 0.4, 0.3, 1.2, 2.2, 0.4, 3.4, 2.6, 1.9, 4.4, 0.7, 3.1, 0.9, 3.8, 4.2];
const types = [0, 1, 1, 0, 1, 0];

const PROGRAM = `import json, sys, numpy as np
from deepmd.infer import DeepPot
job = json.load(open(sys.argv[1]))
out = []
for path in job['models']:
    result = DeepPot(path).eval(np.array(job['positions']).reshape(1, -1), np.array(job['cell']).reshape(1, 9), job['types'], atomic=True)
    out.append(np.asarray(result[3]).ravel().tolist())
print('RESULT ' + json.dumps(out))`;

/** Cutoffs that float32 has exactly, so that the rules of graphs and of native models agree. */
function model(options: RandomModelOptions): DeepPotentialParameters {
  const p = randomModel({ ...options, sel: [60, 60] });
  return {
    ...p,
    outStd: p.outStd.map(() => 1),
    cutoff: 4.25,
    descriptors: p.descriptors.map((d) => ({ ...d, cutoff: 4.25, cutoffSmooth: 1.25, switchWidth: 3 })),
  };
}

const MODELS: Record<string, RandomModelOptions> = {
  'two-sided': {},
  'one-sided, statistics by slot': { oneSided: true, perSlotStatistics: true },
  'excluded pairs, two-sided': { exclude: [[0, 1]] },
  'fitting widths that double': { fittingNeuron: [4, 8, 8] },
  'other activations': { activation: { name: 'gelu' }, fittingActivation: { name: 'softplus' } },
  'a silut': { activation: { name: 'silut', threshold: 2.5 } },
};

describe('DeePMD-kit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-deepmd-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('gives the energies of the source, tables of ours or not', () => {
    const entries = Object.entries(MODELS).map(([name, options], k) => {
      const parameters = model(options);
      const width = parameters.descriptors[0]!.width;
      const table = { descriptor: 0, centre: 0, neighbour: 0, columns: 1, degree: 1, valueError: 0, slopeError: 0 };
      const arrays = { edges: Float64Array.of(1, 2), coefficients: Float64Array.of(0, 0), expansion: new Float64Array(width) };
      const tables: StoredTables = { version: 1, precision: 'double', tables: [{ ...table, ...arrays }] };
      const path = join(folder, `${k}.dp`);
      writeFileSync(path, writeNativeModel({ parameters, bytes: new Uint8Array() }, k % 2 ? tables : null));
      return { name, path, expected: evaluateOracle(parameters, types, positions, cell).atomEnergies };
    });
    const job = join(folder, 'job.json');
    writeFileSync(job, JSON.stringify({ models: entries.map(({ path }) => path), positions, cell, types }));
    const { stdout, stderr } = spawnSync(python!, ['-c', PROGRAM, job], { encoding: 'utf8' });
    const line = stdout.split('\n').find((text) => text.startsWith('RESULT '));
    if (!line) throw new Error(stderr);
    const results = JSON.parse(line.slice(7)) as number[][];
    entries.forEach(({ name, expected }, k) => {
      const worst = Math.max(...results[k]!.map((e, i) => Math.abs(e - expected[i]!)));
      // Double precision on both sides; energies are of the order of 1 to 10 eV.
      expect({ name, small: worst < 1e-12 }).toEqual({ name, small: true });
    });
  }, 300_000);
});
