/** `ionclay status <DIR>`: where a run is and how long it will take. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Context } from '../command.js';
import { progressText, statusText } from '../study-text.js';

const WATCH_INTERVAL = 1000;

export function register(program: Command, context: Context): void {
  context
    .command(program, 'status <directory>', 'where a run is, how long it will take')
    .option('--watch', 'follow the run until it ends')
    .action(
      context.action<{ watch?: boolean }>(async (session, [directory], { watch }) => {
        const { studyStatus } = require('../../report/run-study.js') as typeof import('../../report/run-study.js');
        let status = studyStatus(directory!);
        while (watch && status.state === 'running') {
          const { stage, step, steps, steps_per_s: stepsPerSecond, seconds_left: secondsLeft } = status;
          session.terminal.progress(() => progressText({ stage: stage ?? '', step, steps, stepsPerSecond, secondsLeft }));
          await sleep(WATCH_INTERVAL, undefined, { signal: session.signal }).catch(() => {
            throw session.signal.reason;
          });
          status = studyStatus(directory!);
        }
        session.result(status, () => statusText(directory!, status));
      }),
    );
}
