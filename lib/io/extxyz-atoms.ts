/** The atom lines of an extended XYZ frame: columns of numbers and text, and the structure that they make (structures.md 7.2). */
import { determinant } from '../cell.js';
import { SYMBOLS } from '../elements.js';
import { makeStructure, negatedCell, type Structure, type Tag, type Warning } from '../structure.js';
import { ASE_VELOCITY, type Column, type VelocityUnit } from './extxyz-columns.js';
import type { FrameHeader } from './extxyz-header.js';
import { type Cursor, NEWLINE, skipBlankLines, truncated } from './extxyz-lines.js';
import { formatError } from './format-error.js';
import { parseInteger, parseReal } from './number-text.js';

/** Atomic number by the one or two letters of a symbol: first byte + 256 x second byte. */
const SYMBOL_CODES = new Uint8Array(65536);
for (let z = 1; z < SYMBOLS.length; z++) {
  const symbol = SYMBOLS[z]!;
  SYMBOL_CODES[symbol.charCodeAt(0) + 256 * (symbol.length > 1 ? symbol.charCodeAt(1) : 0)] = z;
}

type Kind = 'species' | 'real' | 'integer' | 'logical' | 'text';

/** A column while it is read: numbers go to `numbers`, text to `strings`. */
interface Target {
  readonly column: Column;
  readonly kind: Kind;
  readonly shift: number;
  readonly numbers: Float64Array;
  readonly strings: string[];
}

export interface AtomTableOptions {
  file?: string;
  velocityUnit?: VelocityUnit;
  fixHandedness?: boolean;
}

/** Storage for the atoms of one frame. */
export class AtomTable {
  private readonly species: Uint8Array;
  private readonly targets: Target[];
  private readonly width: number;

  constructor(
    private readonly count: number,
    private readonly header: FrameHeader,
    private readonly options: AtomTableOptions,
  ) {
    this.species = new Uint8Array(count);
    // A/ps in the file is A/fs times 1000: a shift of the decimal point.
    const velocityShift = (options.velocityUnit ?? 'A/ps') === 'A/ps' ? -3 : 0;
    this.targets = header.columns.map((column) => {
      const kind: Kind =
        column.role === 'species'
          ? 'species'
          : column.type === 'R'
            ? 'real'
            : column.type === 'I'
              ? 'integer'
              : column.type === 'L'
                ? 'logical'
                : 'text';
      return {
        column,
        kind,
        shift: column.role === 'velocities' ? velocityShift : 0,
        numbers: new Float64Array(kind === 'text' || kind === 'species' ? 0 : count * column.width),
        strings: [],
      };
    });
    this.width = header.columns.reduce((sum, column) => sum + column.width, 0);
  }

  read(bytes: Buffer, from: Cursor): Cursor {
    const { count, width, targets } = this;
    const { plain } = this.header;
    // Limits of the tokens of one line; a line with more tokens is an error, but for plain XYZ.
    const starts = new Uint32Array(width);
    const ends = new Uint32Array(width);
    let { offset } = from;
    for (let atom = 0; atom < count; atom++) {
      let p = offset;
      let tokens = 0;
      for (;;) {
        let byte = bytes[p]!;
        while (byte === 32 || byte === 9 || byte === 13) byte = bytes[++p]!;
        if (p >= bytes.length || byte === NEWLINE) break;
        if (tokens < width) starts[tokens] = p;
        while (p < bytes.length && byte !== NEWLINE && byte !== 32 && byte !== 9 && byte !== 13) byte = bytes[++p]!;
        if (tokens < width) ends[tokens] = p;
        tokens++;
      }
      if (tokens !== width && !(plain && tokens > width))
        throw this.columnError(bytes, offset, p, from.line + atom, atom, tokens);
      for (let t = 0, token = 0; t < targets.length; t++) {
        const target = targets[t]!;
        const columns = target.column.width;
        for (let k = 0; k < columns; k++, token++) {
          const start = starts[token]!;
          const end = ends[token]!;
          if (target.kind === 'real') {
            const value = parseReal(bytes, start, end, target.shift);
            // Not a number, or an infinity.
            if (!(value - value === 0)) throw this.tokenError(bytes, start, end, from.line + atom, atom, target);
            target.numbers[atom * columns + k] = value;
          } else if (target.kind === 'species') {
            this.species[atom] = this.readSpecies(bytes, start, end, from.line + atom, atom);
          } else if (target.kind === 'text') {
            target.strings.push(bytes.toString('utf8', start, end));
          } else {
            const value = target.kind === 'integer' ? parseInteger(bytes, start, end) : logical(bytes, start, end);
            if (!(value - value === 0)) throw this.tokenError(bytes, start, end, from.line + atom, atom, target);
            target.numbers[atom * columns + k] = value;
          }
        }
      }
      offset = p + 1;
    }
    return { offset: Math.min(offset, bytes.length), line: from.line + count };
  }

