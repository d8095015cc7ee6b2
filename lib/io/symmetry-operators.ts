/** Symmetry operators: their text (structures.md 5.4), the check that they form a group, and what they do to a point. */
import { multiply, transpose } from '../cell.js';

/** x' = W x + w on fractional columns. */
export interface SymmetryOperator {
  /** W, nine integers, row-major. */
  readonly rotation: readonly number[];
  /** w in [0, 1). */
  readonly translation: readonly [number, number, number];
}

export const IDENTITY: SymmetryOperator = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 0, 0] };

/**
 * Translations are compared on this grid. Every fraction with a denominator that divides it lies on a point of the grid, so that rounding
 * is never on the edge; its cube is below 2^53, so that three of them make one exact key.
 */
const TRANSLATION_GRID = 201600;

const TERM = /([+-]?)([xyz]|\d+\/\d+|\d*\.\d+|\d+\.?)/y;

/**
 * Reads `-y+1/2, x-y, z`: each part a sum of x, y, z with coefficients -1, 0, 1 and constants (fractions, integers, decimals;
 * decimals snap to the nearest n/24 within 0.002). Returns a sentence that says what is wrong where it cannot.
 */
export function parseOperator(text: string): SymmetryOperator | string {
  const parts = text.split(',');
  if (parts.length !== 3) return `expected three parts such as x,y,z, found ${parts.length}`;
  const rotation = new Array<number>(9).fill(0);
  const translation: [number, number, number] = [0, 0, 0];
  for (let row = 0; row < 3; row++) {
    const form = parts[row]!.replace(/\s+/g, '').toLowerCase();
    if (form === '') return `part ${row + 1} is empty`;
    TERM.lastIndex = 0;
    while (TERM.lastIndex < form.length) {
      const at = TERM.lastIndex;
      const match = TERM.exec(form);
      if (!match || (at > 0 && match[1] === ''))
        return `part ${row + 1} is not a sum of x, y, z and fractions: "${parts[row]!.trim().slice(0, 40)}"`;
      const sign = match[1] === '-' ? -1 : 1;
      const term = match[2]!;
      const axis = 'xyz'.indexOf(term);
      if (axis >= 0) rotation[3 * row + axis]! += sign;
      else {
        const constant = parseConstant(term);
        if (constant === null) return `the constant ${term} is not a fraction with a denominator of 24 or its divisors`;
        translation[row]! += sign * constant;
      }
    }
    if (rotation.slice(3 * row, 3 * row + 3).some((c) => Math.abs(c) > 1))
      return `part ${row + 1} has a coefficient other than -1, 0 and 1`;
    translation[row] = reduced(translation[row]!);
  }
  const det = integerDeterminant(rotation);
  if (Math.abs(det) !== 1) return `its matrix has the determinant ${det}, expected 1 or -1`;
  return { rotation, translation };
}

function parseConstant(term: string): number | null {
  const fraction = /^(\d+)\/(\d+)$/.exec(term);
  if (fraction) {
    const value = Number(fraction[1]) / Number(fraction[2]);
    return Number.isFinite(value) ? value : null;
  }
  const value = Number(term);
  const snapped = Math.round(value * 24) / 24;
  return Math.abs(value - snapped) <= 0.002 ? snapped : null;
}

function reduced(value: number): number {
  const rest = value - Math.floor(value);
  return rest > 1 - 1e-9 || rest < 1e-9 ? 0 : rest;
}

function integerDeterminant(m: readonly number[]): number {
  return (
    m[0]! * (m[4]! * m[8]! - m[5]! * m[7]!) - m[1]! * (m[3]! * m[8]! - m[5]! * m[6]!) + m[2]! * (m[3]! * m[7]! - m[4]! * m[6]!)
  );
}

/** `-y+1/2,x-y,z`: the text of an operator. */
export function formatOperator(operator: SymmetryOperator): string {
  const parts: string[] = [];
  for (let row = 0; row < 3; row++) {
    let text = '';
    for (let axis = 0; axis < 3; axis++) {
      const c = operator.rotation[3 * row + axis]!;
      if (c !== 0) text += `${c < 0 ? '-' : text === '' ? '' : '+'}${'xyz'[axis]}`;
    }
    parts.push(text + formatTranslation(operator.translation[row]!));
  }
  return parts.join(',');
}

function formatTranslation(value: number): string {
  if (value === 0) return '';
  for (let denominator = 2; denominator <= 192; denominator++) {
    const numerator = Math.round(value * denominator);
    if (Math.abs(numerator / denominator - value) < 1e-6) return `+${numerator}/${denominator}`;
  }
  return `+${value.toFixed(10)}`;
}

