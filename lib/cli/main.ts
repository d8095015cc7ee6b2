#!/usr/bin/env node
/** The command line: parses, calls a command, and gives errors and interruptions their form and exit status (interface.md 1). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { IonclayError } from '../errors.js';
import { explainErrors, makeContext, type Register } from './command.js';
import { COMMANDS } from './commands.js';
import { InterruptedError, type Io, Terminal } from './terminal.js';

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }).version;
}

/**
 * Runs one command line. `argv`: the words after `ionclay`.
 * @returns exit status: 0 done, 1 the work failed, 2 the request is wrong, 130 or 143 interrupted
 */
export async function main(argv: readonly string[], io: Io, commands: readonly Register[] = COMMANDS): Promise<number> {
  let status = 0;
  const program = new Command('ionclay');
  program
    .description('Molecular dynamics and transport analysis of solid ionic conductors.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });
  explainErrors(program);
  const context = makeContext(io, (value) => {
    status = value;
  });
  for (const register of commands) register(program, context);
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    return report(error, argv.includes('--json'), io);
  }
}

/** Prints an error and returns its exit status. */
function report(error: unknown, json: boolean, io: Io): number {
  const { colors } = new Terminal(io, false);
  const known = error instanceof IonclayError ? error : unexpected(error);
  if (json) io.stdout.write(`${JSON.stringify({ error: known.toJSON() }, null, 2)}\n`);
  else if (!(known instanceof InterruptedError)) {
    io.stderr.write(`${colors.red('error:')} ${known.message}\n`);
    if (known.hint) io.stderr.write(`${colors.cyan('hint:')} ${known.hint}\n`);
  } else io.stderr.write(`${known.message}${known.hint ? `\n${colors.cyan('hint:')} ${known.hint}` : ''}\n`);
  if (known.code === 'INTERNAL' && io.env.IONCLAY_DEBUG && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  if (known instanceof InterruptedError) return known.signalName === 'SIGTERM' ? 143 : 130;
  return known.kind === 'work' ? 1 : 2;
}

/** Errors of the operating system get a sentence; anything else is a fault of the program, and says so. */
function unexpected(cause: unknown): IonclayError {
  const { code, path, message } = (cause ?? {}) as NodeJS.ErrnoException;
  const file = path ? { file: path } : {};
  const sentence = code ? SYSTEM_ERRORS[code] : undefined;
  if (code && sentence) {
    const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO';
    const Class = full ? WorkError : IonclayError;
    return new Class(code, `${path ? `${path}: ` : ''}${sentence}`, { ...file, cause });
  }
  return new WorkError('INTERNAL', `unexpected error: ${message ?? String(cause)}`, {
    hint: 'this is a fault of ionclay: please report it; IONCLAY_DEBUG=1 prints where it happened',
    cause,
  });
}

class WorkError extends IonclayError {
  override readonly kind = 'work';
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  EISDIR: 'this is a directory, expected a file',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is exhausted',
  EIO: 'the device reports an input/output error',
};

/** The process itself: signals, broken pipes, and the exit status once all output is out. */
function start(): void {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // A second signal ends the process at once: the last checkpoint is on disk.
      if (controller.signal.aborted) process.exit(name === 'SIGTERM' ? 143 : 130);
      controller.abort(new InterruptedError(name));
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    // The reader of a pipe (head, less) may leave early; that is no fault. Without a reader of the progress the work still goes on.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' && stream === process.stderr) return;
      if (error.code === 'EPIPE') process.exit(0);
      // A full disk behind a redirection, for instance: the result is lost, and the exit status has to say so.
      if (stream === process.stdout) process.stderr.write(`error: the result could not be written to stdout: ${error.message}\n`);
      process.exit(1);
    });
  }
  const io: Io = { stdout: process.stdout, stderr: process.stderr, env: process.env, signal: controller.signal };
  void main(process.argv.slice(2), io).then((status) => {
    process.exitCode = status;
  });
}

if (require.main === module) start();
