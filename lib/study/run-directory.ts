/**
 * The run directory (interface.md 3.3): it appears under its name by one rename, so that from the first moment it can be resumed. Small
 * files are replaced by rename too: a reader never sees half of one.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IonclayError, StudyError } from '../errors.js';
import { fileError } from '../io/file-errors.js';
import { acquireLock, isZombie, type Lock } from '../io/lock-file.js';
import type { StoppedStage } from './stopped-stages.js';

export type RunState = 'running' | 'done' | 'failed' | 'interrupted';

/** status.json; steps are counted over the whole study. */
export interface RunStatus {
  state: RunState;
  stage: string | null;
  step: number;
  steps: number;
  percent: number;
  steps_per_s: number | null;
  seconds_left: number | null;
  checkpoint_step: number;
  resumed_from_step: number;
  error: unknown;
  /** Stages that the deviation of the models ended, and those that are not run because of that; absent where there are none. */
  stopped?: readonly StoppedStage[];
  skipped?: readonly string[];
}

export const CHECKPOINT = 'checkpoint.ionclay';
const LOCK = 'run.lock';
const LOCK_ATTEMPTS = 5;
/** ms. */
const LOCK_PAUSE = 100;

/** What lies at the path of a run directory. */
export type Found = 'nothing' | 'run' | 'other';

export function look(path: string): Found {
  if (!existsSync(path)) return 'nothing';
  if (!statSync(path).isDirectory()) return 'other';
  const names = readdirSync(path);
  if (names.length === 0) return 'nothing';
  return names.includes('study.yaml') && names.some((name) => name.startsWith(CHECKPOINT)) ? 'run' : 'other';
}

/** The run directory at a path that the user gave, or `NOT_A_RUN`. */
export function openRunDirectory(path: string): RunDirectory {
  if (look(path) === 'run') return new RunDirectory(resolve(path));
  const what = existsSync(path) ? 'this is no run directory (no study.yaml and checkpoint in it)' : 'there is no such directory';
  throw new StudyError('NOT_A_RUN', `${path}: ${what}`, {
    file: path,
    hint: 'give the directory that `ionclay run` wrote, such as runs/<study name>',
  });
}

/**
 * Makes the directory: `fill` writes into a temporary sibling that is then renamed. Nothing is left behind where it fails. Errors
 * `E_FILE_NOT_WRITABLE`, `OUTPUT_EXISTS`.
 */
export async function createRunDirectory(path: string, fill: (temporary: RunDirectory) => Promise<void>): Promise<RunDirectory> {
  const target = resolve(path);
  const temporary = join(dirname(target), `.${basename(target)}.tmp.${process.pid}`);
  const made: string[] = [];
  let filling = false;
  try {
    removeAbandoned(target);
    makeFolders(dirname(target), made);
    mkdirSync(temporary);
    filling = true;
    await fill(new RunDirectory(temporary));
    syncDirectory(temporary);
    renameSync(temporary, target);
    syncDirectory(dirname(target));
    return new RunDirectory(target);
  } catch (error) {
    if (filling) rmSync(temporary, { recursive: true, force: true });
    for (const folder of made.reverse()) removeIfEmpty(folder);
    const { code } = error as NodeJS.ErrnoException;
    if ((code === 'ENOTEMPTY' || code === 'EEXIST') && existsSync(target)) throw occupied(path);
    throw error instanceof IonclayError ? error : fileError(path, error, 'write');
  }
}

export function occupied(path: string): StudyError {
  return new StudyError('OUTPUT_EXISTS', `${path}: something is there already, and it is no run directory`, {
    file: path,
    hint: 'choose another directory with --out',
  });
}

/** One by one and outermost first: on file systems that know no folders (/proc) the recursive call of Node never returns. */
function makeFolders(path: string, made: string[]): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path), made);
  mkdirSync(path);
  made.push(path);
}

/** Folders that were made for a run that is refused go again. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another run has begun to use it.
  }
}

/** Temporary directories of processes that died while they made this one. */
function removeAbandoned(target: string): void {
  if (!existsSync(dirname(target))) return;
  const prefix = `.${basename(target)}.tmp.`;
  for (const name of readdirSync(dirname(target))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : 0;
    if (pid > 0 && !alive(pid)) rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export class RunDirectory {
  constructor(readonly path: string) {}

  at(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  get checkpoint(): string {
    return this.at(CHECKPOINT);
  }

  /** Refuses where another living process runs it (`E_LOCKED`); a process that was just killed gets a moment to be gone. */
  async lock(): Promise<Lock> {
    for (let attempt = 1; ; attempt++) {
      try {
        return acquireLock(this.at(LOCK), `the run directory ${this.path}`);
      } catch (error) {
        if (!(error instanceof IonclayError) || error.code !== 'E_LOCKED' || attempt === LOCK_ATTEMPTS) throw error;
        await sleep(LOCK_PAUSE);
      }
    }
  }

  /** Names in a folder; none where it is not there. */
  list(folder: string): string[] {
    return existsSync(this.at(folder)) ? readdirSync(this.at(folder)).sort() : [];
  }

  remove(name: string): void {
    rmSync(this.at(name), { recursive: true, force: true });
  }

  /** Whether a living process holds the lock; only for showing: to take it, call {@link lock}. */
  isHeld(): boolean {
    const owner = this.readJson<{ process?: number }>(LOCK);
    return typeof owner?.process === 'number' && alive(owner.process);
  }

  /** Replaces a file as a whole. */
  write(name: string, text: string): void {
    const path = this.at(name);
    const temporary = `${path}.tmp`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      const descriptor = openSync(temporary, 'w');
      try {
        writeFileSync(descriptor, text);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw fileError(path, error, 'write');
    }
  }

  writeJson(name: string, document: unknown): void {
    this.write(name, `${JSON.stringify(document, null, 2)}\n`);
  }

  /** Text of a file, or null where it is not there. */
  read(name: string): string | null {
    try {
      return readFileSync(this.at(name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw fileError(this.at(name), error, 'read');
    }
  }

  readJson<T>(name: string): T | null {
    const text = this.read(name);
    if (text === null) return null;
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new StudyError('RUN_DAMAGED', `${this.at(name)}: this is not valid JSON`, { file: this.at(name), cause });
    }
  }

  /** A line of events.log with the clock time. What happened is worth no failure of the run: a full disk is found by others. */
  event(text: string): void {
    try {
      appendFileSync(this.at('events.log'), `${new Date().toISOString()} ${text}\n`);
    } catch {
      // See above.
    }
  }

  /** Not synced: it is rewritten every second and says nothing that the checkpoint does not. */
  writeStatus(status: RunStatus): void {
    const path = this.at('status.json');
    const temporary = `${path}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify(status, null, 2)}\n`);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw fileError(path, error, 'write');
    }
  }
}
