/** `ionclay report <DIR>`: makes report.html anew from what is there. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../command.js';

export function register(program: Command, context: Context): void {
  context.command(program, 'report <directory>', '(re)make report.html from what is there').action(
    context.action(async (session, [directory]) => {
      const { writeReport } = require('../../report/report.js') as typeof import('../../report/report.js');
      await writeReport(directory!);
      const report = join(directory!, 'report.html');
      session.result({ report }, () => report);
    }),
  );
}
