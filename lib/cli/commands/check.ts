/** `ionclay check <study.yaml>`: validates and prints the plan; writes nothing. */
import type { Command } from 'commander';
import { collect } from '../arguments.js';
import type { Context } from '../command.js';
import { checkText } from '../study-text.js';

export function register(program: Command, context: Context): void {
  context
    .command(
      program,
      'check <study>',
      'validate a study and print its plan: atoms, stages, defaults, memory, time; writes nothing',
      { threads: true },
    )
    .option('--set <key=value>', 'override a key of the study (repeatable)', collect)
    .action(
      context.action<{ set?: string[] }>(async (session, [study], { set }) => {
        const { checkStudy } = require('../../report/run-study.js') as typeof import('../../report/run-study.js');
        const check = await checkStudy(study!, { set, threads: session.threads, signal: session.signal });
        session.result(check, () => checkText(check));
      }),
    );
}
