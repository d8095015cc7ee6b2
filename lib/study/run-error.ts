/** Errors of a study while it runs: the work failed, whatever room says so. */
import { type ErrorDetails, IonclayError } from '../errors.js';

export class RunError extends IonclayError {
  override readonly kind = 'work';
}

const DISK = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

/** The system's code behind an error, through all wrappings. */
function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (code && /^E[A-Z]{2,}$/.test(code) && 'syscall' in at) return code;
  }
  return undefined;
}

/** Any error of the running work as one of exit status 1; `more` is added to its details. */
export function runError(error: unknown, more: Record<string, unknown>, directory: string): IonclayError {
  const code = systemCode(error);
  if (code && DISK.has(code)) {
    const what = code === 'EIO' ? 'the disk reports an error' : 'no space is left on the disk';
    return new RunError('DISK_FULL', `${what}: ${(error as Error).message}`, {
      ...more,
      file: directory,
      hint: `make room, then go on with: ionclay resume ${directory}`,
      cause: error,
    });
  }
  if (!(error instanceof IonclayError))
    return new RunError('INTERNAL', `unexpected error: ${error instanceof Error ? error.message : error}`, {
      ...more,
      cause: error,
    });
  const { details, hint, file, line, column, key, atom } = error;
  const all: ErrorDetails = { ...details, hint, file, line, column, key, atom, ...more, cause: error };
  return new RunError(error.code, error.message, all);
}
