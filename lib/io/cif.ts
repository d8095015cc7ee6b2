/**
 * CIF: crystals from text (structures.md 5). `parseCif` gives the crystal with its symmetry, `readCifStructure` the plain structure of
 * its cell; `formatCif` writes one.
 */
import { cellFromLengthsAndAngles, determinant, timesMatrix, type Vec3 } from '../cell.js';
import { IonclayError } from '../errors.js';
import { type JsonValue, makeStructure, massesOf, type Structure, type Warning } from '../structure.js';
import { crossChecks } from './cif-checks.js';
import { hasAtoms, readSiteRows } from './cif-sites.js';
import {
  type CifBlock,
  type CifPlace,
  cifColumn,
  cifError,
  cifItem,
  cifNumber,
  cifText,
  excerpt,
  parseCifBlocks,
} from './cif-tokens.js';
import { type Crystal, type ExpandedCrystal, expandRows } from './crystal.js';
import { namedGroup, operatorsOfGroup } from './space-group-settings.js';
import { loadSymmetryLibrary, type SymmetryLibrary } from './symmetry-library.js';
import {
  countTranslations,
  groupDefect,
  IDENTITY,
  metricDefect,
  parseOperator,
  pointGroupOrder,
  type SymmetryOperator,
} from './symmetry-operators.js';

export { type CifFormatOptions, formatCif } from './cif-writer.js';

export interface CifOptions {
  /** Named in messages. */
  readonly file?: string;
  /** Data block to read where several hold atoms. */
  readonly block?: string;
  /** Build missing operators from the space group tables (default true). */
  readonly symmetryTables?: boolean;
  /** Origin of the groups that have two, where the file does not say. */
  readonly originChoice?: 1 | 2;
  /** Distance within which two symmetry images are one point, A (default 0.02). */
  readonly siteTolerance?: number;
  /** Leave atoms without coordinates out, with a warning, in place of refusing the file. */
  readonly dropUnknownCoordinates?: boolean;
}

const DEFAULT_SITE_TOLERANCE = 0.02;

/** More atoms than this in one cell are a mistake, not a crystal. */
const MAXIMUM_ATOMS = 50e6;

/**
 * The crystal of a CIF. Operators come from the file; only where it lists none and names a group is the symmetry library needed, and
 * then it must be given (`await loadSymmetryLibrary()`); `readCif` does that by itself.
 *
 * Throws `StructureError` with file and line: the `E_CIF_...` codes of structures.md 5.3-5.6, `E_EMPTY`, `E_NUMBER`, `E_CELL_INVALID`.
 */
export function parseCif(text: string, options: CifOptions = {}, library?: SymmetryLibrary): Crystal {
  return crystalOf(chooseBlock(parseCifBlocks(text, options), options), options, library);
}

/** `parseCif` that loads the symmetry library where the file needs it. */
export async function readCif(text: string, options: CifOptions = {}): Promise<Crystal> {
  const block = chooseBlock(parseCifBlocks(text, options), options);
  const needed = operatorTexts(block) === undefined && options.symmetryTables !== false && namesGroup(block, options);
  return crystalOf(block, options, needed ? await loadSymmetryLibrary() : undefined);
}

/**
 * The atoms of one cell, in file order and, inside a row, in the order of the operators. Throws `E_PARTIAL_OCCUPANCY` with the list of
 * sites where the crystal is not ordered.
 */
export async function readCifStructure(text: string, options: CifOptions = {}): Promise<Structure> {
  return structureOfCrystal(await readCif(text, options), options);
}

