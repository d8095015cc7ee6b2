/**
 * The symmetry library (`@spglib/moyo-wasm`) behind two calls: operators of the 530 tabulated settings, and the space group of a
 * structure. The module is loaded once, on first use.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction, constants, runInThisContext } from 'node:vm';
import { StructureError } from '../errors.js';
import type { SymmetryOperator } from './symmetry-operators.js';

type Moyo = typeof import('@spglib/moyo-wasm', { with: { 'resolution-mode': 'import' }});
type Nine = [number, number, number, number, number, number, number, number, number];

/** One tabulated setting of a space group (International Tables; numbering of the Hall symbols 1..530). */
export interface SpaceGroupSetting {
  readonly hallNumber: number;
  /** 1..230. */
  readonly number: number;
  /** Axes or origin: `b1`, `2`, `H`, `cab` ...; empty for the standard one. */
  readonly setting: string;
  readonly hall: string;
  readonly hermannMauguin: string;
  readonly hermannMauguinFull: string;
}

/** What an analysis finds. All of it refers to the cell that was given. */
export interface SymmetryAnalysis {
  /** 1..230. */
  readonly number: number;
  /** `P m -3 m`. */
  readonly hermannMauguin: string;
  /** `cF8`: crystal family, centring, atoms in the conventional cell. */
  readonly pearson: string;
  readonly operators: readonly SymmetryOperator[];
  /** For each atom the first atom that is symmetrically equal to it. */
  readonly orbits: readonly number[];
  /** Wyckoff letter of each atom. */
  readonly wyckoff: readonly string[];
  /** Distance within which atoms were taken as equal, A. */
  readonly tolerance: number;
}

export interface SymmetryLibrary {
  readonly settings: readonly SpaceGroupSetting[];
  operators(setting: SpaceGroupSetting): SymmetryOperator[];
  /** `cell`: nine numbers, rows; `fractional`: 3N; `kinds`: N positive integers. Throws `E_SYMMETRY` where none can be found. */
  analyze(cell: ArrayLike<number>, fractional: ArrayLike<number>, kinds: ArrayLike<number>, tolerance: number): SymmetryAnalysis;
}

let loading: Promise<SymmetryLibrary> | null = null;

/** The library, loaded on the first call. */
export function loadSymmetryLibrary(): Promise<SymmetryLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<SymmetryLibrary> {
  const entry = require.resolve('@spglib/moyo-wasm');
  const moyo = await importModule(pathToFileURL(entry).href);
  // An object of the main realm: the library knows its options by their prototype.
  const options = runInThisContext('({})') as { module: Uint8Array<ArrayBuffer> };
  options.module = new Uint8Array(readFileSync(join(dirname(entry), 'moyo_wasm_bg.wasm')));
  moyo.initSync(options);
  const settings: SpaceGroupSetting[] = [];
  for (let hallNumber = 1; hallNumber <= 530; hallNumber++) {
    const entry = moyo.hall_symbol_entry(hallNumber);
    settings.push({
      hallNumber,
      number: entry.number,
      setting: entry.setting,
      hall: entry.hall_symbol,
      hermannMauguin: entry.hm_short.replaceAll('_', ''),
      hermannMauguinFull: entry.hm_full.replaceAll('_', ''),
    });
  }
  return {
    settings,
    operators: ({ number, hallNumber }) =>
      moyo.operations_from_number(number, { type: 'HallNumber', value: hallNumber }, false).map(fromLibrary),
    analyze: (cell, fractional, kinds, tolerance) => analyze(moyo, cell, fractional, kinds, tolerance),
  };
}

/**
 * The package is an ES module. Inside a VM context without a module loader (test runners) a plain import() is refused; the
 * loader of the main context then does the same.
 */
async function importModule(url: string): Promise<Moyo> {
  try {
    return (await import(url)) as Moyo;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG') throw error;
    const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    return (await compileFunction('return import(url)', ['url'], { importModuleDynamically })(url)) as Moyo;
  }
}

/** The library gives rotations column by column; ours are row-major. Translations are snapped to multiples of 1/24 where they are one. */
function fromLibrary(operation: { rotation: Nine; translation: [number, number, number] }): SymmetryOperator {
  const r = operation.rotation;
  return {
    rotation: [r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]],
    translation: operation.translation.map(snapped) as [number, number, number],
  };
}

/** In [0, 1); a found translation carries the noise of the coordinates it was found from. */
function snapped(value: number): number {
  const nearest = Math.round(value * 24) / 24;
  const clean = Math.abs(value - nearest) < 1e-3 ? nearest : value;
  return clean - Math.floor(clean);
}

function analyze(
  moyo: Moyo,
  cell: ArrayLike<number>,
  fractional: ArrayLike<number>,
  kinds: ArrayLike<number>,
  tolerance: number,
): SymmetryAnalysis {
  const positions: [number, number, number][] = [];
  for (let i = 0; i < kinds.length; i++) positions.push([fractional[3 * i]!, fractional[3 * i + 1]!, fractional[3 * i + 2]!]);
  const input = { lattice: { basis: Array.from(cell) }, positions, numbers: Array.from(kinds) };
  try {
    const found = moyo.analyze_cell(JSON.stringify(input), tolerance, 'Standard');
    return {
      number: found.number,
      hermannMauguin: found.hm_symbol.replaceAll('_', ''),
      pearson: found.pearson_symbol,
      operators: found.operations.map(fromLibrary),
      orbits: found.orbits,
      wyckoff: found.wyckoffs,
      tolerance,
    };
  } catch (error) {
    throw new StructureError('E_SYMMETRY', `no space group found within ${tolerance} A: ${String(error)}`, {
      hint: 'try another tolerance; atoms that overlap have no symmetry',
      cause: error,
    });
  }
}
