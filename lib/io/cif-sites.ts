/** The atom table of a CIF: elements, charges, occupancies, coordinates (structures.md 5.2 and 5.3). */
import type { Vec3 } from '../cell.js';
import { atomicNumber, SYMBOLS } from '../elements.js';
import type { Warning } from '../structure.js';
import {
  type CifBlock,
  type CifPlace,
  type CifValue,
  cifColumn,
  cifError,
  cifNumber,
  cifText,
  excerpt,
  isUnknown,
} from './cif-tokens.js';
import type { SiteRow } from './crystal.js';

/** Isotopes with symbols of their own: atomic number and mass in amu. */
const ISOTOPES: Readonly<Record<string, { readonly species: number; readonly mass: number }>> = {
  D: { species: 1, mass: 2.014 },
  T: { species: 1, mass: 3.016 },
};

interface Kind {
  readonly species: number;
  readonly mass?: number;
  readonly charge?: number;
}

function kindOf(symbol: string): Kind | undefined {
  const isotope = Object.hasOwn(ISOTOPES, symbol) ? ISOTOPES[symbol] : undefined;
  if (isotope) return isotope;
  const species = atomicNumber(symbol);
  return species === undefined ? undefined : { species };
}

/** `Li1+`, `Li+`, `Li+1`, `O2-`, `LI`: element and charge. */
function kindOfTypeSymbol(text: string): Kind | undefined {
  const match = /^([A-Za-z]{1,3})(?:(\d+(?:\.\d+)?)?([+-])|([+-])(\d+(?:\.\d+)?)|\d+)?$/.exec(text);
  if (!match) return undefined;
  const letters = match[1]!;
  const kind = kindOf(letters) ?? kindOf(letters[0]!.toUpperCase() + letters.slice(1).toLowerCase());
  if (!kind) return undefined;
  const sign = match[3] ?? match[4];
  if (!sign) return kind;
  return { ...kind, charge: (sign === '-' ? -1 : 1) * Number(match[2] ?? match[5] ?? 1) };
}

/** Leading letters of a label: two if the second is lower case and the pair is an element, else one. */
function kindOfLabel(label: string): Kind | undefined {
  const letters = /^[A-Za-z]+/.exec(label)?.[0] ?? '';
  if (letters.length >= 2 && /[a-z]/.test(letters[1]!)) {
    const pair = kindOf(letters[0]!.toUpperCase() + letters[1]);
    if (pair) return pair;
  }
  return letters === '' ? undefined : kindOf(letters[0]!.toUpperCase());
}

/** Does the block have an atom table at all? */
export function hasAtoms(block: CifBlock): boolean {
  const columns = ['_atom_site_fract_x', '_atom_site_label', '_atom_site_type_symbol', '_atom_site_cartn_x'];
  return columns.some((name) => (cifColumn(block, name)?.length ?? 0) > 0);
}

/** Oxidation numbers by type symbol. */
function oxidationNumbers(block: CifBlock, place: CifPlace): Map<string, number> {
  const symbols = cifColumn(block, '_atom_type_symbol');
  const numbers = cifColumn(block, '_atom_type_oxidation_number');
  const out = new Map<string, number>();
  if (!symbols || !numbers || symbols.length !== numbers.length) return out;
  symbols.forEach((symbol, i) => {
    if (!isUnknown(numbers[i]!))
      out.set(cifText(symbol, '_atom_type_symbol', place), cifNumber(numbers[i]!, '_atom_type_oxidation_number', place));
  });
  return out;
}

