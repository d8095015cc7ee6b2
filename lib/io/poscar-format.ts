/** POSCAR, written (structures.md 6): VASP 5, 16 decimals, neighbouring atoms of one species in one block. */
import { inverse, timesMatrix } from '../cell.js';
import { SYMBOLS } from '../elements.js';
import { StructureError } from '../errors.js';
import type { Structure, Warning } from '../structure.js';

export interface PoscarFormatOptions {
  /** `direct` (default) or `cartesian` coordinates. */
  coordinates?: 'direct' | 'cartesian';
  /** Put the atoms of each species together, in the order of first appearance. Otherwise blocks repeat as the atoms come. */
  sortSpecies?: boolean;
  /** First line; the structure's own comment, else the composition. */
  comment?: string;
}

export interface PoscarText {
  readonly text: string;
  /** Atom i of the file is atom permutation[i] of the structure. */
  readonly permutation: Uint32Array;
  /** What the format cannot hold. */
  readonly warnings: readonly Warning[];
}

/** Throws `E_CELL_INVALID` for a structure without a cell. */
export function formatPoscar(structure: Structure, options: PoscarFormatOptions = {}): PoscarText {
  const { cell, species, positions, velocities } = structure;
  if (!cell)
    throw new StructureError('E_CELL_INVALID', 'a POSCAR needs a cell, this structure has none', {
      hint: 'write extended XYZ instead',
    });
  const warnings: Warning[] = [];
  if (structure.pbc.includes(false)) {
    warnings.push({ code: 'W_POSCAR_PERIODIC', message: 'POSCAR has no open directions: the file is periodic in all three' });
  }
  const permutation = Uint32Array.from({ length: species.length }, (_, i) => i);
  if (options.sortSpecies) {
    const order = new Map<number, number>();
    for (const z of species) if (!order.has(z)) order.set(z, order.size);
    // The sort of the language is stable, so atoms of a species keep their order.
    permutation.sort((a, b) => order.get(species[a]!)! - order.get(species[b]!)! || a - b);
  }
  const blocks: { symbol: string; count: number }[] = [];
  for (const atom of permutation) {
    const symbol = SYMBOLS[species[atom]!]!;
    if (blocks.at(-1)?.symbol === symbol) blocks.at(-1)!.count++;
    else blocks.push({ symbol, count: 1 });
  }
  const own =
    typeof structure.info.comment === 'string' ? structure.info.comment : blocks.map((b) => `${b.symbol}${b.count}`).join(' ');
  const fixed = structure.tags.fixed instanceof Int32Array ? structure.tags.fixed : null;
  const direct = options.coordinates !== 'cartesian';
  const toFractions = inverse(cell);
  const lines = [
    (options.comment ?? own).replace(/[\r\n]+/g, ' '),
    '1.0',
    ...[0, 1, 2].map((k) => row([cell[3 * k]!, cell[3 * k + 1]!, cell[3 * k + 2]!])),
    blocks.map((block) => block.symbol).join(' '),
    blocks.map((block) => block.count).join(' '),
    ...(fixed ? ['Selective dynamics'] : []),
    direct ? 'Direct' : 'Cartesian',
  ];
  for (const atom of permutation) {
    const x = positions.subarray(3 * atom, 3 * atom + 3);
    const flags = fixed ? ` ${[1, 2, 4].map((bit) => (fixed[atom]! & bit ? 'F' : 'T')).join(' ')}` : '';
    lines.push(row(direct ? timesMatrix(x, toFractions) : x) + flags);
  }
  if (velocities) {
    lines.push('');
    for (const atom of permutation) {
      lines.push(Array.from(velocities.subarray(3 * atom, 3 * atom + 3), (v) => scientific(v).padStart(24)).join(' '));
    }
  }
  return { text: `${lines.join('\n')}\n`, permutation, warnings };
}

const row = (values: ArrayLike<number>) => Array.from(values, (x) => x.toFixed(16).padStart(21)).join(' ');

/** 17 digits, which every double needs; the language drops the sign of zero. */
const scientific = (v: number) => (Object.is(v, -0) ? '-' : '') + v.toExponential(16);
