// Writes models, structures and the numbers expected of them into one file for native/test/evaluate_model.cpp: the reference data where they
// are found (test/reference-folder.cjs), and the bundled models with what the addon of this machine
// computes. `node scripts/dump-models.mjs FILE`
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './stamp.mjs';
import { writeTree } from './tree-file.mjs';

const require = createRequire(import.meta.url);
const dist = (file) => require(join(root, 'dist', file));
const numbers = (value) => Float64Array.from(value.flat(2));
const optional = (value) => (value === undefined || value === null ? null : numbers([value]));

function modelFolder() {
  const folder = require('../test/reference-folder.cjs').referenceFolder();
  return folder && join(folder, 'deep-potential');
}

/** The cases of the reference data that are models with frames, each with its own tolerance. */
function referenceModels(folder) {
  const { parseModel } = dist('potential/model-file.js');
  const { nativeParameters } = dist('potential/deep-potential-native.js');
  const models = [];
  const unread = [];
  for (const file of readdirSync(join(folder, 'cases')).sort()) {
    const one = JSON.parse(readFileSync(join(folder, 'cases', file), 'utf8'));
    if (!one.model || !one.frames) continue;
    let parameters;
    try {
      parameters = nativeParameters(parseModel(new Uint8Array(readFileSync(join(folder, one.model))), basename(one.model)));
    } catch (error) {
      if (error.code !== 'NOT_AVAILABLE' && error.code !== 'MODEL_UNSUPPORTED') throw error;
      unread.push(`${one.name}: ${error.message}`);
      continue;
    }
    const frames = one.frames.map((frame) => ({
      label: frame.label,
      positions: numbers(frame.coord),
      cell: frame.cell ? numbers(frame.cell) : new Float64Array(9),
      periodic: frame.cell !== null,
      types: Int32Array.from(frame.types),
      fparam: optional(frame.fparam),
      aparam: optional(frame.aparam),
      expected: {
        energy: frame.energy,
        forces: numbers(frame.force),
        virial: numbers(frame.virial),
        atomEnergies: numbers(frame.atom_energy),
      },
      tolerance: {
        energyRelative: frame.tolerance.energy_rel,
        force: frame.tolerance.force_abs,
        virial: frame.tolerance.virial_abs,
        atomEnergy: frame.tolerance.atom_energy_abs,
      },
    }));
    models.push({ name: one.name, parameters, precision: 'double', compression: false, frames });
  }
  return { models, unread };
}

const BUNDLED = [
  { model: 'li-y-cl-br', file: 'Li3YCl6_trigonal_90_900K.extxyz' },
  { model: 'mg-ga-f-cl', file: 'mg_interface.xyz' },
];

// Against this machine's own double precision without tables. Double: two orders of summation differ by the rounding of sums of some
// hundred terms of 1e1. Tables: forces within 1e-8 of their size (1 eV/A), as they are made. Mixed: what is promised of it, 1e-4 eV/A.
const VARIANTS = [
  {
    precision: 'double',
    compression: false,
    tolerance: { energyRelative: 1e-12, force: 1e-10, virial: 1e-9, atomEnergy: 1e-10 },
  },
  { precision: 'double', compression: true, tolerance: { energyRelative: 1e-9, force: 1e-7, virial: 1e-5, atomEnergy: 1e-7 } },
  { precision: 'mixed', compression: true, tolerance: { energyRelative: 1e-6, force: 1e-4, virial: 1e-2, atomEnergy: 1e-4 } },
];

async function bundledModels() {
  const { loadPotential, readStructure } = dist('index.js');
  const { nativeParameters } = dist('potential/deep-potential-native.js');
  const models = [];
  for (const { model, file } of BUNDLED) {
    const structure = await readStructure(join(root, 'examples', 'structures', file));
    const potential = await loadPotential(model);
    const result = await potential.evaluate(structure);
    const frame = {
      positions: Float64Array.from(structure.positions),
      cell: Float64Array.from(structure.cell),
      periodic: true,
      types: potential.typesOf(structure),
      fparam: null,
      aparam: null,
      expected: {
        energy: result.energy,
        forces: result.forces,
        virial: result.virial,
        atomEnergies: result.atomEnergies,
      },
    };
    for (const { precision, compression, tolerance } of VARIANTS) {
      const label = `${file} ${precision}${compression ? ', tables' : ''}`;
      const parameters = nativeParameters(potential.parameters);
      models.push({ name: model, parameters, precision, compression, frames: [{ ...frame, label, tolerance }] });
    }
  }
  return models;
}

/** Returns what was written and what was left out. */
export async function dumpModels(path) {
  const folder = modelFolder();
  const reference = folder ? referenceModels(folder) : { models: [], unread: [] };
  const models = [...reference.models, ...(await bundledModels())];
  writeTree(path, { models });
  return { reference: folder !== null, models: models.map((one) => one.name), unread: reference.unread };
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const written = await dumpModels(resolve(process.argv[2] ?? 'models.tree'));
  console.log(`${written.models.length} models: ${written.models.join(', ')}`);
  for (const line of written.unread) console.log(`left out: ${line}`);
}