  private readSpecies(bytes: Buffer, start: number, end: number, line: number, atom: number): number {
    const length = end - start;
    const code = length === 1 ? bytes[start]! : length === 2 ? bytes[start]! + 256 * bytes[start + 1]! : 0;
    let number = SYMBOL_CODES[code]!;
    if (number === 0 && this.header.plain) {
      const value = parseInteger(bytes, start, end);
      if (value >= 1 && value < SYMBOLS.length) number = value;
    }
    if (number === 0) {
      throw formatError('E_XYZ_SPECIES', { file: this.options.file, line }, `atom ${atom}: expected the symbol of an element`, {
        text: bytes.toString('utf8', start, end),
        atom,
      });
    }
    return number;
  }

  private columnError(bytes: Buffer, start: number, end: number, line: number, atom: number, tokens: number) {
    const { file } = this.options;
    if (tokens === 0 && skipBlankLines(bytes, { offset: Math.min(start, bytes.length), line }).offset >= bytes.length) {
      return truncated(file, line, this.count, atom, 'atom line');
    }
    return formatError('E_XYZ_COLUMNS', { file, line }, `atom ${atom}: expected ${this.width} columns, found ${tokens}`, {
      text: bytes.toString('utf8', start, Math.min(end, start + 400)),
      atom,
      hint: this.header.plain
        ? 'an atom line is: symbol x y z'
        : `Properties declares ${this.header.columns.map((c) => `${c.name} (${c.width})`).join(', ')}`,
    });
  }

  private tokenError(bytes: Buffer, start: number, end: number, line: number, atom: number, target: Target) {
    const expected = target.kind === 'real' ? 'a finite number' : target.kind === 'integer' ? 'an integer' : 'a logical (T or F)';
    return formatError(
      'E_NUMBER',
      { file: this.options.file, line },
      `atom ${atom}, column "${target.column.name}": expected ${expected}`,
      {
        text: bytes.toString('utf8', start, Math.min(end, start + 400)),
        atom,
      },
    );
  }

