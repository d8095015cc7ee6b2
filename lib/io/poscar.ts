/** POSCAR and CONTCAR, read (structures.md 6). Written by poscar-format.ts. */
import { determinant, timesMatrix, type Vec3 } from '../cell.js';
import { atomicNumber } from '../elements.js';
import { makeStructure, negatedCell, type Structure, type Tag, type Warning } from '../structure.js';
import { formatError, type Place } from './format-error.js';
import { realFromText } from './number-text.js';

export { formatPoscar, type PoscarFormatOptions } from './poscar-format.js';

export interface PoscarOptions {
  /** Name for messages. */
  file?: string;
  /** Element of each count of a VASP 4 file, which has no line of names. */
  species?: readonly string[];
  /** Negate the vectors of a left-handed cell (same lattice, same positions) instead of refusing it. */
  fixHandedness?: boolean;
}

/** Throws `StructureError` (`E_POSCAR_...`, `E_NUMBER`, `E_CELL_...`, `E_EMPTY`) with file and line. */
export function parsePoscar(text: string, options: PoscarOptions = {}): Structure {
  return new PoscarReader(text, options).read();
}

class PoscarReader {
  private readonly lines: string[];
  private readonly warnings: Warning[] = [];
  /** Index of the next line to read. */
  private next = 0;

  constructor(
    text: string,
    private readonly options: PoscarOptions,
  ) {
    const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
    while (lines.length > 0 && lines.at(-1)!.trim() === '') lines.pop();
    this.lines = lines;
    if (lines.length === 0) throw formatError('E_EMPTY', { file: options.file }, 'the file is empty');
  }

  read(): Structure {
    const comment = this.take('the comment line').trim();
    const scale = this.readScale();
    const rows = [1, 2, 3].map((k) => this.readVector(`cell vector ${k}`));
    const { cell, factors } = this.scaledCell(rows, scale);
    const species = this.readSpecies(comment);
    const count = species.length;
    let mode = this.take('the line with "Direct" or "Cartesian"').trim();
    const selective = /^s/i.test(mode);
    if (selective) mode = this.take('the line with "Direct" or "Cartesian"').trim();
    if (!/^[dck]/i.test(mode)) {
      throw this.error('E_POSCAR_MODE', 'expected "Direct" or "Cartesian" (or "Selective dynamics" before it)', mode);
    }
    const direct = /^d/i.test(mode);
    const { positions, fixed } = this.readCoordinates(count, direct, selective, cell, factors);
    const velocities = this.readVelocities(count);
    if (this.next < this.lines.length) {
      this.warnings.push({
        code: 'W_POSCAR_TAIL',
        message: 'what follows the coordinates and velocities is not read',
        line: this.next + 1,
      });
    }
    const tags: Record<string, Tag> = fixed ? { fixed } : {};
    const leftHanded = determinant(cell) < 0;
    if (leftHanded && this.options.fixHandedness) {
      this.warnings.push({
        code: 'W_CELL_NEGATED',
        message: 'the cell was left-handed: all three vectors are negated (same lattice, same positions)',
        line: 3,
      });
    }
    return makeStructure(
      {
        cell: leftHanded && this.options.fixHandedness ? negatedCell(cell) : cell,
        species,
        positions,
        ...(velocities ? { velocities } : {}),
        tags,
        info: comment === '' ? {} : { comment },
        warnings: this.warnings,
      },
      { file: this.options.file, line: 3 },
    );
  }

  private readScale(): number[] {
    const text = this.take('the scale factor');
    const numbers: number[] = [];
    for (const token of text.trim().split(/\s+/)) {
      const value = realFromText(token);
      if (value === undefined) break;
      numbers.push(value);
    }
    const single = numbers.length === 1 && numbers[0] !== 0;
    const triple = numbers.length === 3 && numbers.every((x) => x > 0);
    if (!(single || triple) || numbers.some((x) => !Number.isFinite(x))) {
      throw this.error('E_POSCAR_SCALE', 'expected one scale factor, a negative target volume, or three positive factors', text);
    }
    return numbers;
  }

  private scaledCell(rows: Vec3[], scale: number[]): { cell: Float64Array; factors: Vec3 } {
    const raw = Float64Array.from(rows.flat());
    this.checkVectors(raw);
    // A negative scale is the volume wanted.
    const one = scale[0]! > 0 ? scale[0]! : Math.cbrt(-scale[0]! / Math.abs(determinant(raw)));
    const factors: Vec3 = scale.length === 3 ? [scale[0]!, scale[1]!, scale[2]!] : [one, one, one];
    return { cell: raw.map((x, i) => x * factors[i % 3]!), factors };
  }

