/** Which tabulated setting a CIF means when it names a space group and lists no operators (structures.md 5.5). */
import { type CifBlock, type CifPlace, type CifValue, cifError, cifItem, cifNumber, cifText, excerpt } from './cif-tokens.js';
import type { SpaceGroupSetting, SymmetryLibrary } from './symmetry-library.js';
import { metricDefect, type SymmetryOperator } from './symmetry-operators.js';

/** What a file says about its space group. */
export interface NamedGroup {
  readonly hall?: CifValue;
  readonly hermannMauguin?: CifValue;
  readonly number?: number;
  readonly line?: number;
}

export function namedGroup(block: CifBlock, place: CifPlace): NamedGroup {
  const number = cifItem(block, '_space_group_it_number', '_symmetry_int_tables_number');
  const hall = cifItem(block, '_space_group_name_hall', '_symmetry_space_group_name_hall');
  const hermannMauguin = cifItem(
    block,
    '_space_group_name_h-m_alt',
    '_symmetry_space_group_name_h-m',
    '_space_group_name_h-m_full',
  );
  const value = number === undefined ? undefined : cifNumber(number, '_space_group_IT_number', place);
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= 230)) {
    throw cifError(place, 'E_NUMBER', number!.line, `_space_group_IT_number: expected 1 to 230, found ${excerpt(number!.text)}`);
  }
  return { hall, hermannMauguin, number: value, line: (hall ?? hermannMauguin ?? number)?.line };
}

/** Largest relative difference of the metric that still counts as having the symmetry of a setting: about half a degree. */
const METRIC_TOLERANCE = 0.01;

/**
 * Operators of the setting that a file names, by Hall symbol, else Hermann-Mauguin symbol, else number. Of the settings that a
 * symbol allows those are kept that fit the cell (this decides between rhombohedral and hexagonal axes, and between unique axes).
 * Throws `E_CIF_ORIGIN_AMBIGUOUS` where two origins remain, `E_CIF_NO_SYMOPS` where nothing fits.
 */
export function operatorsOfGroup(
  group: NamedGroup,
  cell: ArrayLike<number>,
  library: SymmetryLibrary,
  originChoice: 1 | 2 | undefined,
  place: CifPlace,
): { setting: SpaceGroupSetting; operators: SymmetryOperator[] } {
  const { name, candidates } = candidatesOf(group, library, place);
  const refuse = (message: string, hint: string) => cifError(place, 'E_CIF_NO_SYMOPS', group.line, message, { hint });
  if (candidates.length === 0) {
    throw refuse(`no operators are listed, and ${name} is not a tabulated space group setting`, 'list the operators in the file');
  }
  const fitting = candidates
    .map((setting) => ({ setting, operators: library.operators(setting) }))
    .filter(({ operators }) => metricDefect(operators, cell) < METRIC_TOLERANCE);
  if (fitting.length === 0) {
    throw refuse(
      `no operators are listed, and the cell does not have the shape that ${name} asks for`,
      'check lengths, angles and axes (unique axis, hexagonal or rhombohedral), or list the operators',
    );
  }
  const first = fitting[0]!;
  // Entries of one symbol are ordered by preference; only those of the same axes as the first one compete.
  const axes = first.setting.setting.replace(/^[12]/, '');
  const rivals = fitting.filter(
    ({ setting }) => setting.number === first.setting.number && setting.setting.replace(/^[12]/, '') === axes,
  );
  const origin = (setting: SpaceGroupSetting) => /^[12]/.exec(setting.setting)?.[0];
  if (rivals.length > 1 && origin(rivals[0]!.setting) !== undefined) {
    const chosen = rivals.find(({ setting }) => Number(origin(setting)) === originChoice);
    if (chosen) return chosen;
    throw cifError(
      place,
      'E_CIF_ORIGIN_AMBIGUOUS',
      group.line,
      `${name} has two origins, and the file lists no operators and names none`,
      {
        hint: 'give the option originChoice: 1 or 2, or write the symbol with :1 or :2; the wrong origin gives impossible distances',
      },
    );
  }
  return first;
}

function candidatesOf(
  group: NamedGroup,
  library: SymmetryLibrary,
  place: CifPlace,
): { name: string; candidates: SpaceGroupSetting[] } {
  if (group.hall) {
    const text = cifText(group.hall, '_space_group_name_Hall', place);
    const wanted = hallKey(text);
    const candidates = library.settings.filter((setting) => hallKey(setting.hall) === wanted);
    // A Hall symbol is complete: entries that share it have the same operators.
    if (candidates.length > 0) return { name: `the Hall symbol ${excerpt(text)}`, candidates: candidates.slice(0, 1) };
    if (!group.hermannMauguin) return { name: `the Hall symbol ${excerpt(text)}`, candidates };
  }
  if (group.hermannMauguin) {
    const text = cifText(group.hermannMauguin, '_space_group_name_H-M_alt', place);
    return { name: `the symbol ${excerpt(text)}`, candidates: byHermannMauguin(text, library.settings) };
  }
  const candidates = library.settings.filter(({ number }) => number === group.number);
  return { name: `space group ${group.number}`, candidates: candidates.filter(isStandard) };
}

