/**
 * Colours that people with any colour vision tell apart on white and on dark ground: Okabe and Ito's set (2008), its black
 * left out and the yellow darkened so that lines show on white paper.
 */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#a08a00', '#7f7f7f'] as const;

/** Dash patterns tell curves apart where colour cannot: printed grey, or after eight of them. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** The usual ions keep their colour from one report to the next. */
const FIXED: Readonly<Record<string, number>> = {
  Li: 0,
  Na: 0,
  Mg: 0,
  K: 0,
  Ag: 0,
  Ga: 1,
  Y: 1,
  La: 1,
  Zr: 1,
  P: 1,
  F: 2,
  O: 2,
  Cl: 3,
  S: 3,
  Br: 4,
  I: 5,
};

export interface Look {
  readonly colour: string;
  readonly dash: readonly number[];
}

/** One look for each name, stable for the elements above; two names of one list never share both colour and dash. */
export function looks(names: readonly string[]): Map<string, Look> {
  const taken = new Set<number>();
  const chosen = new Map<string, Look>();
  const take = (slot: number): Look => {
    taken.add(slot);
    return { colour: COLOURS[slot % COLOURS.length]!, dash: DASHES[Math.floor(slot / COLOURS.length) % DASHES.length]! };
  };
  for (const name of names) {
    const slot = Object.hasOwn(FIXED, name) ? FIXED[name]! : undefined;
    if (slot !== undefined && !taken.has(slot) && !chosen.has(name)) chosen.set(name, take(slot));
  }
  for (const name of names) {
    if (chosen.has(name)) continue;
    let slot = 0;
    while (taken.has(slot)) slot++;
    chosen.set(name, take(slot));
  }
  return chosen;
}

/** Looks by position, for curves without an element of their own (pairs, energies, times). */
export function lookAt(index: number): Look {
  return { colour: COLOURS[index % COLOURS.length]!, dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length]! };
}
