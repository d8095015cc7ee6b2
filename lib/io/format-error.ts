/** Errors of the readers: file name, 1-based line, what was expected, and the offending text cut to 80 characters (structures.md 2). */
import { type ErrorDetails, StructureError } from '../errors.js';

/** Where a reader is. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
}

export interface FormatErrorDetails extends ErrorDetails {
  /** The offending text; cut to 80 characters in the message. */
  text?: string;
}

/** `file:line: message, got "text"`. */
export function formatError(code: string, place: Place, message: string, details: FormatErrorDetails = {}): StructureError {
  const { text, ...rest } = details;
  const at = place.file ? `${place.file}${place.line ? `:${place.line}` : ''}: ` : place.line ? `line ${place.line}: ` : '';
  const got = text === undefined ? '' : `, got "${cut(text)}"`;
  return new StructureError(code, at + message + got, { file: place.file, line: place.line, ...rest });
}

function cut(text: string): string {
  const clean = text.replace(/[\r\n]+$/, '');
  return clean.length > 80 ? `${clean.slice(0, 77)}...` : clean;
}