function chooseBlock(blocks: readonly CifBlock[], options: CifOptions): CifBlock {
  const withAtoms = blocks.filter(hasAtoms);
  const names = withAtoms.map(({ name }) => name).join(', ');
  if (options.block !== undefined) {
    const chosen = withAtoms.find(({ name }) => name.toLowerCase() === options.block!.toLowerCase());
    if (chosen) return chosen;
    throw cifError(
      options,
      'E_CIF_BLOCK_CHOICE',
      undefined,
      `no block ${excerpt(options.block)} with atoms; there are: ${names || 'none'}`,
    );
  }
  if (withAtoms.length > 1) {
    throw cifError(options, 'E_CIF_BLOCK_CHOICE', withAtoms[1]!.line, `${withAtoms.length} blocks hold atoms: ${names}`, {
      hint: 'choose one with the option block',
    });
  }
  // A block without atoms is described best by what it has: a cell, and no atoms.
  return withAtoms[0] ?? blocks.find((block) => block.items.has('_cell_length_a')) ?? blocks[0]!;
}

function crystalOf(block: CifBlock, options: CifOptions, library?: SymmetryLibrary): Crystal {
  const warnings: Warning[] = [];
  refuseModulated(block, options);
  const cell = readCell(block, options, warnings);
  const rows = readSiteRows(block, options, options, warnings);
  const { operators, spaceGroup } = readOperators(block, cell, options, library, warnings);
  const tolerance = options.siteTolerance ?? DEFAULT_SITE_TOLERANCE;
  if (!(tolerance > 0 && tolerance < 1)) {
    throw cifError(options, 'E_NUMBER', undefined, `siteTolerance is ${tolerance} A, expected a distance between 0 and 1 A`, {
      key: 'siteTolerance',
    });
  }
  if (rows.length * operators.length > MAXIMUM_ATOMS) {
    throw cifError(
      options,
      'E_TOO_LARGE',
      undefined,
      `${rows.length} rows and ${operators.length} operators give more than 50 million atoms`,
    );
  }
  const { asymmetric, expanded } = expandRows(rows, operators, cell, tolerance, options);
  warnings.push(...crossChecks(block, options, expanded));
  return { cell, operators, spaceGroup, asymmetric, name: block.name, warnings, expand: () => expanded };
}

function refuseModulated(block: CifBlock, place: CifPlace): void {
  const dimension = cifItem(block, '_cell_modulation_dimension');
  if (dimension && cifNumber(dimension, '_cell_modulation_dimension', place) > 0) {
    throw cifError(place, 'E_CIF_UNSUPPORTED', dimension.line, 'modulated structures are not read');
  }
  const names = [...block.items.keys(), ...block.loops.flatMap((loop) => loop.names)];
  const magnetic = names.find((name) => name.startsWith('_space_group_symop_magn_'));
  if (magnetic)
    throw cifError(place, 'E_CIF_UNSUPPORTED', cifColumn(block, magnetic)?.[0]?.line, 'magnetic symmetry operators are not read');
}

function readCell(block: CifBlock, place: CifPlace, warnings: Warning[]): Float64Array {
  const lengths = ['a', 'b', 'c'].map((axis) => {
    const name = `_cell_length_${axis}`;
    const value = cifItem(block, name);
    if (!value) throw cifError(place, 'E_CIF_NO_CELL', block.line, `block ${excerpt(block.name)} has no ${name}`);
    return cifNumber(value, name, place);
  }) as Vec3;
  const angles = ['alpha', 'beta', 'gamma'].map((angle) => {
    const name = `_cell_angle_${angle}`;
    const value = cifItem(block, name);
    if (value) return cifNumber(value, name, place);
    warnings.push({ code: 'W_CIF_DEFAULT_ANGLE', message: `${name} is not given and is taken as 90 degrees`, line: block.line });
    return 90;
  }) as Vec3;
  const line = cifItem(block, '_cell_length_a')!.line;
  try {
    const cell = cellFromLengthsAndAngles(lengths, angles);
    if (!(determinant(cell) > 1e-6))
      throw new IonclayError('E_CELL_INVALID', `the cell has a volume of ${determinant(cell)} A^3`);
    return cell;
  } catch (error) {
    if (!(error instanceof IonclayError)) throw error;
    throw cifError(place, error.code, line, error.message, { hint: error.hint });
  }
}

