/** `ionclay model list | info M`: the bundled models, and everything that a model file tells about itself. */
import type { Command } from 'commander';
import { notAvailable } from '../../errors.js';
import type { ModelSummary, NetworkSummary } from '../../potential/summary.js';
import type { Context } from '../command.js';
import { explainErrors } from '../command.js';

export function register(program: Command, context: Context): void {
  const model = program.command('model').description('list the bundled models, or describe a model');
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
    .command(model, 'compress <model>', 'tabulate the embedding nets of a model (not available in this version)')
    .option('-o, --out <file>', 'file to write')
    .action(
      context.action(() => {
        throw notAvailable(
          'model compress',
          'compression of model files',
          'models run as they are; files that were compressed elsewhere are read',
        );
      }),
    );
}

function errorsText(errors: Readonly<Record<string, unknown>>): string {
  return `errors (${String(errors.frames)}, against ${String(errors.against)}): ${String(errors.energy_meV_per_atom)} meV/atom, ${String(errors.force_eV_per_A)} eV/A`;
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
    ['parameters', String(s.parameters)],
  ];
  if (s.excluded_pairs.length > 0) rows.push(['excluded pairs', s.excluded_pairs.join(', ')]);
  if (s.smallest_distance_in_training_A !== null)
    rows.push(['shortest distance', `${s.smallest_distance_in_training_A} A in the training data`]);
  if (s.purpose) rows.push(['made for', s.purpose]);
  if (s.training_errors) rows.push(['errors', errorsText(s.training_errors).replace(/^errors /, '')]);
  return rows.map(([key, value]) => `${key.padEnd(18)}${value}`).join('\n');
}
