/** Runs the command line in this process and keeps what it printed. */
import type { Register } from '../../lib/cli/command.js';
import { main } from '../../lib/cli/main.js';
import type { Io } from '../../lib/cli/terminal.js';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface Setting {
  signal?: AbortSignal;
  env?: Record<string, string>;
  isTTY?: boolean;
  commands?: readonly Register[];
}

export async function ionclay(argv: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text), isTTY: setting.isTTY ?? false, columns: 100 },
    env: setting.env ?? {},
    signal: setting.signal ?? new AbortController().signal,
  };
  const status = await (setting.commands ? main(argv, io, setting.commands) : main(argv, io));
  return { status, stdout: out.join(''), stderr: err.join('') };
}
