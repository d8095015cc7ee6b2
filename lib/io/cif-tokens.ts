/**
 * CIF syntax: text to data blocks (structures.md 5.1; CIF 1.1, Hall, Allen and Brown, Acta Cryst. A47 (1991) 655, and the parts of
 * CIF 2.0 that programs write). One pass over the text, no recursion, no regular expression with more than linear cost.
 */
import { type ErrorDetails, StructureError } from '../errors.js';

/** One value with the line it stands on. */
export interface CifValue {
  readonly text: string;
  /** A bare word: only these can be `.` or `?`. */
  readonly bare: boolean;
  /** A list or a table of CIF 2.0, kept as text. */
  readonly compound: boolean;
  /** 1-based. */
  readonly line: number;
}

export interface CifLoop {
  readonly line: number;
  /** Normalised names, see `normalisedName`. */
  readonly names: readonly string[];
  /** Row by row. */
  readonly values: readonly CifValue[];
}

export interface CifBlock {
  readonly name: string;
  readonly line: number;
  /** Single items by normalised name. */
  readonly items: ReadonlyMap<string, CifValue>;
  readonly loops: readonly CifLoop[];
}

/** Lower case, and the dotted spelling of the newer dictionaries made equal to the old one (`_cell.length_a`, `_cell_length_a`). */
export function normalisedName(name: string): string {
  return name.toLowerCase().replaceAll('.', '_');
}

/** Where a file is being read: makes errors that name file, line and the offending text. */
export interface CifPlace {
  readonly file?: string;
}

export function cifError(
  place: CifPlace,
  code: string,
  line: number | undefined,
  message: string,
  details: ErrorDetails = {},
): StructureError {
  const where = `${place.file ?? 'CIF'}${line === undefined ? '' : `:${line}`}: `;
  return new StructureError(code, where + message, { file: place.file, line, ...details });
}

/** Offending text as it is quoted in messages: at most 80 characters. */
export function excerpt(text: string): string {
  const flat = text.replace(/\s+/g, ' ');
  return JSON.stringify(flat.length > 80 ? `${flat.slice(0, 77)}...` : flat);
}

type Token =
  | { kind: 'data'; text: string; line: number }
  | { kind: 'loop'; line: number }
  | { kind: 'name'; text: string; line: number }
  | { kind: 'value'; value: CifValue; line: number };

const BLANK = /[ \t\n]/;

/** The tokens of a text, comments and blanks left out. */
class Lexer {
  private position = 0;
  private line = 1;
  private readonly text: string;
  private readonly version2: boolean;

  constructor(
    text: string,
    private readonly place: CifPlace,
  ) {
    const unmarked = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    this.text = unmarked.includes('\r') ? unmarked.replace(/\r\n?/g, '\n') : unmarked;
    this.version2 = /^#\\#CIF_2\.\d/.test(this.text);
    for (let i = 0, line = 1; i < this.text.length; i++) {
      const code = this.text.charCodeAt(i);
      if (code === 10) line++;
      else if ((code < 32 && code !== 9) || code === 127) {
        throw cifError(place, 'E_CIF_SYNTAX', line, `control character (code ${code}) in the text`, {
          hint: 'is this a text file?',
        });
      }
    }
  }

  next(): Token | null {
    const { text } = this;
    for (;;) {
      const c = text[this.position];
      if (c === undefined) return null;
      if (c === '\n') this.line++;
      else if (c === '#') {
        const end = text.indexOf('\n', this.position);
        this.position = end < 0 ? text.length : end;
        continue;
      } else if (c !== ' ' && c !== '\t') break;
      this.position++;
    }
    const line = this.line;
    const first = text[this.position]!;
    if (first === ';' && (this.position === 0 || text[this.position - 1] === '\n')) return this.textField();
    if (this.version2 && (text.startsWith("'''", this.position) || text.startsWith('"""', this.position)))
      return this.tripleQuoted();
    if (first === "'" || first === '"') return this.quoted(first);
    if (this.version2 && (first === '[' || first === '{')) return this.compound();
    return this.word(line);
  }

  private value(text: string, line: number, kind: 'bare' | 'quoted' | 'compound'): Token {
    return { kind: 'value', line, value: { text, line, bare: kind === 'bare', compound: kind === 'compound' } };
  }

  private syntax(line: number, message: string, hint?: string): StructureError {
    return cifError(this.place, 'E_CIF_SYNTAX', line, message, { hint });
  }

