/** `ionclay model list | info M | compress M`: the bundled models, what a model file tells about itself, files with tables in them. */
import type { Command } from 'commander';
import { StudyError } from '../../errors.js';
import type { CompressedModel } from '../../potential/compress.js';
import type { Precision } from '../../potential/potential.js';
import type { ModelSummary, NetworkSummary, ParametersSummary } from '../../potential/summary.js';
import { oneOf } from '../arguments.js';
import type { Context } from '../command.js';
import { explainErrors } from '../command.js';

export function register(program: Command, context: Context): void {
  const model = program.command('model').description('list the bundled models, describe a model, or write one with tables');
  explainErrors(model);

  context.command(model, 'list', 'the models that come with ionclay').action(
    context.action((session) => {
      const { bundledModels } = require('../../potential/bundled.js') as typeof import('../../potential/bundled.js');
      const models = bundledModels().map(({ name, species, purpose, errors, sha256, path }) => ({
        name,
        species,
        purpose,
        training_errors: errors,
        sha256,
        file: path,
      }));
      session.result({ models }, () =>
        models
          .map(
            (entry) =>
              `${entry.name}  (${entry.species.join(' ')})\n    ${entry.purpose}\n    ${errorsText(entry.training_errors)}`,
          )
          .join('\n'),
      );
    }),
  );

  context.command(model, 'info <model>', 'cutoff, species, sizes, slots, errors of a bundled model or a model file').action(
    context.action(async (session, [name]) => {
      const { readModel } = require('../../potential/model-file.js') as typeof import('../../potential/model-file.js');
      const { modelSummary } = require('../../potential/summary.js') as typeof import('../../potential/summary.js');
      const summary = modelSummary(await readModel(name!));
      session.result(summary, () => summaryText(summary));
    }),
  );

  context
    .command(model, 'compress <model>', 'write a .dp file with tables of the embedding nets beside them, and their error')
    .option('-o, --output <file>', 'the .dp file to write')
    .option(
      '--precision <precision>',
      'precision that the tables are made for',
      oneOf('--precision', ['double', 'mixed']),
      'double',
    )
    .option('--force', 'replace the file where it exists')
    .action(
      context.action<{ output?: string; precision: Precision; force?: boolean }>(async (session, [name], options) => {
        const { output, precision, force } = options;
        if (!output || !/\.dp$/i.test(output)) {
          throw new StudyError('BAD_ARGUMENTS', output ? `${output}: the name must end in .dp` : 'where should the model go?', {
            key: '--output',
            hint: 'ionclay model compress model.pb -o model.dp',
          });
        }
        const { compressModel } = require('../../potential/compress.js') as typeof import('../../potential/compress.js');
        const written = await compressModel(name!, output, { precision, force });
        for (const note of written.notes) session.terminal.note(note);
        session.result(written, () => compressedText(written));
      }),
    );
}

function compressedText({ file, bytes, tables, nets }: CompressedModel): string {
  const lines = [`${file}: ${(bytes / 1e6).toFixed(1)} MB`];
  if (tables.tables === 0) lines.push(`no tables: for none of the ${nets} pairs of types do they pay; the nets are run`);
  else lines.push(tablesText(tables), `${nets - tables.tables} of ${nets} pairs of types go through their nets`);
  return lines.join('\n');
}

function tablesText(tables: NonNullable<ModelSummary['stored_tables']>): string {
  const { precision, panels, columns, value_error, slope_error_per_A, current } = tables;
  const error = `error of G ${value_error.toExponential(1)}, of dG/dr ${slope_error_per_A.toExponential(1)} /A at most, of the largest value`;
  return `${tables.tables} for ${precision} precision, ${panels} panels, up to ${columns} columns; ${error}${current ? '' : ' (of another version: made anew at load)'}`;
}

function errorsText(errors: Readonly<Record<string, unknown>>): string {
  return `errors (${String(errors.frames)}, against ${String(errors.against)}): ${String(errors.energy_meV_per_atom)} meV/atom, ${String(errors.force_eV_per_A)} eV/A`;
}

function parametersText({ count, default: own }: ParametersSummary, option: string): string {
  return `${count}, given with ${option}${own ? ` (default ${own.join(', ')})` : ''}`;
}

function networkText(net: NetworkSummary): string {
  return `${net.layers.join('-')}, ${net.activation}${net.timestep ? ', with timesteps' : ''} (${net.nets} net${net.nets === 1 ? '' : 's'})`;
}

function summaryText(s: ModelSummary): string {
  const rows: [string, string][] = [
    ['name', s.name],
    ['file', s.file],
    ['sha256', s.sha256],
    ['format', `${s.format}, ${s.version}`],
    [
      'species',
      s.species.length > 0 ? s.species.join(' ') : `${s.types} types without names: give --types, such as --types O=0,H=1`,
    ],
    [
      'descriptor',
      `${s.descriptor}, ${s.type_one_side ? 'one net a neighbour type' : 'one net a pair of types'}, axis ${s.axis_neuron}`,
    ],
    ['cutoff', `${s.cutoff_A} A, smooth from ${s.cutoff_smooth_A} A`],
    ['sel', s.sel_meaning],
    ['embedding', s.embedding ? networkText(s.embedding) : 'tables only'],
    ['fitting', `energy: ${networkText(s.fitting)}`],
    ['precision', s.precision],
    ['compressed', s.table ? `yes: tables from s = ${s.table.lower} to ${s.table.max}, ${s.table.rows} rows` : 'no'],
    ['stored tables', s.stored_tables ? tablesText(s.stored_tables) : 'none'],
    ['parameters', String(s.parameters)],
  ];
  if (s.frame_parameters) rows.push(['fparam', parametersText(s.frame_parameters, '--fparam 0.1,0.2')]);
  if (s.atom_parameters) rows.push(['aparam', parametersText(s.atom_parameters, '--aparam FILE')]);
  if (s.excluded_pairs.length > 0) rows.push(['excluded pairs', s.excluded_pairs.join(', ')]);
  if (s.smallest_distance_in_training_A !== null)
    rows.push(['shortest distance', `${s.smallest_distance_in_training_A} A in the training data`]);
  if (s.purpose) rows.push(['made for', s.purpose]);
  if (s.training_errors) rows.push(['errors', errorsText(s.training_errors).replace(/^errors /, '')]);
  return rows.map(([key, value]) => `${key.padEnd(18)}${value}`).join('\n');
}
