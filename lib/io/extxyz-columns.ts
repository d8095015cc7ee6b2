/** The `Properties` of an extended XYZ frame: which column means what, and its form in memory (structures.md 7.2). */
import { AMU } from '../units.js';
import { formatError, type Place } from './format-error.js';

export type ColumnType = 'S' | 'I' | 'R' | 'L';

export type Role =
  | 'species'
  | 'numbers'
  | 'positions'
  | 'forces'
  | 'velocities'
  | 'momenta'
  | 'masses'
  | 'charges'
  | 'ids'
  | 'images'
  | 'fixed'
  | 'move'
  | 'tag';

export interface Column {
  /** Name in the file. */
  readonly name: string;
  readonly type: ColumnType;
  /** Numbers per atom. */
  readonly width: number;
  readonly role: Role;
  /** Name of the tag for role `tag`. */
  readonly tag: string;
}

/** Unit of velocities in the file: A/ps unless told otherwise; `ase` is A sqrt(eV/u). */
export type VelocityUnit = 'A/ps' | 'A/fs' | 'ase';

/** One ASE unit of velocity, A sqrt(eV/u) per A, in A/fs (98.2269 A/ps). */
export const ASE_VELOCITY = 1 / Math.sqrt(AMU);

interface Rule {
  role: Role;
  types: string;
  widths: readonly number[];
}

const RULES: Record<string, Rule> = {
  species: { role: 'species', types: 'S', widths: [1] },
  Z: { role: 'numbers', types: 'I', widths: [1] },
  pos: { role: 'positions', types: 'R', widths: [3] },
  force: { role: 'forces', types: 'R', widths: [3] },
  forces: { role: 'forces', types: 'R', widths: [3] },
  velo: { role: 'velocities', types: 'R', widths: [3] },
  vel: { role: 'velocities', types: 'R', widths: [3] },
  velocities: { role: 'velocities', types: 'R', widths: [3] },
  momenta: { role: 'momenta', types: 'R', widths: [3] },
  masses: { role: 'masses', types: 'R', widths: [1] },
  charges: { role: 'charges', types: 'R', widths: [1] },
  initial_charges: { role: 'charges', types: 'R', widths: [1] },
  id: { role: 'ids', types: 'I', widths: [1] },
  images: { role: 'images', types: 'I', widths: [3] },
  fixed: { role: 'fixed', types: 'I', widths: [1] },
  move_mask: { role: 'move', types: 'L', widths: [1, 3] },
};

const TAG_NAMES: Record<string, string> = { local_energy: 'atom_energy', energies: 'atom_energy' };

/** Names that a tag may not have in a file, because a reader would take the column for something else. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set([...Object.keys(RULES), ...Object.keys(TAG_NAMES)]);

/** Parses `name:T:m` triplets; throws `E_XYZ_PROPERTIES`. */
export function parseProperties(text: string, place: Place): Column[] {
  const fail = (message: string) =>
    formatError('E_XYZ_PROPERTIES', place, message, {
      text,
      hint: 'Properties is a list of name:type:count triplets, for example species:S:1:pos:R:3:forces:R:3',
    });
  const parts = text.split(':');
  if (parts.length % 3 !== 0) throw fail('Properties must be name:type:count triplets joined by colons');
  const columns: Column[] = [];
  const names = new Set<string>();
  let total = 0;
  for (let i = 0; i < parts.length; i += 3) {
    const [name, type, count] = parts.slice(i, i + 3) as [string, string, string];
    if (name === '') throw fail('a column of Properties has no name');
    if (!/^[SIRL]$/.test(type)) throw fail(`type "${type}" of column "${name}" is none of S, I, R, L`);
    const width = /^\d{1,6}$/.test(count) ? Number(count) : 0;
    if (width < 1) throw fail(`count "${count}" of column "${name}" is not a positive integer`);
    if (names.has(name)) throw fail(`column "${name}" stands twice`);
    names.add(name);
    total += width;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    const required = name === 'species' || name === 'Z' || name === 'pos';
    const fits = rule?.types.includes(type) && rule.widths.includes(width);
    if (required && !fits) throw fail(`column "${name}" must be ${name}:${rule!.types}:${rule!.widths[0]}`);
    const role = fits ? rule!.role : 'tag';
    columns.push({
      name,
      type: type as ColumnType,
      width,
      role,
      tag: Object.hasOwn(TAG_NAMES, name) && type === 'R' ? TAG_NAMES[name]! : name,
    });
  }
  if (total > 100_000) throw fail(`${total} columns are more than any file has`);
  const has = (role: Role) => columns.some((column) => column.role === role);
  if (!has('species') && !has('numbers')) throw fail('Properties has neither species:S:1 nor Z:I:1');
  if (!has('positions')) throw fail('Properties has no pos:R:3');
  return columns;
}

/** Symbol (or number) and x y z, for frames without Properties. */
export const PLAIN_COLUMNS: readonly Column[] = [
  { name: 'species', type: 'S', width: 1, role: 'species', tag: 'species' },
  { name: 'pos', type: 'R', width: 3, role: 'positions', tag: 'pos' },
];
