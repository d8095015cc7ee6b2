/** `ionclay evaluate <file> --model M`: energy, forces, virial and stress of every frame; several models give their deviation too. */
import type { Command } from 'commander';
import { IonclayError, StudyError } from '../../errors.js';
import type { Compression, Evaluation, PotentialInfo, Precision, SelOverflow } from '../../potential/potential.js';
import type { Structure } from '../../structure.js';
import { collect, map, numbers, oneOf } from '../arguments.js';
import type { Context } from '../command.js';

interface EvaluateOptions {
  model?: string[];
  precision: Precision;
  compression: Compression;
  selOverflow: SelOverflow;
  types?: Record<string, string>;
  fixHandedness?: boolean;
  fparam?: number[];
  aparam?: string;
}

interface Warning {
  readonly frame: number;
  readonly code: string;
  readonly message: string;
}

export function register(program: Command, context: Context): void {
  context
    .command(program, 'evaluate <file>', 'energy, forces, stress and per-atom energies of every frame', { threads: true })
    .option('--model <model>', 'bundled name or path; several give the deviation between them, the first the numbers', collect)
    .option('--precision <precision>', 'double or mixed', oneOf('--precision', ['double', 'mixed'] as const), 'double')
    .option('--compression <compression>', 'none or auto', oneOf('--compression', ['none', 'auto'] as const), 'none')
    .option(
      '--sel-overflow <rule>',
      'neighbours beyond sel: truncate, grow or stop',
      oneOf('--sel-overflow', ['truncate', 'grow', 'stop'] as const),
      'truncate',
    )
    .option(
      '--types <map>',
      'species to type names or numbers of the model, such as O=A,H=1',
      map('--types', 'pairs such as O=A,H=1'),
    )
    .option('--fix-handedness', 'negate the vectors of left-handed cells instead of refusing them')
    .option('--fparam <numbers>', 'frame parameters of models that need them, such as 0.1,0.2', numbers('--fparam'))
    .option('--aparam <file>', 'atom parameters: text, one row an atom, numbers separated by blanks')
    .action(
      context.action<EvaluateOptions>(async (session, [file], options) => {
        const names = options.model ?? [];
        if (names.length === 0) {
          throw new StudyError('MISSING_OPTION', 'evaluate needs a model', {
            key: '--model',
            hint: 'give --model with a bundled name (ionclay model list) or the path of a model file',
          });
        }
        const { readFrames } = require('../../io/read.js') as typeof import('../../io/read.js');
        const { loadPotential } = require('../../potential/load.js') as typeof import('../../potential/load.js');
        const { precision, compression, selOverflow, fparam, aparam } = options;
        const types = options.types && typeMap(options.types);
        const { threads, signal } = session;
        const potential = await loadPotential(names, { precision, compression, threads, types, fparam, aparam });

        const frames: FrameResult[] = [];
        const warnings: Warning[] = [];
        for await (const structure of readFrames(file!, { fixHandedness: options.fixHandedness })) {
          session.signal.throwIfAborted();
          const index = frames.length;
          const evaluation = await potential.evaluate(structure, { threads, selOverflow, signal }).catch((error: unknown) => {
            throw inFrame(error, file!, index);
          });
          const own = [...structure.warnings, ...evaluation.warnings].map(({ code, message }) => ({ code, message }));
          for (const { code, message } of own) {
            // One line a kind on the screen; the document holds all of them.
            if (!warnings.some((earlier) => earlier.code === code)) session.terminal.warn(`frame ${index}: ${message}`);
            warnings.push({ frame: index, code, message });
          }
          frames.push(frameResult(structure, evaluation, own));
          session.terminal.progress(() => `${frames.length} frames evaluated`);
        }
        const info = potential.info();
        const document = {
          model: modelDocument(info),
          ...(info.members ? { models: info.members.map(modelDocument) } : {}),
          isa: info.isa,
          precision,
          compression,
          sel_overflow: selOverflow,
          ...(info.fparam ? { fparam: info.fparam.values } : {}),
          threads,
          frames,
          warnings,
        };
        session.result(document, () =>
          evaluationText(
            info.members?.map(modelDocument) ?? [document.model],
            `${precision} precision, compression ${compression}`,
            frames,
          ),
        );
      }),
    );
}

