/** `ionclay run <study.yaml>` and `ionclay resume <DIR>`. */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { RunOutcome } from '../../study/execute-study.js';
import { collect } from '../arguments.js';
import type { Context, Session } from '../command.js';
import { resultText } from '../result-text.js';
import { progressText } from '../study-text.js';
import { InterruptedError } from '../terminal.js';

type Library = typeof import('../../report/run-study.js');

export function register(program: Command, context: Context): void {
  context
    .command(program, 'run <study>', 'run a study; a finished stage is not run again', { threads: true })
    .option('--out <dir>', 'run directory (default: runs/<study name>)')
    .option('--set <key=value>', 'override a key of the study, such as stages[0].temperature="600 K" (repeatable)', collect)
    .action(
      context.action<{ out?: string; set?: string[] }>(async (session, [study], { out, set }) => {
        await drive(session, ({ runStudy }, rest) => runStudy(study!, { ...rest, out, set }));
      }),
    );
  context.command(program, 'resume <directory>', 'go on after an interruption, bit for bit', { threads: true }).action(
    context.action(async (session, [directory]) => {
      await drive(session, ({ resumeStudy }, rest) => resumeStudy(directory!, rest));
    }),
  );
}

type Common = NonNullable<Parameters<Library['resumeStudy']>[1]>;

async function drive(session: Session, start: (library: Library, options: Common) => Promise<RunOutcome>): Promise<void> {
  const library = require('../../report/run-study.js') as Library;
  const { terminal } = session;
  let directory: string | null = null;
  try {
    const outcome = await start(library, {
      threads: session.threads,
      signal: session.signal,
      onProgress: (progress) => terminal.progress(() => progressText(progress)),
      onNote: (text) => terminal.note(text),
      onDirectory: (path) => {
        directory = path;
        terminal.note(`run directory: ${here(path)}`);
      },
    });
    for (const warning of outcome.warnings) terminal.warn(warning);
    const document = {
      directory: outcome.directory,
      state: 'done',
      finished_before: outcome.finishedBefore,
      resumed_from_step: outcome.resumedFromStep,
      steps: outcome.steps,
      ...(outcome.stopped.length > 0 ? { stopped: outcome.stopped } : {}),
      results: outcome.results,
    };
    session.result(document, () => text(outcome));
  } catch (error) {
    if (error instanceof InterruptedError && directory !== null)
      terminal.note(`a checkpoint is written; go on with: ionclay resume ${here(directory)}`);
    throw error;
  }
}

/** A path as the user would type it. */
const here = (path: string) => relative(process.cwd(), path) || '.';

function text(outcome: RunOutcome): string {
  const directory = here(outcome.directory);
  const first = outcome.finishedBefore
    ? `${directory}: this run is finished, nothing is left to do`
    : outcome.stopped.length > 0
      ? `${directory}: done; ended early by the deviation of the models: ${outcome.stopped.map(({ stage }) => stage).join(', ')}`
      : `${directory}: done, ${outcome.steps} steps`;
  const { analyses = [] } = outcome.results as {
    analyses?: { observable: string; stage: string; result: Record<string, unknown> | null; warnings: string[] }[];
  };
  const results = analyses.flatMap((document) => [
    '',
    `${document.observable} of stage ${document.stage}`,
    ...(document.result === null
      ? document.warnings.map((reason) => `  no result: ${reason}`)
      : resultText({ ...document, result: document.result }, true)
          .split('\n')
          .map((line) => `  ${line}`)),
  ]);
  return [first, ...results, '', `report: ${directory}/report.html`].join('\n');
}
