/** Which atoms a pair of names means: species, or named index lists; and the partition of atoms that counts them all in one pass. */
import type { Frame } from '../dynamics/frame.js';
import { SYMBOLS } from '../elements.js';
import { StudyError } from '../errors.js';
import { missingSpecies } from './trajectory.js';

/** Indices of a set, fixed or by frame (ions that are fast now, for instance). */
export type AtomSet = ArrayLike<number> | ((frame: Frame) => ArrayLike<number>);

export interface SetPair {
  readonly name: string;
  readonly a: string;
  readonly b: string;
}

/** `Mg-Cl` -> its two names; both must be species or sets. */
export function parsePair(text: string, key: string): SetPair {
  const parts = text.split('-').map((part) => part.trim());
  if (parts.length !== 2 || parts.some((part) => part === '')) {
    throw new StudyError('OPTION_VALUE', `${key}: "${text}" is not a pair`, {
      key,
      hint: 'two names with a hyphen, such as Mg-Cl',
    });
  }
  return { name: `${parts[0]}-${parts[1]}`, a: parts[0]!, b: parts[1]! };
}

/** All pairs of species, in order of first appearance. */
export function allPairs(frame: Pick<Frame, 'species'>): SetPair[] {
  const names = [...new Set(frame.species)].map((z) => SYMBOLS[z]!);
  return names.flatMap((a, i) => names.slice(i).map((b) => ({ name: `${a}-${b}`, a, b })));
}

export interface Membership {
  /** Class of every atom, -1 = in none of the sets. */
  readonly classes: Int32Array;
  readonly nclasses: number;
  /** Classes that make up a set, and its size. */
  readonly members: ReadonlyMap<
    string,
    { readonly classes: readonly number[]; readonly size: number; readonly atoms: ReadonlySet<number> }
  >;
}

/**
 * Partition of the atoms into classes of equal membership, so that any pair of sets, overlapping or not, is a sum over pairs of
 * classes. Throws SPECIES_MISSING or OPTION_VALUE for an empty or impossible set.
 */
export function membership(
  frame: Frame,
  pairs: readonly SetPair[],
  sets: Readonly<Record<string, AtomSet>>,
  key: string,
): Membership {
  const names = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const n = frame.species.length;
  const atomsOf = new Map<string, Set<number>>();
  for (const name of names) atomsOf.set(name, new Set(indices(name, frame, sets, key, n)));
  const classOf = new Map<string, number>();
  const classes = new Int32Array(n).fill(-1);
  const inClass: string[][] = [];
  for (let i = 0; i < n; i++) {
    const mine = names.filter((name) => atomsOf.get(name)!.has(i));
    if (mine.length === 0) continue;
    const signature = mine.join('\n');
    if (!classOf.has(signature)) {
      classOf.set(signature, inClass.length);
      inClass.push(mine);
    }
    classes[i] = classOf.get(signature)!;
  }
  const members = new Map(
    names.map((name) => [
      name,
      {
        classes: inClass.flatMap((mine, c) => (mine.includes(name) ? [c] : [])),
        size: atomsOf.get(name)!.size,
        atoms: atomsOf.get(name)!,
      },
    ]),
  );
  return { classes, nclasses: inClass.length, members };
}

function indices(name: string, frame: Frame, sets: Readonly<Record<string, AtomSet>>, key: string, n: number): number[] {
  if (Object.hasOwn(sets, name)) {
    const set = sets[name]!;
    const list = Array.from(typeof set === 'function' ? set(frame) : set);
    const wrong = list.find((i) => !Number.isInteger(i) || i < 0 || i >= n);
    if (wrong !== undefined)
      throw new StudyError('OPTION_VALUE', `sets.${name}: there is no atom ${wrong} (there are ${n})`, { key: `sets.${name}` });
    // A set that is empty at one moment is no error: nothing to count then.
    if (list.length === 0 && typeof set !== 'function')
      throw new StudyError('OPTION_VALUE', `sets.${name}: the set is empty`, { key: `sets.${name}` });
    return list;
  }
  const number = SYMBOLS.indexOf(name);
  const found: number[] = [];
  if (number > 0) {
    frame.species.forEach((z, i) => {
      if (z === number) found.push(i);
    });
  }
  if (found.length === 0) throw missingSpecies(key, name, frame.species);
  return found;
}

/** |A and B|. */
export function overlap(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let count = 0;
  for (const i of a) if (b.has(i)) count++;
  return count;
}
