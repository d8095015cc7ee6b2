/** `ionclay model list | info M | compress M`: the bundled models, what a model file tells about itself, files with tables in them. */
import type { Command } from 'commander';
import { StudyError } from '../../errors.js';
import type { CompressedModel } from '../../potential/compress.js';
import type { Precision } from '../../potential/potential.js';
import type { DescriptorSummary, ModelSummary, NetworkSummary, ParametersSummary } from '../../potential/summary.js';
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
  const lines = [`${file}: ${bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`}`];
  const rest = nets - tables.tables;
  if (tables.tables === 0) lines.push(`no tables: for none of the ${nets} pairs of types do they pay; the nets are run`);
  else {
    const without = rest === 0 ? 'every pair of types has its table' : `for ${rest} a table would not pay: their nets are run`;
    lines.push(`tables: ${tablesText(tables)}`, `pairs of types: ${nets} in all descriptors; ${without}`);
  }
  return lines.join('\n');
}

function tablesText(tables: NonNullable<ModelSummary['stored_tables']>): string {
  const { precision, panels, columns, value_error, slope_error_per_A, current } = tables;
  const error = `error of G ${value_error.toExponential(1)}, of dG/dr ${slope_error_per_A.toExponential(1)} /A at most, relative to the largest value`;
  return `${tables.tables} for ${precision} precision, ${panels} panels, up to ${columns} columns; ${error}${current ? '' : ' (of another version: made anew at load)'}`;
}

function errorsText(errors: Readonly<Record<string, unknown>>): string {
  return `errors (${String(errors.frames)}, against ${String(errors.against)}): ${String(errors.energy_meV_per_atom)} meV/atom, ${String(errors.force_eV_per_A)} eV/A`;
}

function parametersText({ count, default: own }: ParametersSummary, option: string): string {
  return `${count} number${count === 1 ? '' : 's'}${option.startsWith('--aparam') ? ' an atom' : ''}, given with ${option}${own ? ` (default ${own.join(', ')})` : ''}`;
}

function networkText(net: NetworkSummary): string {
  return `${net.layers.join('-')}, ${net.activation}${net.timestep ? ', with timesteps' : ''} (${net.nets} net${net.nets === 1 ? '' : 's'})`;
}

/** Seven digits: what a float32 in a graph holds; the document (--json) has all. */
const length = (value: number) => String(Number(value.toPrecision(7)));

function descriptorText({ descriptor, type_one_side, axis_neuron }: DescriptorSummary): string {
  const embedded = /type embedding|atten|dpa1/.test(descriptor);
  const nets = embedded
    ? `one net for all types, which takes the type of ${type_one_side ? 'the neighbour' : 'both atoms'}`
    : type_one_side
      ? 'one net a neighbour type'
      : 'one net a pair of types';
  return `${descriptor}, ${nets}${axis_neuron > 0 ? `, axis ${axis_neuron}` : ''}`;
}

function descriptorRows(d: DescriptorSummary): [string, string][] {
  return [
    ['descriptor', descriptorText(d)],
    ['cutoff', `${length(d.cutoff_A)} A, smooth from ${length(d.cutoff_smooth_A)} A`],
    ['sel', d.sel_meaning],
    ['embedding', d.embedding ? networkText(d.embedding) : 'tables only'],
  ];
}

function hybridRows(descriptors: readonly DescriptorSummary[]): [string, string][] {
  return descriptors.flatMap((d, k) => descriptorRows(d).map(([key, value]): [string, string] => [`  ${k + 1}. ${key}`, value]));
}

function compressedParts({ descriptors }: ModelSummary): string {
  return descriptors
    .flatMap(({ table }) => (table ? [`tables from s = ${table.lower} to ${table.max}, ${table.rows} rows`] : []))
    .join('; ');
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
    ...(s.descriptors.length > 1
      ? [['descriptor', `hybrid of ${s.descriptors.length}: ${s.descriptor}`] as [string, string], ...hybridRows(s.descriptors)]
      : descriptorRows(s)),
    ['fitting', `energy: ${networkText(s.fitting)}`],
    ['precision', s.precision],
    ['compressed', s.compressed ? `yes, by DeePMD-kit: ${compressedParts(s)}` : 'no'],
    ['stored tables', s.stored_tables ? tablesText(s.stored_tables) : 'none'],
    ['parameters', String(s.parameters)],
  ];
  if (s.frame_parameters)
    rows.push([
      'fparam',
      parametersText(s.frame_parameters, s.frame_parameters.count === 1 ? '--fparam 0.1' : '--fparam 0.1,0.2'),
    ]);
  if (s.atom_parameters) rows.push(['aparam', parametersText(s.atom_parameters, '--aparam FILE')]);
  if (s.excluded_pairs.length > 0) rows.push(['excluded pairs', s.excluded_pairs.join(', ')]);
  if (s.pair_table) {
    const { shortest_A, cutoff_A, switch_from_A, switch_to_A } = s.pair_table;
    rows.push([
      'pair table',
      `from ${length(shortest_A)} to ${length(cutoff_A)} A; alone where neighbours are closer than ${length(switch_from_A)} A, the net alone beyond ${length(switch_to_A)} A`,
    ]);
  }
  if (s.smallest_distance_in_training_A !== null)
    rows.push(['shortest distance', `${length(s.smallest_distance_in_training_A)} A in the training data`]);
  if (s.purpose) rows.push(['made for', s.purpose]);
  if (s.training_errors) rows.push(['errors', errorsText(s.training_errors).replace(/^errors /, '')]);
  return rows.map(([key, value]) => `${key.padEnd(18)}${value}`).join('\n');
}