  private textField(): Token {
    const start = this.position + 1;
    const opened = this.line;
    const end = this.text.indexOf('\n;', this.position);
    if (end < 0) {
      throw this.syntax(
        opened,
        'the text field that opens here is never closed',
        'a line that begins with a semicolon closes it',
      );
    }
    const content = this.text.slice(start, end);
    this.advance(end + 2);
    return this.value(content, opened, 'quoted');
  }

  private tripleQuoted(): Token {
    const mark = this.text.slice(this.position, this.position + 3);
    const opened = this.line;
    const end = this.text.indexOf(mark, this.position + 3);
    if (end < 0) throw this.syntax(opened, `the value that opens with ${mark} here is never closed`);
    const content = this.text.slice(this.position + 3, end);
    this.advance(end + 3);
    return this.value(content, opened, 'quoted');
  }

  private quoted(mark: string): Token {
    const { text, line } = this;
    for (let i = this.position + 1; ; i++) {
      const c = text[i];
      if (c === undefined || c === '\n') {
        throw this.syntax(
          line,
          `unclosed ${mark} in ${excerpt(text.slice(this.position, i))}`,
          'a quoted value ends on its own line',
        );
      }
      // The mark closes only before a blank or a line end: 'a dog's life' is one value.
      if (c === mark && (text[i + 1] === undefined || BLANK.test(text[i + 1]!))) {
        const content = text.slice(this.position + 1, i);
        this.position = i + 1;
        return this.value(content, line, 'quoted');
      }
    }
  }

  /** A list or table of CIF 2.0: skipped as one value, by counting brackets. */
  private compound(): Token {
    const { text } = this;
    const start = this.position;
    const opened = this.line;
    let depth = 0;
    let i = start;
    while (i < text.length) {
      const c = text[i]!;
      if (c === '[' || c === '{') depth++;
      else if (c === ']' || c === '}') depth--;
      else if (c === "'" || c === '"') {
        const mark = text.startsWith(c.repeat(3), i) ? c.repeat(3) : c;
        const end = text.indexOf(mark, i + mark.length);
        if (end < 0) break;
        i = end + mark.length - 1;
      } else if (c === '#' && BLANK.test(text[i - 1]!)) {
        const end = text.indexOf('\n', i);
        if (end < 0) break;
        i = end;
      }
      i++;
      if (depth === 0) {
        this.advance(i);
        return this.value(text.slice(start, i), opened, 'compound');
      }
    }
    throw this.syntax(opened, `the ${text[start] === '[' ? 'list' : 'table'} that opens here is never closed`);
  }

  private word(line: number): Token {
    const { text } = this;
    let end = this.position + 1;
    while (end < text.length && !BLANK.test(text[end]!)) end++;
    const word = text.slice(this.position, end);
    this.position = end;
    for (let i = 0; i < word.length; i++) {
      if (word.charCodeAt(i) > 126)
        throw this.syntax(line, `${excerpt(word)}: only quoted text may hold characters outside ASCII`);
    }
    const lower = word.toLowerCase();
    if (lower.startsWith('_')) {
      if (word.length === 1) throw this.syntax(line, 'an underscore alone is not a name');
      return { kind: 'name', text: word, line };
    }
    if (lower.startsWith('data_')) return { kind: 'data', text: word.slice(5), line };
    if (lower === 'loop_') return { kind: 'loop', line };
    if (lower.startsWith('save_') || lower === 'global_' || lower === 'stop_') {
      throw cifError(
        this.place,
        'E_CIF_UNSUPPORTED',
        line,
        `"${word}" belongs to dictionaries and STAR files, not to a crystal structure`,
        {
          hint: 'give a plain CIF with data_ blocks',
        },
      );
    }
    return this.value(word, line, 'bare');
  }

  /** Moves to an offset and counts the lines on the way. */
  private advance(to: number): void {
    for (let i = this.text.indexOf('\n', this.position); i >= 0 && i < to; i = this.text.indexOf('\n', i + 1)) this.line++;
    this.position = to;
  }
}

/**
 * All data blocks of a CIF. Errors: `E_EMPTY` (nothing but blanks and comments), `E_CIF_SYNTAX`, `E_CIF_LOOP_SHAPE`,
 * `E_CIF_UNSUPPORTED` (save frames), each with its line.
 */
