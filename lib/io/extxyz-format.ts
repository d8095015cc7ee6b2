/** Extended XYZ, written: text that reads back to the same doubles bit for bit (structures.md 7.4). */
import { SYMBOLS } from '../elements.js';
import { StructureError } from '../errors.js';
import type { JsonValue, Structure, Tag } from '../structure.js';
import { RESERVED_COLUMNS, type VelocityUnit } from './extxyz-columns.js';
import { formatKey, formatValue } from './extxyz-comment.js';
import { RESERVED_KEYS, type TimeUnit } from './extxyz-header.js';
import { shortest, shortestShifted } from './number-text.js';

export interface ExtxyzFormatOptions {
  /** Digits after the point of all real columns, for small files; without it every double reads back exactly. */
  decimals?: number;
  /** `new` writes nested lists as such, which common readers reject. */
  dialect?: 'old' | 'new';
  /** A/ps unless given. */
  velocityUnit?: Exclude<VelocityUnit, 'ase'>;
  /** ps unless given. */
  timeUnit?: TimeUnit;
}

/** All frames as one text. For trajectories use the writer of extxyz-stream.ts. */
export function formatExtxyz(structures: Structure | readonly Structure[], options: ExtxyzFormatOptions = {}): string {
  const list = Array.isArray(structures) ? (structures as readonly Structure[]) : [structures as Structure];
  let text = '';
  for (const structure of list) {
    for (const piece of formatFrame(structure, options)) text += piece;
  }
  return text;
}

interface OutColumn {
  readonly name: string;
  readonly type: string;
  readonly width: number;
  readonly text: (index: number) => string;
}

/** Atoms formatted at once, so that a large frame never becomes one text. */
const BLOCK = 8192;

/** One frame, in pieces of a few hundred kilobytes. */
export function* formatFrame(structure: Structure, options: ExtxyzFormatOptions = {}): Generator<string> {
  const columns = columnsOf(structure, options);
  const count = structure.species.length;
  yield `${count}\n${commentOf(structure, columns, options)}\n`;
  for (let first = 0; first < count; first += BLOCK) {
    const lines: string[] = [];
    for (let atom = first; atom < Math.min(count, first + BLOCK); atom++) {
      let line = SYMBOLS[structure.species[atom]!]!;
      for (const column of columns) {
        for (let k = 0; k < column.width; k++) line += ` ${column.text(atom * column.width + k)}`;
      }
      lines.push(line);
    }
    yield `${lines.join('\n')}\n`;
  }
}

function commentOf(structure: Structure, columns: readonly OutColumn[], options: ExtxyzFormatOptions): string {
  const { cell, info, origin, pbc } = structure;
  const dialect = options.dialect ?? 'old';
  const parts: string[] = [];
  if (cell) parts.push(`Lattice="${Array.from(cell, (x) => finite(x, 'Lattice')).join(' ')}"`);
  parts.push(`Properties=${['species:S:1', ...columns.map((c) => `${c.name}:${c.type}:${c.width}`)].join(':')}`);
  for (const key of ['energy', 'free_energy', 'stress', 'virial']) {
    if (info[key] === undefined) continue;
    if (!allFinite(info[key]))
      throw new StructureError('E_NUMBER', `info.${key} must hold finite numbers only`, { key: `info.${key}` });
    parts.push(`${key}=${formatValue(info[key], dialect)}`);
  }
  parts.push(`pbc="${pbc.map((p) => (p ? 'T' : 'F')).join(' ')}"`);
  if (info.time !== undefined) {
    if (typeof info.time !== 'number' || !Number.isFinite(info.time)) {
      throw new StructureError('E_NUMBER', 'info.time must be a finite number in fs', { key: 'info.time' });
    }
    parts.push(`Time=${shortestShifted(info.time, (options.timeUnit ?? 'ps') === 'ps' ? -3 : 0)}`);
  }
  if (info.step !== undefined) parts.push(`step=${formatValue(info.step, dialect)}`);
  const written = new Set(['energy', 'free_energy', 'stress', 'virial', 'time', 'step']);
  const rest: Record<string, JsonValue> = Object.create(null);
  for (const key of Object.keys(info)) if (!written.has(key)) rest[key] = info[key]!;
  for (const key of Object.keys(rest)) {
    if (RESERVED_KEYS.has(key))
      throw new StructureError('E_XYZ_PROPERTIES', `info.${key}: the format uses this key itself`, { key: `info.${key}` });
    if (!allFinite(rest[key]!))
      throw new StructureError('E_NUMBER', `info.${key} must hold finite numbers only`, { key: `info.${key}` });
  }
  if (origin.some((x) => x !== 0)) rest.Origin = [...origin];
  // Code-unit order, the same on every machine and in every locale.
  for (const key of Object.keys(rest).sort()) parts.push(`${formatKey(key)}=${formatValue(rest[key]!, dialect)}`);
  return parts.join(' ');
}