  /** Names the first vector that lies in the span of those before it. */
  private checkVectors(h: Float64Array): void {
    const length = (k: number) => Math.hypot(h[3 * k]!, h[3 * k + 1]!, h[3 * k + 2]!);
    const normal = [h[1]! * h[5]! - h[2]! * h[4]!, h[2]! * h[3]! - h[0]! * h[5]!, h[0]! * h[4]! - h[1]! * h[3]!] as Vec3;
    const area = Math.hypot(...normal);
    const height = Math.abs(normal[0] * h[6]! + normal[1] * h[7]! + normal[2] * h[8]!);
    // Relative to the lengths, because the scale factor is not applied yet.
    const line = length(0) === 0 ? 3 : !(area > 1e-10 * length(0) * length(1)) ? 4 : !(height > 1e-10 * area * length(2)) ? 5 : 0;
    if (line === 0) return;
    throw formatError('E_CELL_INVALID', { file: this.options.file, line }, 'the cell vectors span no volume', {
      text: this.lines[line - 1],
    });
  }

  private readSpecies(comment: string): Uint8Array {
    const first = this.take('the element symbols or the counts');
    const tokens = this.tokens(first);
    let names: number[] | null = null;
    let namesLine = 6;
    let countText = first;
    if (!/^\d/.test(tokens[0] ?? '')) {
      names = tokens.map((token) => this.element(token));
      if (names.length === 0) throw this.error('E_POSCAR_SPECIES', 'expected element symbols or counts', first);
      countText = this.take('the number of atoms of each species');
    }
    const counts = this.tokens(countText).map((token) => (/^\d+$/.test(token) ? Number(token) : 0));
    if (counts.length === 0 || counts.some((n) => !(n >= 1 && Number.isSafeInteger(n)))) {
      throw this.error('E_POSCAR_COUNTS', 'expected the number of atoms of each species, positive integers', countText);
    }
    if (!names) {
      namesLine = 1;
      names = this.namesOfVasp4(comment, counts.length, countText);
    }
    if (names.length !== counts.length) {
      throw this.error('E_POSCAR_COUNTS', `${names.length} species on line ${namesLine}, but ${counts.length} counts`, countText);
    }
    const total = counts.reduce((sum, n) => sum + n, 0);
    // Every atom has a line; refuse before anything is allocated from an unchecked number.
    if (total > this.lines.length - this.next) {
      if (this.next >= this.lines.length || /^\s*[dcks]/i.test(this.lines[this.next]!))
        throw this.truncated(`${total} coordinate lines`);
      throw this.error(
        'E_POSCAR_MODE',
        'expected "Direct" or "Cartesian" (or "Selective dynamics" before it)',
        this.lines[this.next]!,
        this.next + 1,
      );
    }
    const species = new Uint8Array(total);
    let at = 0;
    counts.forEach((n, k) => {
      species.fill(names![k]!, at, at + n);
      at += n;
    });
    return species;
  }