const OPERATOR_NAMES = ['_space_group_symop_operation_xyz', '_symmetry_equiv_pos_as_xyz'];

function operatorTexts(block: CifBlock) {
  for (const name of OPERATOR_NAMES) {
    const column = cifColumn(block, name);
    if (column?.some((value) => !(value.bare && /^[.?]$/.test(value.text)))) return column;
  }
  return undefined;
}

function namesGroup(block: CifBlock, place: CifPlace): boolean {
  const group = namedGroup(block, place);
  return group.hall !== undefined || group.hermannMauguin !== undefined || group.number !== undefined;
}

function readOperators(
  block: CifBlock,
  cell: Float64Array,
  options: CifOptions,
  library: SymmetryLibrary | undefined,
  warnings: Warning[],
): { operators: readonly SymmetryOperator[]; spaceGroup?: Crystal['spaceGroup'] } {
  const group = namedGroup(block, options);
  const texts = operatorTexts(block);
  const named = namesGroup(block, options);
  const spaceGroup = named
    ? { number: group.number, hermannMauguin: group.hermannMauguin?.text, hall: group.hall?.text }
    : undefined;
  if (!texts) {
    if (!named) {
      warnings.push({
        code: 'W_CIF_ASSUMED_P1',
        message: 'neither operators nor a space group: every atom is taken as listed (P 1)',
        line: block.line,
      });
      return { operators: [IDENTITY] };
    }
    if (options.symmetryTables === false || !library) {
      throw cifError(options, 'E_CIF_NO_SYMOPS', group.line, 'a space group is named, and no symmetry operators are listed', {
        hint:
          options.symmetryTables === false
            ? 'list the operators, or allow the space group tables (symmetryTables: true)'
            : 'load the space group tables first (readCif does), or list the operators',
      });
    }
    const { setting, operators } = operatorsOfGroup(group, cell, library, options.originChoice, options);
    const defect = groupDefect(operators);
    if (defect)
      throw cifError(options, 'E_CIF_SYMOP_GROUP', group.line, `the tabulated operators of ${setting.hermannMauguin}: ${defect}`);
    const suffix = setting.setting === '' ? '' : ` :${setting.setting}`;
    return {
      operators,
      spaceGroup: { number: setting.number, hermannMauguin: setting.hermannMauguin + suffix, hall: setting.hall },
    };
  }
  const operators = texts.map((value) => {
    const operator = parseOperator(cifText(value, '_space_group_symop_operation_xyz', options));
    if (typeof operator !== 'string') return operator;
    throw cifError(options, 'E_CIF_SYMOP', value.line, `${excerpt(value.text)} is not a symmetry operator: ${operator}`);
  });
  const defect = groupDefect(operators);
  if (defect) {
    throw cifError(options, 'E_CIF_SYMOP_GROUP', texts[0]!.line, `the symmetry operators are not a group: ${defect}`, {
      hint: 'list all operators of the space group, each once',
    });
  }
  if (metricDefect(operators, cell) > 0.01) {
    warnings.push({
      code: 'W_CIF_SYMOP_CELL',
      message: 'the cell does not have the symmetry of the listed operators',
      line: texts[0]!.line,
    });
  }
  const expected = expectedCount(group.number, group.hermannMauguin?.text, operators, cell);
  if (expected !== undefined && expected !== operators.length) {
    const message = `space group ${group.number} has ${expected} operators in this cell, the file lists ${operators.length}; those of the file are used`;
    warnings.push({ code: 'W_CIF_SYMOP_COUNT', message, line: texts[0]!.line });
  }
  return { operators, spaceGroup };
}