/** The same error with the file and the frame in front: the force field knows atoms only. */
function inFrame(error: unknown, file: string, frame: number): unknown {
  if (!(error instanceof IonclayError) || error.file !== undefined) return error;
  const Class = error.constructor as new (...args: ConstructorParameters<typeof IonclayError>) => IonclayError;
  const { code, message, hint, key, atom, details } = error;
  return new Class(code, `${file}, frame ${frame}: ${message}`, { ...details, file, frame, hint, key, atom, cause: error });
}

/** Type numbers are written as numbers. */
function typeMap(types: Record<string, string>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(types).map(([species, type]) => [species, /^\d+$/.test(type) ? Number(type) : type]));
}

interface ModelDocument {
  readonly name: string;
  readonly file: string | null;
  readonly sha256: string;
  readonly type: string;
  readonly species: readonly string[];
  readonly cutoff_A: number;
  readonly precision: string;
}

function modelDocument(info: PotentialInfo): ModelDocument {
  const { name, file, sha256, type, species, cutoff, precision } = info;
  return { name, file, sha256, type, species, cutoff_A: cutoff, precision };
}

interface FrameResult {
  readonly natoms: number;
  readonly species: readonly string[];
  readonly energy_eV: number;
  readonly atom_energies_eV: readonly number[];
  readonly forces_eV_per_A: readonly (readonly number[])[];
  readonly virial_eV: readonly (readonly number[])[];
  readonly stress_GPa: readonly (readonly number[])[] | null;
  readonly deviation?: Readonly<Record<string, number>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

function rows(values: Float64Array): number[][] {
  return Array.from({ length: values.length / 3 }, (_, k) => [...values.subarray(3 * k, 3 * k + 3)]);
}

function frameResult(structure: Structure, evaluation: Evaluation, warnings: FrameResult['warnings']): FrameResult {
  const { SYMBOLS } = require('../../elements.js') as typeof import('../../elements.js');
  const { deviationDocument } = require('../../potential/deviation.js') as typeof import('../../potential/deviation.js');
  return {
    natoms: structure.species.length,
    species: Array.from(structure.species, (z) => SYMBOLS[z]!),
    energy_eV: evaluation.energy,
    atom_energies_eV: [...evaluation.atomEnergies],
    forces_eV_per_A: rows(evaluation.forces),
    virial_eV: rows(evaluation.virial),
    stress_GPa: evaluation.stress && rows(evaluation.stress),
    ...(evaluation.deviation ? { deviation: deviationDocument(evaluation.deviation) } : {}),
    warnings,
  };
}

function evaluationText(models: readonly ModelDocument[], how: string, frames: readonly FrameResult[]): string {
  const [model, ...others] = models.map(({ name }) => name);
  const lines = [
    `model ${model} (${models[0]!.species.join(' ')}), ${how}, ${frames.length} frame${frames.length === 1 ? '' : 's'}`,
  ];
  if (others.length > 0) lines.push(`compared with ${others.join(', ')}`);
  for (const [k, frame] of frames.entries()) {
    const largest = Math.max(...frame.forces_eV_per_A.map((f) => Math.hypot(...f)));
    lines.push(
      `frame ${k}: ${frame.natoms} atoms, energy ${frame.energy_eV} eV (${(frame.energy_eV / frame.natoms).toFixed(6)} eV/atom), largest force ${largest.toFixed(6)} eV/A`,
    );
    if (frame.stress_GPa)
      lines.push(...frame.stress_GPa.map((row, i) => `${i === 0 ? '  stress (GPa)' : ''}`.padEnd(16) + columns(row)));
    if (frame.deviation) {
      lines.push(
        `  deviation: force ${frame.deviation.force_max_eV_per_A!.toFixed(6)} eV/A at most, energy ${frame.deviation.energy_eV_per_atom!.toFixed(6)} eV/atom`,
      );
    }
    // Of a trajectory one line a frame is what can be read; everything stands in the document (--json).
    if (frames.length > 1) continue;
    lines.push('  atom             energy (eV)    force (eV/A)');
    for (const [i, force] of frame.forces_eV_per_A.entries()) {
      lines.push(
        `  ${String(i).padEnd(6)} ${frame.species[i]!.padEnd(3)}${columns([frame.atom_energies_eV[i]!])}   ${columns(force)}`,
      );
    }
  }
  if (frames.length > 1) lines.push('--json prints forces and energies of all atoms');
  return lines.join('\n');
}

function columns(values: readonly number[]): string {
  return values.map((x) => x.toFixed(8).padStart(16)).join('');
}
