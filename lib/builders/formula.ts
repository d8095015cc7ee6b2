/** Compositions and chemical formulas. */
import { atomicNumber, SYMBOLS } from '../elements.js';
import { StructureError } from '../errors.js';
import type { Structure } from '../structure.js';

/** Number of atoms by symbol. */
export type Composition = Readonly<Record<string, number>>;

/**
 * Pauling electronegativities by symbol (A. L. Allred, J. Inorg. Nucl. Chem. 17 (1961) 215, and later additions): formulas name the
 * electropositive elements first.
 */
const ELECTRONEGATIVITY: Readonly<Record<string, number>> = {
  H: 2.2,
  Li: 0.98,
  Be: 1.57,
  B: 2.04,
  C: 2.55,
  N: 3.04,
  O: 3.44,
  F: 3.98,
  Na: 0.93,
  Mg: 1.31,
  Al: 1.61,
  Si: 1.9,
  P: 2.19,
  S: 2.58,
  Cl: 3.16,
  K: 0.82,
  Ca: 1.0,
  Sc: 1.36,
  Ti: 1.54,
  V: 1.63,
  Cr: 1.66,
  Mn: 1.55,
  Fe: 1.83,
  Co: 1.88,
  Ni: 1.91,
  Cu: 1.9,
  Zn: 1.65,
  Ga: 1.81,
  Ge: 2.01,
  As: 2.18,
  Se: 2.55,
  Br: 2.96,
  Rb: 0.82,
  Sr: 0.95,
  Y: 1.22,
  Zr: 1.33,
  Nb: 1.6,
  Mo: 2.16,
  Tc: 1.9,
  Ru: 2.2,
  Rh: 2.28,
  Pd: 2.2,
  Ag: 1.93,
  Cd: 1.69,
  In: 1.78,
  Sn: 1.96,
  Sb: 2.05,
  Te: 2.1,
  I: 2.66,
  Cs: 0.79,
  Ba: 0.89,
  La: 1.1,
  Ce: 1.12,
  Pr: 1.13,
  Nd: 1.14,
  Pm: 1.13,
  Sm: 1.17,
  Eu: 1.2,
  Gd: 1.2,
  Tb: 1.2,
  Dy: 1.22,
  Ho: 1.23,
  Er: 1.24,
  Tm: 1.25,
  Yb: 1.1,
  Lu: 1.27,
  Hf: 1.3,
  Ta: 1.5,
  W: 2.36,
  Re: 1.9,
  Os: 2.2,
  Ir: 2.2,
  Pt: 2.28,
  Au: 2.54,
  Hg: 2.0,
  Tl: 1.62,
  Pb: 2.33,
  Bi: 2.02,
  Th: 1.3,
  U: 1.38,
}; // prettier-ignore

/** Symbols with the electropositive first; ties and unknown ones by atomic number. */
export function byElectronegativity(symbols: Iterable<string>): string[] {
  const value = (symbol: string) => ELECTRONEGATIVITY[symbol] ?? 1.5;
  return [...symbols].sort((a, b) => value(a) - value(b) || atomicNumber(a)! - atomicNumber(b)!);
}

export function compositionOf(structure: Pick<Structure, 'species'>): Record<string, number> {
  const counts = new Map<number, number>();
  for (const z of structure.species) counts.set(z, (counts.get(z) ?? 0) + 1);
  const symbols = byElectronegativity([...counts.keys()].map((z) => SYMBOLS[z]!));
  return Object.fromEntries(symbols.map((symbol) => [symbol, counts.get(atomicNumber(symbol)!)!]));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** `Li3YCl6` and the number of formula units; counts must be integers. */
export function reducedFormula(composition: Composition): { formula: string; units: number } {
  const units = Object.values(composition).reduce(gcd, 0);
  const text = byElectronegativity(Object.keys(composition)).map((symbol) => {
    const count = composition[symbol]! / units;
    return count === 1 ? symbol : `${symbol}${count}`;
  });
  return { formula: text.join(''), units };
}

/** Longest formula that is read, and the largest number in it: guards against nonsense, not against chemistry. */
const LONGEST_FORMULA = 200;
const LARGEST_COUNT = 1e6;

/** Composition of `Li3YCl6`, `Mg(BH4)2`: integers and one or more levels of brackets. Throws `E_FORMULA`. */
export function parseFormula(text: string, key = 'name'): Record<string, number> {
  const refuse = (why: string) =>
    new StructureError('E_FORMULA', `${key}: ${JSON.stringify(text.slice(0, 80))} is not a chemical formula: ${why}`, {
      key,
      hint: 'write it like Li3YCl6 or Mg(BH4)2',
    });
  if (text.length > LONGEST_FORMULA) throw refuse('too long');
  const stack: Map<string, number>[] = [new Map()];
  const token = /([A-Z][a-z]?)(\d*)|([([])|[)\]](\d*)/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw refuse(`"${text.slice(at, at + 10)}" is no element and no number`);
    if (match[3]) {
      stack.push(new Map());
      continue;
    }
    const count = Number(match[2] || match[4] || 1);
    if (!(count >= 1 && count <= LARGEST_COUNT)) throw refuse(`the number ${count}`);
    const symbol = match[1];
    if (symbol) {
      if (atomicNumber(symbol) === undefined) throw refuse(`${symbol} is not an element`);
      add(stack.at(-1)!, symbol, count);
    } else {
      const inner = stack.pop()!;
      if (stack.length === 0) throw refuse('a bracket is closed that was not opened');
      for (const [name, number] of inner) add(stack.at(-1)!, name, number * count);
    }
  }
  if (stack.length !== 1) throw refuse('a bracket is not closed');
  if (stack[0]!.size === 0) throw refuse('it is empty');
  return Object.fromEntries(stack[0]!);
}

function add(counts: Map<string, number>, symbol: string, count: number): void {
  counts.set(symbol, (counts.get(symbol) ?? 0) + count);
}
