/**
 * How a command registers itself. A file `commands/<name>.ts` exports
 *
 *     export function register(program: Command, context: Context): void {
 *       context.command(program, 'evaluate <file>', 'energy, forces and stress of every frame', { threads: true })
 *         .option('--model <model>', 'bundled name or path', collect)
 *         .action(context.action(async (session, [file], options) => {
 *           const { readStructure } = require('../../io/read.js') as typeof import('../../io/read.js');
 *           ...
 *           session.result(document, () => text);
 *         }));
 *     }
 *
 * and has one line in commands.ts. Heavy modules are required inside the action, so that `--help` stays quick. Every command made by
 * `context.command` has `--json` and `--quiet`; errors are thrown, never printed: main.ts gives them their form and exit status.
 */
import type { Command, CommanderError } from 'commander';
import { nearest, notAvailable, StudyError } from '../errors.js';
import { allCores, wholeNumber } from './arguments.js';
import { type Io, Terminal } from './terminal.js';

export type Options = Record<string, unknown> & { json?: boolean; quiet?: boolean; threads?: number };

/** One call of one command. */
export interface Session {
  readonly io: Io;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Threads to use: `--threads`, else all cores. */
  readonly threads: number;
  /** Prints the result: the document with `--json`, the text otherwise. Exactly once a command. */
  result(document: unknown, text: () => string): void;
  /** Sets an exit status other than 0 although a result was printed. */
  exit(status: number): void;
}

export type Action<O> = (session: Session, args: string[], options: O & Options) => Promise<void> | void;

export interface Context {
  command(parent: Command, usage: string, description: string, features?: { threads?: boolean }): Command;
  action<O extends object = Options>(action: Action<O>): (...parameters: unknown[]) => Promise<void>;
}

export type Register = (program: Command, context: Context) => void;

/** The context of one call of `main`; `exit` receives the status of commands that end without an error but not with 0. */
export function makeContext(io: Io, exit: (status: number) => void): Context {
  return {
    command(parent, usage, description, features = {}) {
      const command = parent.command(usage).description(description);
      command.option('--json', 'print exactly one JSON document on stdout');
      command.option('--quiet', 'no progress on stderr');
      if (features.threads) command.option('--threads <n>', 'number of threads (default: all cores)', wholeNumber('--threads'));
      explainErrors(command);
      return command;
    },
    action:
      (action) =>
      async (...parameters) => {
        // commander passes the declared arguments, then the options, then the command itself.
        const options = parameters.at(-2) as Parameters<typeof action>[2];
        const args = parameters.slice(0, -2).flat() as string[];
        const terminal = new Terminal(io, options.quiet === true);
        const session: Session = {
          io,
          json: options.json === true,
          terminal,
          signal: io.signal,
          threads: options.threads ?? allCores(),
          result(document, text) {
            terminal.clear();
            const output = options.json ? JSON.stringify(document, null, 2) : text();
            io.stdout.write(output === '' || output.endsWith('\n') ? output : `${output}\n`);
          },
          exit,
        };
        try {
          await action(session, args, options);
        } finally {
          terminal.clear();
        }
      },
  };
}

/** Gives errors of the argument parser our form: code, the nearest known name, exit status 2. */
export function explainErrors(command: Command): void {
  command.showSuggestionAfterError(false).configureOutput({ outputError: () => undefined });
  command.exitOverride((error) => {
    throw translate(error, command);
  });
}

/** Commands that a later version will have. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  convert: 'conversion between file formats',
  minimize: 'minimisation',
  sweep: 'a sweep of studies',
};

const ENDED_WELL = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

function translate(error: CommanderError, command: Command): Error {
  if (ENDED_WELL.has(error.code)) return error;
  const message = error.message.replace(/^error: /, '').replaceAll("'", '"');
  const named = /"([^"]+)"/.exec(message)?.[1] ?? '';
  const words: string[] = [];
  for (let at: Command | null = command; at; at = at.parent) words.unshift(at.parent ? at.name() : 'ionclay');
  const help = `${words.join(' ')} --help lists what there is`;
  if (error.code === 'commander.unknownOption') {
    const flag = named.split('=')[0]!;
    const known = command.createHelp().visibleOptions(command);
    const guess = nearest(
      flag,
      known.flatMap((option) => [option.long, option.short].filter((name) => name !== undefined)),
    );
    return new StudyError('UNKNOWN_OPTION', `unknown option "${flag}"`, {
      key: flag,
      hint: guess ? `did you mean "${guess}"?` : help,
    });
  }
  if (error.code === 'commander.unknownCommand') {
    const missing = command.parent ? undefined : NOT_BUILT[named];
    if (missing) return notAvailable(named, missing);
    const guess = nearest(
      named,
      command.commands.map((child) => child.name()),
    );
    return new StudyError('UNKNOWN_COMMAND', `unknown command "${named}"`, { hint: guess ? `did you mean "${guess}"?` : help });
  }
  return new StudyError('BAD_ARGUMENTS', message, { hint: help });
}
