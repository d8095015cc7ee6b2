/** The builder `crystal`: a bundled crystal or a file, repeated (interface.md 4). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { nearest, notAvailable, onlyOptions, StructureError } from '../errors.js';
import { type CifOptions, readCifStructure } from '../io/cif.js';
import { fileError } from '../io/file-errors.js';
import { parsePoscar } from '../io/poscar.js';
import type { JsonValue, Structure } from '../structure.js';
import { requireNeutral } from './checks.js';
import { parseFormula, reducedFormula } from './formula.js';
import { PACKAGE_ROOT, withProvenance } from './provenance.js';
import { integerMatrix, type SupercellMatrix, supercell } from './supercell.js';

export interface CrystalOptions
  extends Pick<CifOptions, 'block' | 'originChoice' | 'siteTolerance' | 'symmetryTables' | 'dropUnknownCoordinates'> {
  /** Formula (`MgCl2`, elements in any order) or id of a bundled crystal. */
  readonly name?: string;
  /** File name of a bundled crystal, or the path of any CIF or POSCAR. */
  readonly file?: string;
  /** Repetitions along a, b, c, or an integer matrix whose rows are the new vectors. */
  readonly supercell?: SupercellMatrix | { readonly matrix: SupercellMatrix };
  /** Accept a total formal charge other than zero. */
  readonly allowCharged?: boolean;
  /** How partial occupancies are resolved: not available in this version. */
  readonly occupancy?: unknown;
  /** Steps that follow: not available in this version. */
  readonly then?: unknown;
}

/** Where a recipe stands: names keys in messages and resolves relative paths. */
export interface RecipeContext {
  /** Path of the key of this builder, such as `structure.crystal`. */
  readonly key?: string;
  /** Folder that relative paths start from; the working directory by default. */
  readonly directory?: string;
}

const OPTION_NAMES = [
  'name',
  'file',
  'supercell',
  'allowCharged',
  'occupancy',
  'then',
  'block',
  'originChoice',
  'siteTolerance',
  'symmetryTables',
  'dropUnknownCoordinates',
]; // prettier-ignore

/** A crystal of the package. */
export interface BundledCrystal {
  readonly id: string;
  /** Name of the file in `data/crystals`. */
  readonly file: string;
  readonly formula: string;
  /** Hermann-Mauguin symbol with its setting. */
  readonly spaceGroup: string;
  readonly spaceGroupNumber: number;
  /** Positions in the cell, partially filled ones included. */
  readonly sites: number;
  /** A^3. */
  readonly volume: number;
  /** g/cm3. */
  readonly density: number;
  /** False where positions are partially filled. */
  readonly ordered: boolean;
  /** Where the cell comes from: relaxed by density functional theory, measured, or assembled. */
  readonly kind: 'dft' | 'experiment' | 'model';
}

const FOLDER = join(PACKAGE_ROOT, 'data', 'crystals');

let bundled: readonly BundledCrystal[] | undefined;

/** All bundled crystals, in the order of their index. */
export function listCrystals(): readonly BundledCrystal[] {
  bundled ??= readIndex();
  return bundled;
}

function readIndex(): BundledCrystal[] {
  interface Entry {
    id: string;
    file: string;
    formula: string;
    space_group_hm: string;
    space_group_number: number;
    sites_in_cell: number;
    volume: number;
    density_g_cm3: number;
    ordered: boolean;
    kind: BundledCrystal['kind'];
  }
  const { crystals } = JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as { crystals: Entry[] };
  return crystals.map((entry) => ({
    id: entry.id,
    file: entry.file,
    formula: entry.formula,
    spaceGroup: entry.space_group_hm,
    spaceGroupNumber: entry.space_group_number,
    sites: entry.sites_in_cell,
    volume: entry.volume,
    density: entry.density_g_cm3,
    ordered: entry.ordered,
    kind: entry.kind,
  }));
}

/**
 * The atoms of a crystal, `supercell` applied. Errors: those of the reader (`E_PARTIAL_OCCUPANCY` for disordered crystals) and of `supercell`,
 * `E_CRYSTAL_UNKNOWN`, `E_CRYSTAL_AMBIGUOUS` with the choices, `E_NOT_NEUTRAL`, `NOT_AVAILABLE`.
 */