/** Standard settings: unique axis b with cell choice 1, abc; both origins, both kinds of rhombohedral axes. */
function isStandard({ setting }: SpaceGroupSetting): boolean {
  return ['', 'b', 'b1', '1', '2', 'H', 'R'].includes(setting);
}

function hallKey(text: string): string {
  return text.trim().toLowerCase().replaceAll('"', '=').replaceAll('_', ' ').replace(/\s+/g, ' ');
}

function symbolKey(text: string): string {
  return text.toLowerCase().replace(/[\s_()]/g, '');
}

/** Splits `R -3 m :H`, `F d -3 m S`, `P42/nmc O2` into the symbol and the setting (`1`, `2`, `H`, `R`, `b1` ...). */
function splitSymbol(text: string): { symbol: string; suffix?: string } {
  const colon = text.indexOf(':');
  if (colon >= 0) return { symbol: text.slice(0, colon), suffix: text.slice(colon + 1).trim() };
  const words = /^(.*?)\s*\(?origin choice ([12])\)?$/i.exec(text) ?? /^(.*?)\s*O([12])$/.exec(text);
  if (words) return { symbol: words[1]!, suffix: words[2]! };
  // The letters of the Inorganic Crystal Structure Database: S and Z are origins 1 and 2, HR and H hexagonal axes.
  const letter = /^(.*\S)\s*(HR|[HRSZ])$/.exec(text.trim());
  if (letter) return { symbol: letter[1]!, suffix: { S: '1', Z: '2', H: 'H', HR: 'H', R: 'R' }[letter[2]!] };
  return { symbol: text };
}

/** The five groups whose symbols had another letter before the glide e was introduced (International Tables A, 1992). */
const OLD_GLIDES: Readonly<Record<string, readonly [number, string]>> = {
  abm2: [39, ''],
  bma2: [39, 'ba-c'],
  b2cm: [39, 'cab'],
  c2mb: [39, '-cba'],
  cm2a: [39, 'bca'],
  ac2m: [39, 'a-cb'],
  aba2: [41, ''],
  bba2: [41, 'ba-c'],
  b2cb: [41, 'cab'],
  c2cb: [41, '-cba'],
  cc2a: [41, 'bca'],
  ac2a: [41, 'a-cb'],
  cmca: [64, ''],
  ccmb: [64, 'ba-c'],
  abma: [64, 'cab'],
  acam: [64, '-cba'],
  bbcm: [64, 'bca'],
  bmab: [64, 'a-cb'],
  cmma: [67, ''],
  cmmb: [67, 'ba-c'],
  abmm: [67, 'cab'],
  acmm: [67, '-cba'],
  bmcm: [67, 'bca'],
  bmam: [67, 'a-cb'],
  ccca: [68, ''],
  cccb: [68, 'ba-c'],
  abaa: [68, 'cab'],
  acaa: [68, '-cba'],
  bbcb: [68, 'bca'],
  bbab: [68, 'a-cb'],
}; // prettier-ignore

function byHermannMauguin(text: string, settings: readonly SpaceGroupSetting[]): SpaceGroupSetting[] {
  const { symbol, suffix } = splitSymbol(text.trim());
  const key = symbolKey(symbol);
  const old = OLD_GLIDES[key];
  const matches = settings.filter(
    (setting) =>
      symbolKeys(setting).includes(key) ||
      (old !== undefined && setting.number === old[0] && setting.setting.replace(/^[12]/, '') === old[1]),
  );
  if (suffix === undefined || suffix === '') return matches;
  const wanted = suffix.toLowerCase();
  const exact = matches.filter((setting) => setting.setting.toLowerCase() === wanted);
  // `:1` and `:2` may stand behind a symbol that names its axes already (P n c b :2).
  return exact.length > 0 ? exact : matches.filter((setting) => setting.setting.startsWith(wanted) && /^[12]$/.test(wanted));
}

/** All spellings of a setting's symbol. */
function symbolKeys(setting: SpaceGroupSetting): string[] {
  const full = symbolKey(setting.hermannMauguinFull);
  const { number } = setting;
  if (number >= 3 && number <= 15) {
    // The short symbol of a monoclinic group belongs to the standard setting; P 21/n is the full symbol without its 1s.
    const parts = setting.hermannMauguinFull.split(' ');
    return [full, symbolKey([parts[0], ...parts.slice(1).filter((part) => part !== '1')].join(''))];
  }
  const short = symbolKey(setting.hermannMauguin);
  // Cubic symbols were written with 3 for -3 (F d 3 m).
  const old = number >= 200 && short.includes('-3') ? [short.replace('-3', '3')] : [];
  return [full, short, ...old];
}