  finish(place: { file?: string; line: number }, warnings: Warning[]): Structure {
    const { header, count, options } = this;
    let positions: Float64Array = new Float64Array(0);
    let velocities: Float64Array | undefined;
    let momenta: Float64Array | undefined;
    let forces: Float64Array | undefined;
    let masses: Float64Array | undefined;
    let charges: Float64Array | undefined;
    let ids: Uint32Array | undefined;
    let images: Int32Array | undefined;
    const tags: Record<string, Tag> = Object.create(null);
    const hasSpecies = this.targets.some((target) => target.kind === 'species');
    for (const target of this.targets) {
      const { column, numbers } = target;
      switch (column.role) {
        case 'species':
          break;
        case 'numbers':
          this.takeNumbers(numbers, hasSpecies, place.line);
          break;
        case 'positions':
          positions = numbers;
          break;
        case 'forces':
          forces = numbers;
          break;
        case 'velocities':
          velocities = (options.velocityUnit ?? 'A/ps') === 'ase' ? numbers.map((v) => v * ASE_VELOCITY) : numbers;
          break;
        case 'momenta':
          momenta = numbers;
          break;
        case 'masses':
          masses = numbers;
          break;
        case 'charges':
          charges = numbers;
          break;
        case 'ids':
          if (new Set(numbers).size === count && numbers.every((id) => id >= 1 && id <= 0xffffffff)) {
            ids = Uint32Array.from(numbers);
          } else {
            warnings.push({
              code: 'W_XYZ_IDS',
              message: 'column "id" is not a set of unique positive numbers: kept as the tag "id"',
              line: place.line,
            });
            tags.id = integers(numbers);
          }
          break;
        case 'images':
          images = Int32Array.from(numbers);
          break;
        case 'fixed':
          tags.fixed = Int32Array.from(numbers);
          break;
        case 'move':
          tags.fixed = fixedBits(numbers, column.width, count);
          break;
        case 'tag':
          tags[column.tag] = column.type === 'S' ? target.strings : column.type === 'R' ? numbers : integers(numbers);
          break;
      }
    }
    if (momenta && !velocities) {
      if (!masses)
        throw formatError('E_XYZ_PROPERTIES', place, 'momenta need a masses column', {
          hint: 'write masses:R:1, or velocities instead of momenta',
        });
      // p/m is in A sqrt(eV/u)/A, whose unit of time is A sqrt(u/eV).
      const m = masses;
      velocities = momenta.map((p, i) => (p / m[Math.floor(i / 3)]!) * ASE_VELOCITY);
    }
    const input = { species: this.species, positions, pbc: header.pbc, origin: header.origin, info: header.info, tags, warnings };
    let { cell } = header;
    if (cell && options.fixHandedness && determinant(cell) < 0) {
      cell = negatedCell(cell);
      images = images?.map((n) => -n || 0);
      warnings.push({
        code: 'W_CELL_NEGATED',
        message: 'the cell was left-handed: all three vectors are negated (same lattice, same positions)',
        line: place.line,
      });
    }
    const optional = Object.fromEntries(
      Object.entries({ velocities, forces, masses, charges, ids, images }).filter(([, value]) => value !== undefined),
    );
    return makeStructure({ ...input, ...optional, cell }, place);
  }

  private takeNumbers(numbers: Float64Array, hasSpecies: boolean, commentLine: number): void {
    for (let atom = 0; atom < this.count; atom++) {
      const z = numbers[atom]!;
      const place = { file: this.options.file, line: commentLine + 1 + atom };
      if (!(z >= 1 && z < SYMBOLS.length))
        throw formatError('E_XYZ_SPECIES', place, `atom ${atom}: ${z} is not an atomic number`, { atom });
      if (hasSpecies && this.species[atom] !== z) {
        const symbol = SYMBOLS[this.species[atom]!]!;
        throw formatError(
          'E_XYZ_SPECIES',
          place,
          `atom ${atom}: species ${symbol} (Z = ${this.species[atom]}) and Z = ${z} disagree`,
          { atom },
        );
      }
      this.species[atom] = z;
    }
  }
}

/** 32-bit integers where all fit, else doubles (step counters and hashes of other programs). */
function integers(numbers: Float64Array): Int32Array | Float64Array {
  const fits = numbers.every((x) => x >= -2147483648 && x <= 2147483647);
  return fits ? Int32Array.from(numbers) : numbers;
}

/** `move_mask` says what may move, the tag `fixed` what may not: bits x 1, y 2, z 4. */
function fixedBits(moves: Float64Array, width: number, count: number): Int32Array {
  const bits = new Int32Array(count);
  for (let atom = 0; atom < count; atom++) {
    for (let k = 0; k < 3; k++) {
      if (moves[atom * width + (width === 3 ? k : 0)] === 0) bits[atom]! |= 1 << k;
    }
  }
  return bits;
}

function logical(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString('latin1', start, end);
  if (text === 'T' || text === 'True' || text === 'true' || text === 'TRUE') return 1;
  if (text === 'F' || text === 'False' || text === 'false' || text === 'FALSE') return 0;
  return Number.NaN;
}
