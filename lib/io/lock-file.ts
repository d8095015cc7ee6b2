/** Exclusive lock files: one writer a file. The lock of a process that is gone is taken over. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { StructureError } from '../errors.js';
import { fileError } from './file-errors.js';

/** Locks that this thread holds. */
const held = new Set<string>();

export interface Lock {
  release(): void;
}

/** Creates `path` or throws `E_LOCKED` where a living process holds it. */
export function acquireLock(path: string, what: string): Lock {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const descriptor = openSync(path, 'wx');
      writeSync(descriptor, JSON.stringify({ process: process.pid, started: startOf(process.pid) }));
      closeSync(descriptor);
      held.add(path);
      return {
        release: () => {
          if (held.delete(path)) rmSync(path, { force: true });
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(path, error, 'write');
    }
    const owner = readOwner(path);
    if (owner && isAlive(owner, path)) {
      throw new StructureError('E_LOCKED', `${what} is being written by process ${owner.process}`, {
        file: path,
        hint: `wait for it or stop it; if no such program runs, delete ${path}`,
      });
    }
    rmSync(path, { force: true });
  }
  throw new StructureError('E_LOCKED', `${what} is being written by another process`, { file: path, hint: 'try again' });
}

interface Owner {
  process: number;
  started: string | null;
}

function readOwner(path: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    return Number.isSafeInteger(owner.process) && owner.process > 0 ? owner : null;
  } catch {
    return null;
  }
}

function isAlive(owner: Owner, path: string): boolean {
  if (owner.process === process.pid && owner.started === startOf(process.pid)) return owner.started !== null || held.has(path);
  try {
    process.kill(owner.process, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (isZombie(owner.process)) return false;
  // Process numbers are used again; the start time tells the new owner of the number from the old one.
  const started = startOf(owner.process);
  return owner.started === null || started === null || started === owner.started;
}

/** A process that was killed and that nobody has waited for: it answers signals, but will never write again (Linux). */
export function isZombie(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state === 'Z' || state === 'X';
}

/** Fields of /proc/<pid>/stat from the third on; the second is a name in parentheses that may hold anything. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Start time of a process in clock ticks since the machine started, where the system tells it (Linux). */
function startOf(pid: number): string | null {
  return statFields(pid)?.[19] ?? null;
}
