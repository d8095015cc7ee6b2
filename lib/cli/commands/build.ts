/** `ionclay build`: a structure from a recipe, and the list of bundled crystals. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import type { BundledCrystal } from '../../builders/crystal.js';
import { StudyError } from '../../errors.js';
import type { Context } from '../command.js';
import { inspectDocument, inspectText } from '../structure-text.js';

interface BuildOptions {
  list?: boolean;
  output?: string;
  force?: boolean;
}

export function register(program: Command, context: Context): void {
  context
    .command(
      program,
      'build [recipe]',
      'structure from a recipe (the structure: block of a study); --list shows the bundled crystals',
    )
    .option('-o, --output <file>', 'where the structure goes; the name tells the format')
    .option('--force', 'replace the output file where it exists')
    .option('--list', 'list the bundled crystals')
    .action(
      context.action<BuildOptions>(async (session, [recipe], options) => {
        if (options.list) {
          const { listCrystals } = require('../../builders/crystal.js') as typeof import('../../builders/crystal.js');
          const crystals = listCrystals();
          session.result({ crystals: crystals.map(crystalDocument) }, () => crystalTable(crystals));
          return;
        }
        if (!recipe || !options.output) {
          throw new StudyError('BAD_ARGUMENTS', recipe ? 'where should the structure go?' : 'a recipe is needed', {
            hint: 'ionclay build recipe.yaml -o structure.extxyz; ionclay build --list shows the bundled crystals',
          });
        }
        if (existsSync(options.output) && !options.force) {
          throw new StudyError('FILE_EXISTS', `${options.output} exists already`, {
            file: options.output,
            hint: 'give another name, or --force',
          });
        }
        const { buildRecipe } = require('../../builders/recipe.js') as typeof import('../../builders/recipe.js');
        const { report } = require('../../builders/checks.js') as typeof import('../../builders/checks.js');
        const { writeStructure } = require('../../io/write.js') as typeof import('../../io/write.js');
        const structure = await buildRecipe(readRecipe(recipe), { directory: dirname(recipe) });
        const warnings = await writeStructure(options.output, structure);
        for (const { message } of warnings) session.terminal.warn(message);
        const summary = {
          file: options.output,
          format: 'written',
          frames: 1,
          frame: 0,
          report: report(structure),
          symmetry: null,
          symmetryReason: 'ionclay inspect finds it',
        };
        const {
          format: _,
          frames: __,
          frame: ___,
          symmetry: ____,
          symmetry_reason: _____,
          ...document
        } = inspectDocument(summary);
        session.result(document, () => inspectText(summary));
      }),
    );
}

/** The recipe itself, or the `structure:` block of a study. */
function readRecipe(path: string): unknown {
  const { parseDocument } = require('yaml') as typeof import('yaml');
  const { fileError } = require('../../io/file-errors.js') as typeof import('../../io/file-errors.js');
  const { plainData, yamlSentence } = require('../../study/study-file.js') as typeof import('../../study/study-file.js');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(path, error);
  }
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    throw new StudyError('BAD_YAML', `${path}${line ? `:${line}` : ''}: ${yamlSentence(error)}`, { file: path, line });
  }
  const recipe: unknown = plainData(document, path);
  if (typeof recipe === 'object' && recipe !== null && 'structure' in recipe) return recipe.structure;
  return recipe;
}

function crystalDocument({
  id,
  file,
  formula,
  spaceGroup,
  spaceGroupNumber,
  sites,
  volume,
  density,
  ordered,
  kind,
}: BundledCrystal) {
  return {
    id,
    file,
    formula,
    space_group: spaceGroup,
    space_group_number: spaceGroupNumber,
    sites_in_cell: sites,
    volume_A3: volume,
    density_g_per_cm3: density,
    ordered,
    kind,
  };
}

function crystalTable(crystals: readonly BundledCrystal[]): string {
  const head = ['formula', 'file', 'space group', 'sites', 'g/cm3', 'cell', ''];
  const rows = crystals.map(({ formula, file, spaceGroup, sites, density, kind, ordered }) => [
    formula,
    file,
    spaceGroup,
    String(sites),
    density.toFixed(3),
    { dft: 'calculated', experiment: 'measured', model: 'model' }[kind],
    ordered ? '' : 'partial occupancies',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