/** Order of the point group times the number of centring vectors, the latter from the symbol, else from the list itself. */
function expectedCount(
  number: number | undefined,
  symbol: string | undefined,
  operators: readonly SymmetryOperator[],
  cell: Float64Array,
) {
  const order = number === undefined ? undefined : pointGroupOrder(number);
  if (order === undefined) return undefined;
  const letter = symbol?.trim()[0]?.toUpperCase();
  const rhombohedralAxes = Math.abs(cell[3]! / Math.hypot(cell[3]!, cell[4]!) + 0.5) > 0.01;
  const centrings: Record<string, number> = { P: 1, A: 2, B: 2, C: 2, I: 2, F: 4, R: rhombohedralAxes ? 1 : 3 };
  return order * ((letter && centrings[letter]) || countTranslations(operators));
}

/** The ordered structure of a crystal's cell; throws `E_PARTIAL_OCCUPANCY` where a position is not full or holds two kinds of atoms. */
export function structureOfCrystal(crystal: Crystal, options: CifOptions = {}): Structure {
  refusePartialOccupancy(crystal, options);
  const expanded: ExpandedCrystal = crystal.expand();
  const rows = expanded.rows.filter(({ row }) => row.occupancy > 0);
  const n = rows.reduce((sum, { fractional }) => sum + fractional.length / 3, 0);
  const species = new Uint8Array(n);
  const positions = new Float64Array(3 * n);
  const labels: string[] = [];
  const hasCharges = rows.every(({ row }) => row.charge !== undefined);
  const hasMasses = rows.some(({ row }) => row.mass !== undefined);
  const charges = new Float64Array(n);
  let atom = 0;
  for (const { row, fractional } of rows) {
    for (let m = 0; m < fractional.length; m += 3) {
      species[atom] = row.species;
      charges[atom] = row.charge ?? 0;
      positions.set(timesMatrix(fractional.subarray(m, m + 3), crystal.cell), 3 * atom);
      labels.push(row.label);
      atom++;
    }
  }
  const { number, hermannMauguin } = crystal.spaceGroup ?? {};
  const info: Record<string, JsonValue> = {};
  if (options.file !== undefined) info.source = options.file;
  if (number !== undefined || hermannMauguin !== undefined) {
    info.space_group = hermannMauguin ?? String(number);
  }
  const structure = makeStructure(
    {
      cell: crystal.cell,
      species,
      positions,
      charges: hasCharges ? charges : undefined,
      tags: { label: labels },
      info,
      warnings: crystal.warnings,
    },
    { file: options.file },
  );
  return hasMasses ? { ...structure, masses: isotopeMasses(structure, rows) } : structure;
}

function isotopeMasses(structure: Structure, rows: ExpandedCrystal['rows']): Float64Array {
  const masses = massesOf(structure).slice();
  let atom = 0;
  for (const { row, fractional } of rows) {
    for (let m = 0; m < fractional.length; m += 3, atom++) if (row.mass !== undefined) masses[atom] = row.mass;
  }
  return masses;
}

function refusePartialOccupancy(crystal: Crystal, place: CifPlace): void {
  const partial = crystal.asymmetric.filter(({ occupants }) => {
    const present = occupants.filter(({ occupancy }) => occupancy > 0);
    // Full within the rounding of the file, or empty.
    return present.length > 1 || present.some(({ occupancy }) => occupancy < 1 - 1e-3);
  });
  if (partial.length === 0) return;
  const text = partial.map(({ occupants, multiplicity }) => {
    const who = occupants
      .map(({ label, element, occupancy }) => `${label} ${element} ${Number(occupancy.toFixed(6))}`)
      .join(' + ');
    return `${who} (${multiplicity} positions)`;
  });
  throw cifError(
    place,
    'E_PARTIAL_OCCUPANCY',
    undefined,
    `${partial.length} ${partial.length === 1 ? 'site is' : 'sites are'} not fully ordered: ${text.join('; ')}`,
    {
      hint: 'choose how the positions are filled with the option occupancy, or give an ordered structure',
      sites: partial.map(({ label, multiplicity, position, occupants }) => ({ label, multiplicity, position, occupants })),
    },
  );
}
