/** `ionclay inspect <file>`: composition, cell, density, symmetry, shortest distances, frames. */
import type { Command } from 'commander';
import { IonclayError, StudyError } from '../../errors.js';
import type { SymmetryAnalysis } from '../../io/symmetry-library.js';
import type { Structure } from '../../structure.js';
import { list, quantityOption } from '../arguments.js';
import type { Context } from '../command.js';
import { inspectDocument, inspectText } from '../structure-text.js';

interface InspectOptions {
  frame?: number;
  tolerance?: number;
  fixHandedness?: boolean;
  species?: string[];
}

/**
 * Largest structure whose space group is looked for: in supercells the search grows faster than the square of the atoms (a second for 200
 * atoms of rock salt, half a minute for 500), and it cannot be interrupted.
 */
const LARGEST_FOR_SYMMETRY = 300;

export function register(program: Command, context: Context): void {
  context
    .command(program, 'inspect <file>', 'composition, cell, density, symmetry, shortest distances, frames')
    .option('--frame <n>', 'frame to look at, from 0, negative from the end (default: the first)', frameNumber)
    .option(
      '--tolerance <length>',
      'distance within which atoms are symmetrically equal (default: 0.01 A)',
      quantityOption('--tolerance', 'length'),
    )
    .option('--species <symbols>', 'elements of a file that has no names', list('--species'))
    .option('--fix-handedness', 'negate the vectors of a left-handed cell')
    .action(
      context.action<InspectOptions>(async (session, [file], options) => {
        const { countFrames, formatOfFile, readStructure } = require('../../io/read.js') as typeof import('../../io/read.js');
        const { FORMAT_NAMES } = require('../../io/detect-format.js') as typeof import('../../io/detect-format.js');
        const { report } = require('../../builders/checks.js') as typeof import('../../builders/checks.js');
        const path = file!;
        const format = await formatOfFile(path);
        const read = { format, fixHandedness: options.fixHandedness, species: options.species };
        const structure = await readStructure(path, { ...read, frame: options.frame ?? 0 });
        const frames = await countFrames(path, format, read);
        const frame = options.frame ?? 0;
        const { symmetry, reason } = await symmetryOf(structure, options.tolerance);
        const inspected = {
          file: path,
          format: FORMAT_NAMES[format],
          frames,
          frame: frame < 0 ? frames + frame : frame,
          report: report(structure),
          symmetry,
          symmetryReason: reason,
        };
        session.result(inspectDocument(inspected), () => inspectText(inspected));
      }),
    );
}

function frameNumber(value: string): number {
  if (/^-?\d{1,15}$/.test(value)) return Number(value);
  throw new StudyError('BAD_OPTION', `--frame: "${value}" is not what this option takes, expected a whole number`, {
    key: '--frame',
  });
}

async function symmetryOf(
  structure: Structure,
  tolerance?: number,
): Promise<{ symmetry: SymmetryAnalysis | null; reason: string | null }> {
  if (!structure.cell || !structure.pbc.every(Boolean)) return { symmetry: null, reason: 'not periodic in three directions' };
  if (structure.species.length > LARGEST_FOR_SYMMETRY)
    return { symmetry: null, reason: `not looked for beyond ${LARGEST_FOR_SYMMETRY} atoms` };
  const { analyzeSymmetry } = require('../../builders/symmetry.js') as typeof import('../../builders/symmetry.js');
  try {
    return { symmetry: await analyzeSymmetry(structure, tolerance), reason: null };
  } catch (error) {
    if (error instanceof IonclayError && error.code === 'E_SYMMETRY') return { symmetry: null, reason: error.message };
    throw error;
  }
}
