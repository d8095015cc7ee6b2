/** `ionclay analyze <observable> <trajectory|DIR>`: one observable of a trajectory file or of a stage of a run; alone it lists them. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { ObservableContext } from '../../analysis/observables.js';
import type { Frame } from '../../dynamics/frame.js';
import { notAvailable, StudyError, unknownKey } from '../../errors.js';
import { quantityOption } from '../arguments.js';
import type { Context, Session } from '../command.js';
import { resultText } from '../result-text.js';

interface AnalyzeOptions {
  stage?: string;
  interval?: number;
  structure?: string;
  allowPartial?: boolean;
  types?: string;
  [option: string]: unknown;
}

/** Where the frames come from, and what that source knows. */
interface Source {
  readonly frames: () => AsyncIterable<Frame>;
  readonly context: ObservableContext;
  readonly stage?: string;
}

const OWN = ['json', 'quiet', 'threads', 'stage', 'interval', 'structure', 'allowPartial', 'types'];
const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function register(program: Command, context: Context): void {
  const { OBSERVABLES } = require('../../analysis/observables.js') as typeof import('../../analysis/observables.js');
  const command = context.command(
    program,
    'analyze [observable] [input]',
    'one observable of a trajectory or a run; alone: what there is',
    {
      threads: true,
    },
  );
  command
    .option('--stage <name>', 'stage of a run directory (default: the last)')
    .option('--interval <time>', 'time between frames, for files that hold no times', quantityOption('--interval', 'time'))
    .option('--structure <file>', 'the same atoms in a file that names their elements, for NetCDF trajectories')
    .option('--allow-partial', 'read the complete frames of a NetCDF trajectory that is cut short')
    .option('--types <map>', 'elements of a file without names, such as 1=Mg,2=Ga');
  const descriptions = new Map<string, string>();
  for (const { name, options } of OBSERVABLES.values()) {
    for (const [key, option] of Object.entries(options)) {
      descriptions.set(key, `${descriptions.has(key) ? `${descriptions.get(key)}; ` : ''}${name}: ${option.description}`);
    }
  }
  for (const [key, description] of descriptions) command.addOption(new Option(`--${key} <value>`, description));
  command.action(
    context.action<AnalyzeOptions>(async (session, [name, input], options) => {
      const { findObservable } = require('../../analysis/observables.js') as typeof import('../../analysis/observables.js');
      if (name === undefined) {
        session.result(listing(OBSERVABLES.values()), () => listingText(OBSERVABLES.values()));
        return;
      }
      const definition = findObservable(name);
      if (input === undefined) {
        throw new StudyError('BAD_ARGUMENTS', `analyze ${name} needs a trajectory file or a run directory`, {
          hint: `ionclay analyze ${name} runs/demo`,
        });
      }
      if (options.types !== undefined) throw notAvailable('--types', 'naming the elements of LAMMPS dumps');
      const given = Object.fromEntries(
        Object.entries(options).flatMap(([key, value]) =>
          OWN.includes(key) || value === undefined ? [] : [[kebab(key), value]],
        ),
      );
      // An option of another observable is as wrong as one that does not exist.
      for (const key of Object.keys(given)) {
        if (!Object.hasOwn(definition.options, key)) throw unknownKey(`--${key}`, key, Object.keys(definition.options));
      }
      // g(r) over all frames is the one observable that no time enters.
      const timeless = !definition.needs.includes('times') && !['start', 'stop', 'at'].some((key) => key in given);
      const source = await open(input, options, timeless);
      const { checkObservableOptions } =
        require('../../analysis/observables.js') as typeof import('../../analysis/observables.js');
      const known = { ...source.context, threads: session.threads, signal: session.signal };
      checkObservableOptions(definition, given, '', known);
      const document = await definition.run(counted(source.frames(), session), given, known);
      for (const warning of document.warnings) session.terminal.warn(warning);
      const { observable, options: echoed, result, warnings } = document;
      const stage = source.stage === undefined ? {} : { stage: source.stage };
      session.result({ observable, input, ...stage, options: echoed, result, warnings }, () => resultText(document));
    }),
  );
}

async function open(input: string, options: AnalyzeOptions, timeless: boolean): Promise<Source> {
  if (existsSync(input) && statSync(input).isDirectory() && existsSync(join(input, 'study.yaml'))) {
    if (options.interval !== undefined) {
      throw new StudyError('OPTION_VALUE', '--interval: the frame times of a run are known', { key: '--interval' });
    }
    if (options.structure !== undefined) {
      throw new StudyError('OPTION_VALUE', '--structure: the atoms of a run are known', { key: '--structure' });
    }
    const { readStoredRun } = require('../../study/runner.js') as typeof import('../../study/runner.js');
    const { openRunDirectory } = require('../../study/run-directory.js') as typeof import('../../study/run-directory.js');
    const { stageContext, stageFrames, stageOf } =
      require('../../study/stage-frames.js') as typeof import('../../study/stage-frames.js');
    const { plan } = (await readStoredRun(openRunDirectory(input))).section;
    const stage = stageOf(plan, options.stage, '--stage');
    return { frames: () => stageFrames(input, stage), context: stageContext(plan, stage), stage: stage.name };
  }
  if (options.stage !== undefined) {
    throw new StudyError('OPTION_VALUE', `--stage: ${input} is not a run directory`, {
      key: '--stage',
      hint: 'give a run directory, or leave it out',
    });
  }
  return { frames: () => fileFrames(input, options, timeless), context: {} };
}

async function* fileFrames(
  path: string,
  { interval, structure: named, allowPartial }: AnalyzeOptions,
  timeless: boolean,
): AsyncGenerator<Frame> {
  const { readStructure, readTrajectory } = require('../../io/read.js') as typeof import('../../io/read.js');
  const structure = named === undefined ? undefined : await readStructure(named);
  let first = true;
  for await (const frame of readTrajectory(path, { ...(interval === undefined ? {} : { interval }), structure, allowPartial })) {
    if (frame.time === null && !first && !timeless) {
      throw new StudyError('INTERVAL_MISSING', `${path} holds no frame times`, {
        key: '--interval',
        file: path,
        hint: 'give --interval, such as --interval 1ps',
      });
    }
    first = false;
    yield { ...frame, step: frame.step ?? frame.index, time: frame.time ?? frame.index };
  }
}

async function* counted(frames: AsyncIterable<Frame>, session: Session): AsyncGenerator<Frame> {
  let count = 0;
  for await (const frame of frames) {
    count += 1;
    session.terminal.progress(() => `${count} frames`);
    yield frame;
  }
}

type Definitions = Iterable<import('../../analysis/observables.js').ObservableDefinition>;

function listing(definitions: Definitions) {
  return {
    observables: [...definitions].map(({ name, description, needs, options }) => ({
      name,
      description,
      needs,
      options: Object.fromEntries(
        Object.entries(options).map(([key, { description: text, default: fallback }]) => [
          key,
          { description: text, default: fallback ?? null },
        ]),
      ),
    })),
  };
}

function listingText(definitions: Definitions): string {
  return [...definitions]
    .map(({ name, description, options }) => {
      const lines = Object.entries(options).map(
        ([key, option]) =>
          `    --${key.padEnd(14)} ${option.description}${option.default === undefined ? ' (needed)' : ` (default: ${option.default})`}`,
      );
      return [`${name.padEnd(14)} ${description}`, ...lines].join('\n');
    })
    .join('\n\n');
}
