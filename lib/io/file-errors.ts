/** What the file system refuses, said with the file's name and what to do. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { IonclayError, StructureError } from '../errors.js';

/** Errors of the operating system as `StructureError`; errors of the package pass through. */
export function fileError(path: string, error: unknown, action: 'read' | 'write' = 'read'): unknown {
  if (error instanceof IonclayError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === undefined) return error;
  const make = (name: string, message: string, hint: string) =>
    new StructureError(name, `${path}: ${message}`, { file: path, hint, cause: error });
  switch (code) {
    case 'ENOENT':
      return action === 'read'
        ? make('E_FILE_NOT_FOUND', 'no such file', 'check the path; it is taken relative to the working directory')
        : existsSync(dirname(path))
          ? make('E_FILE_NOT_WRITABLE', 'no file can be made in this folder', 'write to another folder')
          : make('E_FILE_NOT_WRITABLE', 'the folder does not exist', 'make the folder first');
    case 'EISDIR':
      return make('E_FILE_IS_DIRECTORY', 'this is a folder, a file was expected', 'give the path of a file in it');
    case 'ENOTDIR':
      return make('E_FILE_NOT_FOUND', 'a part of the path is a file, not a folder', 'check the path');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return make(
        action === 'read' ? 'E_FILE_NOT_READABLE' : 'E_FILE_NOT_WRITABLE',
        `permission to ${action} is refused`,
        `check the rights of the file and its folder`,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return make('E_FILE_NOT_WRITABLE', 'the disk is full', 'make room, or write to another disk');
    default:
      return make(
        action === 'read' ? 'E_FILE_NOT_READABLE' : 'E_FILE_NOT_WRITABLE',
        `cannot ${action}: ${(error as Error).message}`,
        'see the system error',
      );
  }
}
