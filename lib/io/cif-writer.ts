/** Writing CIF (structures.md 5.7): every atom as its own row in P 1, or the asymmetric unit with explicit operators. */
import { lengthsAndAngles } from '../cell.js';
import { SYMBOLS } from '../elements.js';
import { StructureError } from '../errors.js';
import type { Structure } from '../structure.js';
import { fractionalOf } from './crystal.js';
import type { SymmetryAnalysis } from './symmetry-library.js';
import { formatOperator, groupDefect } from './symmetry-operators.js';

export interface CifFormatOptions {
  /** Name of the data block (default `ionclay`). */
  readonly name?: string;
  /** Writes the asymmetric unit with these operators (`await analyzeSymmetry(structure)`); P 1 without. */
  readonly symmetry?: SymmetryAnalysis;
}

/**
 * CIF of a structure. The file keeps cell lengths, angles and fractional coordinates, so a cell in another orientation than
 * a along x, b in the xy plane comes back turned. Throws `E_CIF_NO_CELL` without a cell.
 */
export function formatCif(structure: Structure, options: CifFormatOptions = {}): string {
  const { cell, species } = structure;
  if (!cell)
    throw new StructureError('E_CIF_NO_CELL', 'CIF needs a cell, and this structure has none', {
      hint: 'write extended XYZ, or put the atoms into a cell',
    });
  const { symmetry } = options;
  const defect = symmetry ? groupDefect(symmetry.operators) : null;
  if (defect)
    throw new StructureError('E_CIF_SYMOP_GROUP', `the operators that were found are not a group: ${defect}`, {
      hint: 'write P 1, or try another tolerance',
    });
  const { lengths, angles } = lengthsAndAngles(cell);
  const fractional = fractionalOf(structure.positions, cell, structure.origin);
  const lines = [
    `data_${(options.name ?? 'ionclay').replace(/[^!-~]+/g, '_') || 'ionclay'}`,
    ...['a', 'b', 'c'].map((axis, k) => `_cell_length_${axis} ${decimal(lengths[k]!)}`),
    ...['alpha', 'beta', 'gamma'].map((angle, k) => `_cell_angle_${angle} ${decimal(angles[k]!)}`),
    `_space_group_IT_number ${symmetry?.number ?? 1}`,
    ...(symmetry ? [] : ["_space_group_name_H-M_alt 'P 1'"]),
    'loop_',
    '_space_group_symop_operation_xyz',
    ...(symmetry ? symmetry.operators.map(formatOperator) : ['x,y,z']).map(quoted),
  ];

  const charges = structure.charges;
  const symbols = Array.from(species, (number, i) => symbolOf(number, structure.masses?.[i]));
  const types = symbols.map((symbol, i) => symbol + chargeSuffix(charges?.[i]));
  if (charges?.every(Number.isInteger)) {
    const pairs = new Map(types.map((type, i) => [type, charges[i]!]));
    lines.push(
      'loop_',
      '_atom_type_symbol',
      '_atom_type_oxidation_number',
      ...[...pairs].map(([type, charge]) => `${quoted(type)} ${charge}`),
    );
  }
  const orbitSizes = new Map<number, number>();
  for (const first of symmetry?.orbits ?? []) orbitSizes.set(first, (orbitSizes.get(first) ?? 0) + 1);
  const columns = [
    'label',
    'type_symbol',
    ...(symmetry ? ['symmetry_multiplicity', 'Wyckoff_symbol'] : []),
    'fract_x',
    'fract_y',
    'fract_z',
    'occupancy',
  ];
  lines.push('loop_', ...columns.map((column) => `_atom_site_${column}`));
  const counters = new Map<string, number>();
  for (let i = 0; i < species.length; i++) {
    if (symmetry && symmetry.orbits[i] !== i) continue;
    const symbol = symbols[i]!;
    const count = (counters.get(symbol) ?? 0) + 1;
    counters.set(symbol, count);
    const place = symmetry ? `${orbitSizes.get(i)} ${symmetry.wyckoff[i]} ` : '';
    const coordinates = Array.from(fractional.subarray(3 * i, 3 * i + 3), (f) => fixed(f)).join(' ');
    lines.push(`${symbol}${count} ${quoted(types[i]!)} ${place}${coordinates} 1`);
  }
  return `${lines.join('\n')}\n`;
}

/** Deuterium and tritium have symbols of their own. */
function symbolOf(number: number, mass: number | undefined): string {
  if (number !== 1 || mass === undefined) return SYMBOLS[number]!;
  return Math.abs(mass - 2.014) < 0.01 ? 'D' : Math.abs(mass - 3.016) < 0.01 ? 'T' : 'H';
}

function chargeSuffix(charge: number | undefined): string {
  if (charge === undefined || !Number.isInteger(charge) || charge === 0) return '';
  return `${Math.abs(charge)}${charge < 0 ? '-' : '+'}`;
}

/** Ten decimals, without a negative zero. */
function fixed(f: number): string {
  const text = f.toFixed(10);
  return text === '-0.0000000000' ? '0.0000000000' : text;
}

/** Shortest text that reads back to the same number; an angle that is 90 but for rounding is written as 90. */
function decimal(value: number): string {
  const rounded = Math.round(value * 1e10) / 1e10;
  return String(Math.abs(rounded - value) < 1e-12 * value ? rounded : value);
}

const RESERVED = /^(data_|save_|loop_$|global_$|stop_$)/i;

/** Quotes a value that would not be read back as one bare word. */
export function quoted(value: string): string {
  const plain =
    value !== '' &&
    !/[\s,]/.test(value) &&
    !/^[_#$'"[\];]/.test(value) &&
    !RESERVED.test(value) &&
    value !== '.' &&
    value !== '?';
  if (plain) return value;
  if (!/'(\s|$)/.test(value) && !value.includes('\n')) return `'${value}'`;
  if (!/"(\s|$)/.test(value) && !value.includes('\n')) return `"${value}"`;
  return `\n;${value}\n;\n`;
}