  /** Tokens before a comment mark. */
  private tokens(text: string): string[] {
    return text
      .replace(/[!#].*$/, '')
      .trim()
      .split(/\s+/)
      .filter((token) => token !== '');
  }

  /** Names of pseudopotentials and hashes follow `_` or `/`. */
  private element(token: string): number {
    const number = atomicNumber(token.split(/[_/]/)[0]!);
    if (number === undefined) throw this.error('E_POSCAR_SPECIES', 'expected element symbols', token);
    return number;
  }

  private namesOfVasp4(comment: string, count: number, countText: string): number[] {
    const { species } = this.options;
    if (species) {
      if (species.length !== count)
        throw this.error(
          'E_POSCAR_COUNTS',
          `the option "species" names ${species.length} species, the file has ${count} counts`,
          countText,
        );
      return species.map((symbol) => {
        const number = atomicNumber(symbol);
        if (number === undefined) throw this.error('E_POSCAR_SPECIES', 'the option "species" must list element symbols', symbol);
        return number;
      });
    }
    const found = comment.split(/\s+/).flatMap((token) => atomicNumber(token.split(/[_/]/)[0]!) ?? []);
    if (found.length !== count) {
      throw formatError(
        'E_POSCAR_SPECIES',
        { file: this.options.file, line: 6 },
        'the file has no line of element symbols (VASP 4), and the comment does not name them',
        {
          text: comment,
          hint: `give the ${count} species in the order of the counts: option species, for example species: ['Li', 'O']`,
        },
      );
    }
    this.warnings.push({
      code: 'W_POSCAR_SPECIES',
      message: `the element symbols are taken from the comment line: ${comment}`,
      line: 1,
    });
    return found;
  }

  private readCoordinates(count: number, direct: boolean, selective: boolean, cell: Float64Array, factors: Vec3) {
    const positions = new Float64Array(3 * count);
    const fixed = selective ? new Int32Array(count) : null;
    for (let atom = 0; atom < count; atom++) {
      const line = this.next + 1;
      const text = this.take(`the coordinates of ${count} atoms`);
      // A blank line begins the velocities: coordinates are missing.
      if (text.trim() === '') throw this.truncated(`the coordinates of ${count} atoms`, line);
      const tokens = text.trim().split(/\s+/);
      const v = this.vector(tokens, text, line, `coordinates of atom ${atom}`, atom);
      const x = direct ? timesMatrix(v, cell) : v.map((value, k) => value * factors[k]!);
      positions.set(x, 3 * atom);
      if (!fixed) continue;
      const flags = tokens.slice(3, 6).map((token) => /^\.?([tf])/i.exec(token)?.[1]?.toLowerCase());
      if (flags.length < 3 || flags.includes(undefined)) {
        throw this.error(
          'E_POSCAR_MODE',
          `atom ${atom}: selective dynamics needs three flags T or F after the coordinates`,
          text,
          line,
        );
      }
      flags.forEach((flag, k) => {
        if (flag === 'f') fixed[atom]! |= 1 << k;
      });
    }
    return { positions, fixed };
  }

  private readVelocities(count: number): Float64Array | null {
    if (/^\s*l/i.test(this.lines[this.next] ?? '')) {
      // Title, one integer, velocities of the three vectors, the three vectors.
      if (this.next + 8 > this.lines.length) throw this.truncated('the lattice velocities (title, one integer, six vectors)');
      this.next += 8;
    }
    if (this.next >= this.lines.length) return null;
    const head = this.lines[this.next]!.trim();
    if (/^d/i.test(head)) {
      throw this.error(
        'E_POSCAR_VELOCITIES',
        'velocities in direct coordinates per time step cannot be read without the time step',
        head,
        this.next + 1,
      );
    }
    if (head !== '' && !/^[ck]/i.test(head)) return null;
    const first = (this.lines[this.next + 1] ?? '').trim().split(/\s+/).slice(0, 3);
    // Something else may follow a blank line; it is reported as the tail.
    if (head === '' && !(first.length === 3 && first.every((token) => realFromText(token) !== undefined))) return null;
    this.next++;
    const velocities = new Float64Array(3 * count);
    for (let atom = 0; atom < count; atom++) {
      const line = this.next + 1;
      const text = this.take(`the velocities of ${count} atoms`);
      if (text.trim() === '') throw this.truncated(`the velocities of ${count} atoms`, line);
      velocities.set(this.vector(text.trim().split(/\s+/), text, line, `velocity of atom ${atom}`, atom), 3 * atom);
    }
    return velocities;
  }

  private readVector(what: string): Vec3 {
    const line = this.next + 1;
    const text = this.take(what);
    return this.vector(text.trim().split(/\s+/), text, line, what);
  }

  private vector(tokens: string[], text: string, line: number, what: string, atom?: number): Vec3 {
    const numbers = tokens.slice(0, 3).map((token) => realFromText(token) ?? Number.NaN);
    if (numbers.length < 3 || numbers.some((x) => !Number.isFinite(x))) {
      throw formatError('E_NUMBER', { file: this.options.file, line }, `${what}: expected three finite numbers`, { text, atom });
    }
    return numbers as Vec3;
  }

  private take(what: string): string {
    const line = this.lines[this.next];
    if (line === undefined) throw this.truncated(what);
    this.next++;
    return line;
  }

  private truncated(what: string, line = this.lines.length + 1) {
    return formatError('E_POSCAR_TRUNCATED', { file: this.options.file, line }, `the file ends before ${what}`);
  }

  /** About the line that was read last, unless told otherwise. */
  private error(code: string, message: string, text: string, line = this.next) {
    const place: Place = { file: this.options.file, line };
    return formatError(code, place, message, { text });
  }
}

/** Whether lines 2 to 5 look like a POSCAR: a scale and three vectors. For telling formats apart by content. */
export function looksLikePoscar(lines: readonly string[]): boolean {
  const numbers = (line: string | undefined) =>
    (line ?? '')
      .trim()
      .split(/\s+/)
      .map((token) => realFromText(token));
  const scale = numbers(lines[1]);
  if (scale[0] === undefined || (scale.length > 1 && scale[1] !== undefined && scale.length < 3)) return false;
  return [2, 3, 4].every((k) => {
    const row = numbers(lines[k]);
    return row.length >= 3 && row.slice(0, 3).every((x) => x !== undefined);
  });
}
