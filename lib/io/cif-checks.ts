/** What a CIF says twice: formula, volume and density against what its atoms and cell give (structures.md 5.3), as warnings. */
import { determinant } from '../cell.js';
import { atomicNumber, STANDARD_MASSES, SYMBOLS } from '../elements.js';
import type { Warning } from '../structure.js';
import { AMU_PER_A3_IN_G_PER_CM3 } from '../units.js';
import { type CifBlock, type CifPlace, cifItem, cifNumber, cifText } from './cif-tokens.js';
import type { ExpandedCrystal } from './crystal.js';

/** Files round; a wrong setting or a lost atom is off by far more. */
const TOLERANCE = 0.01;

export function crossChecks(block: CifBlock, place: CifPlace, crystal: ExpandedCrystal): Warning[] {
  const warnings: Warning[] = [];
  const composition = new Map<number, number>();
  let mass = 0;
  for (const { row, fractional } of crystal.rows) {
    const count = (row.occupancy * fractional.length) / 3;
    composition.set(row.species, (composition.get(row.species) ?? 0) + count);
    mass += count * (row.mass ?? STANDARD_MASSES[row.species]!);
  }
  const volume = determinant(crystal.cell);
  const compare = (code: string, what: string, names: string[], found: number, unit: string) => {
    const value = cifItem(block, ...names);
    if (!value) return;
    const stated = cifNumber(value, names[0]!, place);
    if (Math.abs(stated - found) > TOLERANCE * Math.abs(found)) {
      warnings.push({
        code,
        line: value.line,
        message: `the file states a ${what} of ${value.text} ${unit}, its cell and atoms give ${found.toPrecision(6)} ${unit}`,
      });
    }
  };
  compare('W_CIF_VOLUME', 'volume', ['_cell_volume'], volume, 'A^3');
  compare('W_CIF_DENSITY', 'density', ['_exptl_crystal_density_diffrn'], (mass / volume) * AMU_PER_A3_IN_G_PER_CM3, 'g/cm3');

  const formula = cifItem(block, '_chemical_formula_sum');
  const stated = formula ? parseFormulaSum(cifText(formula, '_chemical_formula_sum', place)) : null;
  if (formula && stated) {
    const units = cifItem(block, '_cell_formula_units_z');
    const z = units ? cifNumber(units, '_cell_formula_units_Z', place) : undefined;
    const total = (counts: Map<number, number>) => [...counts.values()].reduce((sum, n) => sum + n, 0);
    // Without Z only the proportions can be compared.
    const scale = z ?? total(composition) / total(stated);
    const species = new Set([...composition.keys(), ...stated.keys()]);
    for (const number of [...species].sort((a, b) => a - b)) {
      const found = composition.get(number) ?? 0;
      const expected = scale * (stated.get(number) ?? 0);
      if (Math.abs(found - expected) > TOLERANCE * Math.max(found, expected)) {
        const message = `the formula asks for ${Number(expected.toFixed(4))} ${SYMBOLS[number]} in the cell, the atoms give ${Number(found.toFixed(4))}`;
        warnings.push({ code: 'W_CIF_FORMULA', line: formula.line, message });
      }
    }
  }
  return warnings;
}

/** `Cl6 Li3 Y` by atomic number; null where it is not a plain sum formula. */
function parseFormulaSum(text: string): Map<number, number> | null {
  const out = new Map<number, number>();
  for (const part of text.trim().split(/\s+/)) {
    const match = /^([A-Z][a-z]?)(\d*\.?\d*)$/.exec(part);
    const number = match ? (match[1] === 'D' || match[1] === 'T' ? 1 : atomicNumber(match[1]!)) : undefined;
    if (!match || number === undefined) return null;
    out.set(number, (out.get(number) ?? 0) + (match[2] === '' ? 1 : Number(match[2])));
  }
  return out.size > 0 ? out : null;
}
