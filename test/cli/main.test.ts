import { list, map, oneOf, quantityMap, quantityOption, wholeNumber } from '../../lib/cli/arguments.js';
import type { Register } from '../../lib/cli/command.js';
import { InterruptedError } from '../../lib/cli/terminal.js';
import { IonclayError, SimulationError, StudyError } from '../../lib/errors.js';
import { ionclay } from './console.js';

const weigh: Register = (program, context) => {
  context
    .command(program, 'weigh <file>', 'a command for these tests', { threads: true })
    .option('--species <list>', 'species', list('--species'))
    .action(
      context.action<{ species?: string[] }>(async (session, [file], options) => {
        if (file === 'blows-up')
          throw new SimulationError('ATOM_TOO_FAST', 'atom 3 is too fast', { atom: 3, hint: 'a smaller timestep' });
        if (file === 'missing') throw Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: 'missing' });
        if (file === 'full') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: 'full' });
        if (file === 'bug') throw new TypeError('undefined is not a function');
        if (file === 'interrupted') throw session.signal.reason;
        session.terminal.progress(() => 'working', 0);
        session.terminal.progress(() => 'still working', 31_000);
        session.terminal.warn('light');
        session.result({ file, species: options.species, threads: session.threads }, () => `weighed ${file}`);
      }),
    );
};
const run = (argv: string[], setting = {}) => ionclay(argv, { commands: [weigh], ...setting });

describe('output', () => {
  test('the result goes to stdout, the rest to stderr', async () => {
    const { status, stdout, stderr } = await run(['weigh', 'a', '--threads', '3']);
    expect(status).toBe(0);
    expect(stdout).toBe('weighed a\n');
    expect(stderr).toBe('still working\nwarning: light\n');
  });

  test('--json prints one document; --quiet silences progress but no warning', async () => {
    const { stdout, stderr } = await run(['weigh', 'a', '--species', 'Li,Cl', '--json', '--quiet', '--threads', '2']);
    expect(JSON.parse(stdout)).toEqual({ file: 'a', species: ['Li', 'Cl'], threads: 2 });
    expect(stderr).toBe('warning: light\n');
  });

  test('colours only on a terminal and not under NO_COLOR', async () => {
    const yellow = '\u001b[33m';
    expect((await run(['weigh', 'a'], { isTTY: true })).stderr).toContain(yellow);
    expect((await run(['weigh', 'a'], { isTTY: true, env: { NO_COLOR: '1' } })).stderr).not.toContain(yellow);
    expect((await run(['weigh', 'a'])).stderr).not.toContain('\u001b');
  });

  test('help and version end well, on stdout', async () => {
    for (const argv of [[], ['--help'], ['weigh', '--help'], ['help', 'weigh']]) {
      const { status, stdout } = await run(argv);
      expect([argv, status]).toEqual([argv, 0]);
      expect(stdout).toContain('Usage: ionclay');
    }
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('errors', () => {
  test.each([
    [['wiegh', 'a'], 2, 'UNKNOWN_COMMAND', 'unknown command "wiegh"', 'did you mean "weigh"?'],
    [['wegih', 'a'], 2, 'UNKNOWN_COMMAND', 'unknown command "wegih"', 'did you mean "weigh"?'],
    [['convert', 'a', 'b'], 2, 'NOT_AVAILABLE', 'convert: conversion between file formats is not available', ''],
    [['minimize', 'a', '--model', 'M'], 2, 'NOT_AVAILABLE', 'minimize: ', ''],
    [['sweep', 'a'], 2, 'NOT_AVAILABLE', 'sweep: ', ''],
    [['weigh', 'a', '--thread', '2'], 2, 'UNKNOWN_OPTION', 'unknown option "--thread"', 'did you mean "--threads"?'],
    [['weigh', 'a', '--zzzzzzzz'], 2, 'UNKNOWN_OPTION', 'unknown option "--zzzzzzzz"', 'ionclay weigh --help'],
    [['weigh'], 2, 'BAD_ARGUMENTS', 'missing required argument "file"', 'ionclay weigh --help'],
    [['weigh', 'a', 'b'], 2, 'BAD_ARGUMENTS', 'too many arguments', 'ionclay weigh --help'],
    [['weigh', 'a', '--threads'], 2, 'BAD_ARGUMENTS', 'argument missing', 'ionclay weigh --help'],
    [['weigh', 'a', '--threads', '0'], 2, 'BAD_OPTION', '--threads: "0"', ''],
    [['weigh', 'a', '--species', 'Li,,Cl'], 2, 'BAD_OPTION', '--species: "Li,,Cl"', ''],
    [['weigh', 'blows-up'], 1, 'ATOM_TOO_FAST', 'atom 3 is too fast', 'a smaller timestep'],
    [['weigh', 'missing'], 2, 'ENOENT', 'missing: no such file', ''],
    [['weigh', 'full'], 1, 'ENOSPC', 'full: no space', ''],
    [['weigh', 'bug'], 1, 'INTERNAL', 'undefined is not a function', 'report'],
  ])('%j: status %i, %s', async (argv, status, code, message, hint) => {
    const plain = await run(argv);
    expect(plain.status).toBe(status);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toMatch(/^error: /);
    expect(plain.stderr).toContain(message);
    if (hint) expect(plain.stderr).toContain(`hint: ${hint.startsWith('did') || hint.startsWith('a ') ? hint : ''}`);
    const json = await run([...argv, '--json']);
    // An option that lacks its value swallows --json; commander still reports it, and the document is printed all the same.
    expect(json.status).toBe(status);
    const { error } = JSON.parse(json.stdout) as { error: { code: string; message: string; hint?: string } };
    if (!argv.includes('--threads') || argv.length > 3) expect(error.code).toBe(code);
    if (hint) expect(plain.stderr).toContain(hint);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('an interruption by %s is status %i', async (name, status) => {
    const controller = new AbortController();
    controller.abort(new InterruptedError(name));
    const outcome = await run(['weigh', 'interrupted'], { signal: controller.signal });
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(name);
  });
});

describe('option values', () => {
  test('lists, maps, quantities', () => {
    expect(list('--x')('a, b')).toEqual(['a', 'b']);
    expect(map('--x')('A=x,B=y z')).toEqual({ A: 'x', B: 'y z' });
    expect(quantityMap('--charges', 'charge')('Mg=2,Cl=-1')).toEqual({ Mg: 2, Cl: -1 });
    expect(quantityOption('--start', 'time')('1 ps')).toBe(1000);
    expect(oneOf('--isa', ['avx2', 'baseline'])('avx2')).toBe('avx2');
  });

  test.each([
    () => map('--x')('A'),
    () => map('--x')('A=1,A=2'),
    () => quantityMap('--charges', 'charge')('Mg=2 A'),
    () => quantityOption('--start', 'time')('1 A'),
    () => wholeNumber('--n')('1.5'),
    () => oneOf('--isa', ['avx2'])('avx'),
  ])('%s is refused with the name of the option', (parse) => {
    expect(parse).toThrow(IonclayError);
    expect(parse).toThrow(/^--/);
  });
});

test('errors of the request are of kind request', () => expect(new StudyError('X', 'x').kind).toBe('request'));