/** Rows of the atom table; see `parseCif` for the errors. */
export function readSiteRows(
  block: CifBlock,
  place: CifPlace,
  options: { dropUnknownCoordinates?: boolean },
  warnings: Warning[],
): SiteRow[] {
  const column = (name: string) => cifColumn(block, name);
  const labels = column('_atom_site_label');
  const types = column('_atom_site_type_symbol');
  const fractions = ['x', 'y', 'z'].map((axis) => column(`_atom_site_fract_${axis}`));
  if (fractions.every((values) => values === undefined) && column('_atom_site_cartn_x')) {
    throw cifError(
      place,
      'E_CIF_UNSUPPORTED',
      column('_atom_site_cartn_x')![0]!.line,
      'the atoms have Cartesian coordinates only',
      {
        hint: 'fractional coordinates (_atom_site_fract_x, _y, _z) are needed',
      },
    );
  }
  const count = (labels ?? types ?? fractions.find(Boolean))?.length ?? 0;
  if (count === 0 || fractions.some((values) => values?.length !== count)) {
    throw cifError(
      place,
      'E_CIF_NO_SITES',
      block.line,
      `block ${excerpt(block.name)} has no table of atoms with _atom_site_fract_x, _y and _z`,
    );
  }
  if (!labels && !types) {
    throw cifError(
      place,
      'E_CIF_ELEMENT',
      fractions[0]![0]!.line,
      'the atoms have neither _atom_site_label nor _atom_site_type_symbol',
    );
  }
  const occupancies = column('_atom_site_occupancy');
  // The second is the spelling of the current dictionary, with `site` twice.
  const multiplicities = column('_atom_site_symmetry_multiplicity') ?? column('_atom_site_site_symmetry_multiplicity');
  const wyckoffs = column('_atom_site_wyckoff_symbol');
  const groups = column('_atom_site_disorder_group');
  const flags = column('_atom_site_calc_flag');
  const hydrogens = column('_atom_site_attached_hydrogens');
  const charges = oxidationNumbers(block, place);

  const rows: SiteRow[] = [];
  for (let i = 0; i < count; i++) {
    const line = (labels ?? types)![i]?.line;
    const type =
      types?.[i] && !(types[i]!.bare && types[i]!.text === '?') ? cifText(types[i]!, '_atom_site_type_symbol', place) : undefined;
    const label = labels?.[i] ? cifText(labels[i]!, '_atom_site_label', place) : `${type}${i + 1}`;
    if (flags?.[i]?.text.toLowerCase() === 'dum' || (type === '.' && types![i]!.bare)) {
      warnings.push({ code: 'W_CIF_DUMMY', message: `atom ${label} is a dummy and is left out`, line });
      continue;
    }
    const kind = type === undefined ? kindOfLabel(label) : kindOfTypeSymbol(type);
    if (!kind) {
      throw cifError(
        place,
        'E_CIF_ELEMENT',
        line,
        `atom ${excerpt(label)}: ${excerpt(type ?? label)} is not a chemical element`,
        {
          hint: `expected a type symbol such as Li, Li1+ or ${SYMBOLS[17]}-`,
        },
      );
    }
    const occupancy = readOccupancy(occupancies?.[i], label, place);
    const hydrogen = hydrogens?.[i];
    if (hydrogen && !isUnknown(hydrogen) && cifNumber(hydrogen, '_atom_site_attached_hydrogens', place) > 0) {
      throw cifError(place, 'E_CIF_IMPLICIT_H', hydrogen.line, `atom ${label} carries hydrogen atoms that have no coordinates`);
    }
    const coordinates = fractions.map((values) => values![i]!);
    if (coordinates.some(isUnknown)) {
      if (occupancy === 0 || options.dropUnknownCoordinates) {
        warnings.push({ code: 'W_CIF_DROPPED_ATOM', message: `atom ${label} has no coordinates and is left out`, line });
        continue;
      }
      throw cifError(
        place,
        'E_CIF_COORDINATE',
        line,
        `atom ${label} has unknown coordinates; leaving it out would change the composition`,
        {
          hint: 'complete the file, or give the option dropUnknownCoordinates',
        },
      );
    }
    const multiplicity = multiplicities?.[i];
    const wyckoff = wyckoffs?.[i];
    const group = groups?.[i];
    rows.push({
      label,
      species: kind.species,
      mass: kind.mass,
      charge: (type === undefined ? undefined : charges.get(type)) ?? kind.charge ?? charges.get(SYMBOLS[kind.species]!),
      occupancy,
      position: coordinates.map((value, k) => cifNumber(value, `_atom_site_fract_${'xyz'[k]}`, place)) as Vec3,
      multiplicity:
        multiplicity && !isUnknown(multiplicity) ? cifNumber(multiplicity, '_atom_site_symmetry_multiplicity', place) : undefined,
      wyckoff: wyckoff && !isUnknown(wyckoff) ? cifText(wyckoff, '_atom_site_Wyckoff_symbol', place) : undefined,
      disorderGroup: group && !isUnknown(group) ? cifText(group, '_atom_site_disorder_group', place) : undefined,
      line,
    });
  }
  if (rows.length === 0)
    throw cifError(place, 'E_CIF_NO_SITES', block.line, `block ${excerpt(block.name)} has no atom with coordinates`);
  return rows;
}

function readOccupancy(value: CifValue | undefined, label: string, place: CifPlace): number {
  // The dictionary's default is one; an unknown occupancy is another thing.
  if (!value || (value.bare && value.text === '.')) return 1;
  const bad = (found: string) =>
    cifError(place, 'E_CIF_OCCUPANCY', value.line, `atom ${label}: the occupancy is ${found}, expected a number from 0 to 1`);
  if (isUnknown(value)) throw bad('unknown');
  const occupancy = cifNumber(value, '_atom_site_occupancy', place);
  if (occupancy < 0 || occupancy > 1.001) throw bad(value.text);
  return occupancy;
}