function allFinite(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return !Array.isArray(value) || value.every((x) => typeof x !== 'number' || Number.isFinite(x));
}

function finite(value: number, name: string, atom?: number): string {
  if (!Number.isFinite(value)) throw new StructureError('E_NUMBER', `${name}: ${value} cannot be written`, { key: name, atom });
  return shortest(value);
}

function columnsOf(structure: Structure, options: ExtxyzFormatOptions): OutColumn[] {
  const count = structure.species.length;
  const columns: OutColumn[] = [];
  const real = (name: string, values: ArrayLike<number> | undefined, width: number, shift = 0) => {
    if (!values) return;
    if (values.length !== count * width)
      throw new StructureError('E_XYZ_COLUMNS', `${name}: expected ${count * width} numbers, got ${values.length}`);
    const text = (index: number) => {
      const value = values[index]!;
      if (!Number.isFinite(value)) finite(value, name, Math.floor(index / width));
      if (options.decimals !== undefined) return Number(shortestShifted(value, shift)).toFixed(options.decimals);
      return shift === 0 ? shortest(value) : shortestShifted(value, shift);
    };
    columns.push({ name, type: 'R', width, text });
  };
  const integer = (name: string, values: ArrayLike<number> | undefined, width: number) => {
    if (values) columns.push({ name, type: 'I', width, text: (index) => String(values[index]!) });
  };
  real('pos', structure.positions, 3);
  real('velo', structure.velocities, 3, (options.velocityUnit ?? 'A/ps') === 'A/ps' ? 3 : 0);
  real('forces', structure.forces, 3);
  real('masses', structure.masses, 1);
  real('charges', structure.charges, 1);
  integer('id', structure.ids, 1);
  integer('images', structure.images, 3);
  for (const name of Object.keys(structure.tags).sort()) {
    const tag = structure.tags[name]!;
    if (name === 'fixed') columns.push(moveMask(tag, count));
    else if (name === 'atom_energy' && tag instanceof Float64Array) real('local_energy', tag, tag.length / count);
    else columns.push(...tagColumn(name, tag, count, real));
  }
  return columns;
}

/** The mask says what may move, the tag what may not; other programs know the mask. */
function moveMask(tag: Tag, count: number): OutColumn {
  const bits = tag as ArrayLike<number>;
  if (bits.length !== count)
    throw new StructureError('E_XYZ_COLUMNS', `tag "fixed": expected ${count} numbers, got ${bits.length}`);
  const letter = (moves: boolean) => (moves ? 'T' : 'F');
  const whole = Array.from(bits).every((b) => b === 0 || b === 7);
  if (whole) return { name: 'move_mask', type: 'L', width: 1, text: (atom) => letter(bits[atom] === 0) };
  return { name: 'move_mask', type: 'L', width: 3, text: (i) => letter(((bits[Math.floor(i / 3)]! >> (i % 3)) & 1) === 0) };
}

function tagColumn(
  name: string,
  tag: Tag,
  count: number,
  real: (name: string, values: ArrayLike<number>, width: number) => void,
): OutColumn[] {
  const key = `tags.${name}`;
  if (!/^[^\s:="'{}[\],\\]+$/.test(name) || RESERVED_COLUMNS.has(name)) {
    // An `id` column that was no set of unique ids comes back as the same tag.
    if (name !== 'id')
      throw new StructureError('E_XYZ_PROPERTIES', `tag "${name}" cannot be the name of a column`, {
        key,
        hint: 'rename the tag',
      });
  }
  const width = tag.length / count;
  if (!Number.isInteger(width) || width < 1)
    throw new StructureError('E_XYZ_COLUMNS', `tag "${name}" has ${tag.length} values for ${count} atoms`, { key });
  if (tag instanceof Float64Array) {
    real(name, tag, width);
    return [];
  }
  if (tag instanceof Int32Array) return [{ name, type: 'I', width, text: (index) => String(tag[index]!) }];
  const bad = tag.findIndex((text) => !/^[^\s]+$/.test(text));
  if (bad >= 0) {
    throw new StructureError(
      'E_XYZ_COLUMNS',
      `tag "${name}" of atom ${Math.floor(bad / width)} is ${JSON.stringify(tag[bad])}: a column holds words without blanks`,
      {
        key,
        atom: Math.floor(bad / width),
      },
    );
  }
  return [{ name, type: 'S', width, text: (index) => tag[index]! }];
}
