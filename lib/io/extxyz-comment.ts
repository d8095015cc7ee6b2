/** The second line of an extended XYZ frame: keys and typed values, read and written (structures.md 7.1, 7.4). */
import type { JsonValue, Warning } from '../structure.js';
import { formatError, type Place } from './format-error.js';
import { realFromText, shortest } from './number-text.js';

export interface CommentEntry {
  readonly value: JsonValue;
  /** The text of the value without its quotes, for keys whose unit is shifted in decimal. */
  readonly text: string;
}

const BLANK = /[ \t]/;
const BARE = /^[^\s=",[\]{}\\]+$/;
const INTEGER = /^[+-]?\d+$/;
const TRUE = new Set(['T', 'True', 'true', 'TRUE']);
const FALSE = new Set(['F', 'False', 'false', 'FALSE']);
/** Values that the grammar cannot write (objects, null, strings that look like numbers) are JSON behind this mark, as ASE writes them. */
const JSON_MARK = '_JSON ';

/** Integer, float, logical or string: the first that matches. */
export function typedScalar(text: string): number | boolean | string {
  const number = realFromText(text);
  if (number !== undefined && Number.isFinite(number)) return number;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  return text;
}

/** Whether a comment can be key-value pairs at all: without `Properties` and `Lattice` it is the free text of a plain XYZ file. */
export function looksExtended(comment: string): boolean {
  return /(?:^|[ \t])"?(?:Properties|Lattice)"?[ \t]*=/.test(comment);
}

/** Reads all pairs and flags; throws `E_XYZ_QUOTE`. Duplicate keys: the last wins with a warning. */
export function parseComment(comment: string, place: Place, warnings: Warning[]): Map<string, CommentEntry> {
  const entries = new Map<string, CommentEntry>();
  const scan = new CommentScanner(comment, place, warnings);
  for (;;) {
    scan.skipBlanks();
    if (scan.done) return entries;
    const key = scan.key();
    const mark = scan.position;
    scan.skipBlanks();
    let entry: CommentEntry = { value: true, text: 'T' };
    if (scan.take('=')) {
      scan.skipBlanks();
      entry = scan.value();
    } else {
      scan.position = mark;
    }
    if (entries.has(key)) {
      warnings.push({
        code: 'W_XYZ_DUPLICATE_KEY',
        message: `key "${key}" stands twice, the last value is used`,
        line: place.line,
      });
    }
    entries.set(key, entry);
  }
}

class CommentScanner {
  position = 0;

  constructor(
    private readonly text: string,
    private readonly place: Place,
    private readonly warnings: Warning[],
  ) {}

  get done(): boolean {
    return this.position >= this.text.length;
  }

  skipBlanks(): void {
    while (this.position < this.text.length && BLANK.test(this.text[this.position]!)) this.position++;
  }

  take(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  key(): string {
    return this.text[this.position] === '"' ? this.quoted() : this.bare(/[ \t="[\]{}]/, 'a key');
  }

  value(): CommentEntry {
    const start = this.text[this.position];
    if (start === undefined) throw this.error('a key is followed by "=" and no value');
    if (start === '"') {
      const text = this.quoted();
      return { value: valueOfQuoted(text), text };
    }
    if (start === "'") {
      const end = this.text.indexOf("'", this.position + 1);
      if (end > 0 && (end + 1 === this.text.length || BLANK.test(this.text[end + 1]!))) {
        const text = this.text.slice(this.position + 1, end);
        this.position = end + 1;
        return { value: valueOfQuoted(text), text };
      }
    }
    if (start === '{') {
      const end = this.text.indexOf('}', this.position);
      if (end < 0) throw this.error('"{" is never closed');
      const text = this.text.slice(this.position + 1, end);
      this.position = end + 1;
      return { value: text.trim() === '' ? [] : valueOfQuoted(text), text };
    }
    if (start === '[') {
      const from = this.position;
      const value = this.list();
      return { value, text: this.text.slice(from, this.position) };
    }
    const text = this.bare(/[ \t"[\]{}]/, 'a value');
    if (!BARE.test(text)) {
      this.warnings.push({ code: 'W_XYZ_BARE', message: `"${text}" should stand in quotes`, line: this.place.line });
    }
    return { value: typedScalar(text), text };
  }

  /** `[...]` or `[[...], [...]]`; two levels are the whole grammar, so nothing recurses. */
  private list(): JsonValue {
    this.take('[');
    const rows: JsonValue[][] = [];
    const flat: JsonValue[] = [];
    for (let expectItem = true; ; ) {
      this.skipBlanks();
      if (this.take(']')) return rows.length > 0 ? rows : flat;
      if (!expectItem) {
        if (!this.take(',')) throw this.error('"[" is not closed, or a comma is missing in the list');
        expectItem = true;
        continue;
      }
      if (this.take('[')) rows.push(this.row());
      else flat.push(this.listScalar());
      if (rows.length > 0 && flat.length > 0) throw this.error('a list mixes values and lists');
      expectItem = false;
    }
  }

  private row(): JsonValue[] {
    const row: JsonValue[] = [];
    for (;;) {
      this.skipBlanks();
      if (this.take(']')) return row;
      if (row.length > 0 && !this.take(',')) throw this.error('"[" is not closed, or a comma is missing in the list');
      this.skipBlanks();
      row.push(this.listScalar());
    }
  }

  private listScalar(): JsonValue {
    return this.text[this.position] === '"' ? this.quoted() : typedScalar(this.bare(/[ \t=",[\]{}]/, 'a list item'));
  }

  private bare(end: RegExp, what: string): string {
    const from = this.position;
    while (this.position < this.text.length && !end.test(this.text[this.position]!)) this.position++;
    const next = this.text[this.position];
    if (this.position === from || next === '"' || next === '{' || (next === '}' && what !== 'a list item')) {
      throw this.error(`unbalanced quote or bracket: expected ${what}`);
    }
    if ((next === '[' || next === ']') && what !== 'a list item') throw this.error(`unbalanced bracket after ${what}`);
    return this.text.slice(from, this.position);
  }

  private quoted(): string {
    const from = this.position++;
    let out = '';
    for (; this.position < this.text.length; this.position++) {
      const character = this.text[this.position]!;
      if (character === '"') {
        this.position++;
        return out;
      }
      const next = this.text[this.position + 1];
      if (character === '\\' && (next === '"' || next === '\\' || next === 'n')) {
        out += next === 'n' ? '\n' : next;
        this.position++;
      } else {
        out += character;
      }
    }
    this.position = from;
    throw this.error('a double quote is never closed');
  }

  private error(message: string) {
    return formatError('E_XYZ_QUOTE', this.place, `${message} (column ${this.position + 1} of the comment line)`, {
      text: this.text.slice(Math.max(0, this.position - 20)),
      column: this.position + 1,
      hint: 'values with blanks stand in double quotes, quotes inside them are written \\"',
    });
  }
}

/** An old-style array where every part is a number or every part a logical, a scalar where there is one part, else a string. */
function valueOfQuoted(text: string): JsonValue {
  if (text.startsWith(JSON_MARK)) {
    try {
      return JSON.parse(text.slice(JSON_MARK.length)) as JsonValue;
    } catch {
      return text;
    }
  }
  const parts = text.trim().split(/[ \t\n]+/);
  const typed = parts.map(typedScalar);
  const uniform = typed.every((x) => typeof x === 'number') || typed.every((x) => typeof x === 'boolean');
  if (!uniform) return text;
  return typed.length === 1 ? typed[0]! : typed;
}

/** A key as it stands in the file. */
export function formatKey(key: string): string {
  return BARE.test(key) ? key : quote(key);
}

export function quote(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/**
 * A value as it stands in the file; reading it gives the same value and type.
 * @param dialect `new` writes nested lists, which common readers reject; `old` writes them as JSON behind a mark
 */
export function formatValue(value: JsonValue, dialect: 'old' | 'new' = 'old'): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (typeof value === 'number') return shortest(value);
  if (typeof value === 'string') return formatString(value);
  if (Array.isArray(value)) {
    const items = value as JsonValue[];
    const numbers = items.every((x) => typeof x === 'number');
    const logicals = items.every((x) => typeof x === 'boolean');
    if (items.length > 1 && (numbers || logicals)) return `"${items.map((x) => formatValue(x)).join(' ')}"`;
    if (items.length === 1 && (numbers || logicals)) return `[${formatValue(items[0]!)}]`;
    if (items.length > 0 && items.every((x) => typeof x === 'string'))
      return `[${items.map((x) => listString(x as string)).join(', ')}]`;
    const table = items.every(
      (row) => Array.isArray(row) && row.length > 0 && row.every((x: JsonValue) => typeof x === 'number'),
    );
    if (dialect === 'new' && items.length > 0 && table) {
      return `[${items.map((row) => `[${(row as number[]).map(shortest).join(', ')}]`).join(', ')}]`;
    }
  }
  return quote(JSON_MARK + JSON.stringify(value));
}

function formatString(text: string): string {
  // A string that would come back as a number, a logical or an array cannot be written by the grammar.
  if (typeof valueOfQuoted(text) !== 'string' || text.startsWith(JSON_MARK)) return quote(JSON_MARK + JSON.stringify(text));
  return BARE.test(text) && !text.startsWith("'") ? text : quote(text);
}

const listString = (text: string) => (BARE.test(text) && typeof typedScalar(text) === 'string' ? text : quote(text));

/** Whether a text is a whole number (for counts in the file's header). */
export const isInteger = (text: string) => INTEGER.test(text);
