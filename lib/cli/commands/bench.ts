/** `ionclay bench`: atom-steps per second here, per instruction set, precision and threads. */
import type { Command } from 'commander';
import type { Isa } from '../../native/addon.js';
import { DYNAMICS_COMPRESSION, PRECISIONS } from '../../potential/kernel-options.js';
import type { Compression, Precision } from '../../potential/potential.js';
import { list, oneOf, wholeNumber } from '../arguments.js';
import type { BenchmarkCase } from '../benchmark.js';
import type { Context, Options } from '../command.js';

interface BenchOptions extends Options {
  model: string;
  atoms: number;
  structure?: string;
  isa?: string[];
  precision?: string[];
  compression?: string[];
  stages?: boolean;
}

export function register(program: Command, context: Context): void {
  context
    .command(program, 'bench', 'atom-steps per second here, per instruction set, precision and threads', { threads: true })
    .option('--model <model>', 'bundled name or path', 'li-y-cl-br')
    .option('--atoms <n>', 'about how many atoms', wholeNumber('--atoms'), 1000)
    .option('--structure <file>', 'a structure instead of a bundled crystal')
    .option('--isa <names>', 'instruction sets (default: all of this machine)', list('--isa'))
    .option('--precision <names>', 'double, mixed (default: all of this version)', list('--precision'))
    .option('--compression <names>', `none, auto (default: ${DYNAMICS_COMPRESSION}, as in dynamics)`, list('--compression'))
    .option('--stages', 'split the time into the phases of a step')
    .action(
      context.action<BenchOptions>(async (session, _args, options) => {
        const { benchmark } = require('../benchmark.js') as typeof import('../benchmark.js');
        const { nativeAddon } = require('../../native/loader.js') as typeof import('../../native/loader.js');
        const { readStructure } = require('../../io/read.js') as typeof import('../../io/read.js');
        const available = nativeAddon().info().available;
        const isas = options.isa?.map((name) => oneOf<Isa>('--isa', available)(name)) ?? [...available].reverse();
        const result = await benchmark({
          model: options.model,
          atoms: options.atoms,
          isas,
          precisions: options.precision?.map((name) => oneOf<Precision>('--precision', ['double', 'mixed'])(name)) ?? PRECISIONS,
          compressions: options.compression?.map((name) => oneOf<Compression>('--compression', ['none', 'auto'])(name)) ?? [
            DYNAMICS_COMPRESSION,
          ],
          threads: session.threads > 1 ? [1, session.threads] : [1],
          stages: options.stages === true,
          structure: options.structure === undefined ? undefined : await readStructure(options.structure),
          signal: session.signal,
        });
        session.result({ model: options.model, ...result }, () => textOf(options.model, result.structure, result.cases));
      }),
    );
}

function textOf(model: string, structure: string, cases: readonly BenchmarkCase[]): string {
  const rows = cases.map((entry) => [
    entry.isa,
    entry.precision,
    entry.compression,
    String(entry.threads),
    String(entry.natoms),
    entry.neighbours_per_atom.toFixed(1),
    entry.us_per_atom_step.toFixed(2),
    Math.round(entry.atom_steps_per_s).toLocaleString('en-US'),
    ...Object.values(entry.stages ?? {}).map((value) => value.toFixed(2)),
  ]);
  const head = [
    'set',
    'precision',
    'compression',
    'threads',
    'atoms',
    'neighbours',
    'us/atom/step',
    'atom-steps/s',
    ...Object.keys(cases[0]?.stages ?? {}),
  ];
  const widths = head.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k]!.length)));
  const line = (cells: readonly string[]) => cells.map((cell, k) => cell.padStart(widths[k]!)).join('  ');
  return [`${model}, ${structure}`, '', line(head), ...rows.map(line)].join('\n');
}