/** x' = W x + w, not wrapped. */
export function applyOperator(operator: SymmetryOperator, x: ArrayLike<number>): [number, number, number] {
  const { rotation: w, translation: t } = operator;
  return [
    w[0]! * x[0]! + w[1]! * x[1]! + w[2]! * x[2]! + t[0],
    w[3]! * x[0]! + w[4]! * x[1]! + w[5]! * x[2]! + t[1],
    w[6]! * x[0]! + w[7]! * x[1]! + w[8]! * x[2]! + t[2],
  ];
}

function rotationKey(rotation: ArrayLike<number>): number {
  let key = 0;
  for (let i = 0; i < 9; i++) key = 3 * key + rotation[i]! + 1;
  return key;
}

function translationKey(t: ArrayLike<number>): number {
  let key = 0;
  for (let k = 0; k < 3; k++) {
    const steps = Math.round(t[k]! * TRANSLATION_GRID) % TRANSLATION_GRID;
    key = key * TRANSLATION_GRID + (steps < 0 ? steps + TRANSLATION_GRID : steps);
  }
  return key;
}

/** Largest number of operators that is checked: 48 rotations times the translations of a sizeable supercell. */
export const MAXIMUM_OPERATORS = 1536;

/**
 * Is the list a group modulo lattice translations: identity present, no duplicates, closed under products? Returns null, or a
 * sentence with the first thing that is wrong. Inverses need no check: the list is finite.
 */
export function groupDefect(operators: readonly SymmetryOperator[]): string | null {
  if (operators.length > MAXIMUM_OPERATORS)
    return `${operators.length} operators are more than any space group has in a reasonable cell`;
  const byRotation = new Map<number, Set<number>>();
  for (const operator of operators) {
    const key = rotationKey(operator.rotation);
    const translations = byRotation.get(key) ?? new Set<number>();
    if (translations.has(translationKey(operator.translation))) return `the operator ${formatOperator(operator)} is listed twice`;
    translations.add(translationKey(operator.translation));
    byRotation.set(key, translations);
  }
  const has = (rotation: ArrayLike<number>, translation: ArrayLike<number>) =>
    byRotation.get(rotationKey(rotation))?.has(translationKey(translation));
  if (!has(IDENTITY.rotation, IDENTITY.translation)) return 'the identity x,y,z is missing';
  const product = new Int8Array(9);
  for (const a of operators) {
    for (const b of operators) {
      for (let row = 0; row < 9; row += 3) {
        for (let column = 0; column < 3; column++) {
          product[row + column] =
            a.rotation[row]! * b.rotation[column]! +
            a.rotation[row + 1]! * b.rotation[3 + column]! +
            a.rotation[row + 2]! * b.rotation[6 + column]!;
        }
      }
      // Coefficients beyond 1 would alias in the key.
      const legal = product.every((c) => c >= -1 && c <= 1);
      if (!legal || !has(product, applyOperator(a, b.translation))) {
        return `the list is not closed: ${formatOperator(a)} after ${formatOperator(b)} is not in it`;
      }
    }
  }
  return null;
}

/**
 * Largest relative change of the metric G = H H^T under the operators' rotations, W^T G W - G. Zero where the cell has the
 * symmetry that its operators claim.
 */
export function metricDefect(operators: readonly SymmetryOperator[], cell: ArrayLike<number>): number {
  const g = multiply(cell, transpose(cell));
  let worst = 0;
  for (const { rotation } of operators) {
    const changed = multiply(multiply(transpose(rotation), g), rotation);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        worst = Math.max(worst, Math.abs(changed[3 * i + j]! - g[3 * i + j]!) / Math.sqrt(g[4 * i]! * g[4 * j]!));
      }
    }
  }
  return worst;
}

/** Number of pure lattice translations (centring vectors and the identity). */
export function countTranslations(operators: readonly SymmetryOperator[]): number {
  const identity = rotationKey(IDENTITY.rotation);
  return operators.filter((operator) => rotationKey(operator.rotation) === identity).length;
}

/** Last number of each class of space groups and the order of its point group (International Tables A, 2016, ch. 2.1). */
const POINT_GROUP_ORDERS: readonly (readonly [number, number])[] = [
  [1, 1],
  [9, 2],
  [15, 4],
  [46, 4],
  [74, 8],
  [82, 4],
  [98, 8],
  [122, 8],
  [142, 16],
  [146, 3],
  [148, 6],
  [161, 6],
  [167, 12],
  [174, 6],
  [186, 12],
  [190, 12],
  [194, 24],
  [199, 12],
  [220, 24],
  [230, 48],
]; // prettier-ignore

/** Order of the point group of a space group. */
export function pointGroupOrder(number: number): number | undefined {
  return POINT_GROUP_ORDERS.find(([last]) => number <= last && number >= 1)?.[1];
}