export async function crystal(options: CrystalOptions, context: RecipeContext = {}): Promise<Structure> {
  const key = context.key ?? 'crystal';
  onlyOptions(key, options, OPTION_NAMES);
  if (options.occupancy !== undefined) {
    throw notAvailable(
      `${key}.occupancy`,
      'filling partially occupied sites',
      'choose an ordered crystal, or order the sites in the file',
    );
  }
  if (options.then !== undefined) throw notAvailable(`${key}.then`, 'changing a built structure in steps (then)', 'leave it out');
  if ((options.name === undefined) === (options.file === undefined)) {
    throw new StructureError('E_CRYSTAL_UNKNOWN', `${key}: expected either name or file`, {
      key,
      hint: 'name: MgCl2, or file: MgCl2_R-3m.cif',
    });
  }
  // A matrix that is wrong should not wait for the file to be read.
  const matrix = options.supercell === undefined ? undefined : integerMatrix(supercellOf(options.supercell), `${key}.supercell`);
  const entry = options.name !== undefined ? findByName(options.name, `${key}.name`) : findByFile(options.file!, `${key}.file`);
  const path = entry ? join(FOLDER, entry.file) : resolve(context.directory ?? '.', checkedText(options.file, `${key}.file`));
  const shown = entry ? entry.file : options.file!;
  const unit = await readUnit(path, shown, options, key, entry === undefined);
  requireNeutral(unit.structure, { allowCharged: options.allowCharged });
  const parameters: JsonValue = {
    file: entry ? entry.file : basename(path),
    ...(options.name === undefined ? {} : { name: options.name }),
  };
  const built = withProvenance(unit.structure, { builder: 'crystal', parameters, inputs: [unit.hash] });
  return matrix === undefined ? built : supercell(built, matrix);
}

function supercellOf(value: NonNullable<CrystalOptions['supercell']>): SupercellMatrix {
  return typeof value === 'object' && value !== null && 'matrix' in value ? value.matrix : (value as SupercellMatrix);
}

function checkedText(value: unknown, key: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new StructureError('E_CRYSTAL_UNKNOWN', `${key}: expected text, got ${JSON.stringify(value)}`, { key });
}

/** Bundled crystal with this id or formula; throws where there is none, or more than one. */
function findByName(name: string, key: string): BundledCrystal {
  const all = listCrystals();
  const text = checkedText(name, key).trim();
  const byId = all.find(({ id }) => id === text);
  if (byId) return byId;
  const wanted = reducedFormula(parseFormula(text, key)).formula;
  const matches = all.filter(({ formula }) => reducedFormula(parseFormula(formula)).formula === wanted);
  if (matches.length === 1) return matches[0]!;
  if (matches.length === 0) {
    const guess = nearest(
      text,
      all.map(({ formula }) => formula),
    );
    throw new StructureError('E_CRYSTAL_UNKNOWN', `${key}: no bundled crystal has the formula ${text}`, {
      key,
      hint: guess
        ? `did you mean "${guess}"? ionclay build --list shows all`
        : 'ionclay build --list shows all; a CIF or POSCAR of your own goes in file:',
    });
  }
  const choices = matches.map(describe);
  throw new StructureError(
    'E_CRYSTAL_AMBIGUOUS',
    `${key}: ${matches.length} bundled crystals have the formula ${text}: ${choices.join('; ')}`,
    {
      key,
      hint: `choose one with file: ${matches[0]!.file}`,
      choices: matches.map(({ file }) => file),
    },
  );
}

function describe({ file, spaceGroup, ordered }: BundledCrystal): string {
  return `${file} (${spaceGroup}${ordered ? '' : ', partial occupancies'})`;
}

/** A bundled crystal by file name; undefined where the text is a path. */
function findByFile(file: string, key: string): BundledCrystal | undefined {
  const text = checkedText(file, key);
  return listCrystals().find((entry) => entry.file === text);
}

async function readUnit(
  path: string,
  shown: string,
  options: CrystalOptions,
  key: string,
  isPath: boolean,
): Promise<{ structure: Structure; hash: string }> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const guess =
      isPath && basename(shown) === shown
        ? nearest(
            shown,
            listCrystals().map(({ file }) => file),
          )
        : undefined;
    if (guess && (error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new StructureError('E_CRYSTAL_UNKNOWN', `${key}.file: ${shown} is neither a bundled crystal nor a file here`, {
        key: `${key}.file`,
        file: shown,
        hint: `did you mean "${guess}"? ionclay build --list shows all`,
        cause: error,
      });
    }
    throw fileError(shown, error);
  }
  const text = bytes.toString('utf8');
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (!looksLikeCif(text)) return { structure: parsePoscar(text, { file: shown }), hash };
  const { block, originChoice, siteTolerance, symmetryTables, dropUnknownCoordinates } = options;
  const structure = await readCifStructure(text, {
    file: shown,
    block,
    originChoice,
    siteTolerance,
    symmetryTables,
    dropUnknownCoordinates,
  });
  return { structure, hash };
}

/** First thing that is not a comment is `data_` (structures.md 23.4). */
function looksLikeCif(text: string): boolean {
  return /^\uFEFF?(?:\s|#[^\r\n]*(?:[\r\n]|$))*data_/i.test(text);
}