export function parseCifBlocks(text: string, place: CifPlace = {}): CifBlock[] {
  const lexer = new Lexer(text, place);
  const blocks: CifBlock[] = [];
  let current: { items: Map<string, CifValue>; loops: CifLoop[]; seen: Set<string> } | null = null;
  let token = lexer.next();
  if (!token) throw cifError(place, 'E_EMPTY', undefined, 'the file holds no data', { hint: 'a CIF begins with data_NAME' });
  const register = (name: string, line: number): string => {
    const plain = name.toLowerCase();
    if (current!.seen.has(plain))
      throw cifError(place, 'E_CIF_SYNTAX', line, `the name ${excerpt(name)} is given twice in this block`);
    current!.seen.add(plain);
    return normalisedName(name);
  };
  while (token) {
    if (token.kind === 'data') {
      current = { items: new Map(), loops: [], seen: new Set() };
      blocks.push({ name: token.text, line: token.line, items: current.items, loops: current.loops });
      token = lexer.next();
      continue;
    }
    if (!current) {
      const what = token.kind === 'value' ? excerpt(token.value.text) : token.kind === 'name' ? token.text : 'loop_';
      throw cifError(place, 'E_CIF_SYNTAX', token.line, `expected data_NAME before anything else, found ${what}`);
    }
    if (token.kind === 'value') {
      throw cifError(place, 'E_CIF_SYNTAX', token.line, `the value ${excerpt(token.value.text)} has no name`, {
        hint: 'values that contain blanks need quotes',
      });
    }
    if (token.kind === 'name') {
      const name = register(token.text, token.line);
      const value = lexer.next();
      if (value?.kind !== 'value')
        throw cifError(place, 'E_CIF_SYNTAX', token.line, `the name ${excerpt(token.text)} has no value`);
      // Two spellings of one name may stand together; the first one counts.
      if (!current.items.has(name)) current.items.set(name, value.value);
      token = lexer.next();
      continue;
    }
    const line = token.line;
    const names: string[] = [];
    token = lexer.next();
    while (token?.kind === 'name') {
      names.push(register(token.text, token.line));
      token = lexer.next();
    }
    if (names.length === 0) throw cifError(place, 'E_CIF_SYNTAX', line, 'loop_ without a name');
    const values: CifValue[] = [];
    while (token?.kind === 'value') {
      values.push(token.value);
      token = lexer.next();
    }
    if (values.length % names.length !== 0) {
      throw cifError(
        place,
        'E_CIF_LOOP_SHAPE',
        line,
        `this loop has ${names.length} names and ${values.length} values, which fill no whole number of rows`,
        {
          hint: 'a value is missing or too many, or a value with blanks is not quoted',
        },
      );
    }
    current.loops.push({ line, names, values });
  }
  return blocks;
}

/** The value of the first of these (normalised) names that is there and not `?` or `.`. */
export function cifItem(block: CifBlock, ...names: string[]): CifValue | undefined {
  for (const name of names) {
    const value = cifColumn(block, name)?.[0];
    if (value && !isUnknown(value)) return value;
  }
  return undefined;
}

/** All values of a name, whether it stands in a loop or alone (a table of one row). */
export function cifColumn(block: CifBlock, name: string): CifValue[] | undefined {
  const single = block.items.get(name);
  if (single) return [single];
  for (const loop of block.loops) {
    const at = loop.names.indexOf(name);
    if (at < 0) continue;
    const out: CifValue[] = [];
    for (let i = at; i < loop.values.length; i += loop.names.length) out.push(loop.values[i]!);
    return out;
  }
  return undefined;
}

/** Unquoted `.` (not applicable) or `?` (unknown). */
export function isUnknown(value: CifValue): boolean {
  return value.bare && (value.text === '.' || value.text === '?');
}

const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\((\d+)\))?$/;

/** Number and its standard uncertainty in units of the last digit, kept apart; throws `E_NUMBER`. */
export function cifNumber(value: CifValue, name: string, place: CifPlace): number {
  if (value.compound) throw compoundError(value, name, place);
  const match = NUMBER.exec(value.text);
  const number = match ? Number(match[1]) : Number.NaN;
  if (!Number.isFinite(number)) {
    throw cifError(place, 'E_NUMBER', value.line, `${name}: expected a number such as 5.0842(3), found ${excerpt(value.text)}`);
  }
  return number;
}

/** Text of a value that must not be a list or a table. */
export function cifText(value: CifValue, name: string, place: CifPlace): string {
  if (value.compound) throw compoundError(value, name, place);
  return value.text;
}

function compoundError(value: CifValue, name: string, place: CifPlace): StructureError {
  return cifError(place, 'E_CIF_UNSUPPORTED', value.line, `${name}: lists and tables of CIF 2.0 are not read here`);
}
