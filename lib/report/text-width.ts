/**
 * Width of plot text without a browser: advance widths of Helvetica in thousandths of the font size (Adobe's font metrics), which
 * Arial and most sans-serif system fonts share within a few percent. Vega's own estimate without a canvas is 0.8 of the
 * size for every character, nearly half too wide, and leaves gaps beside axes.
 */
const NARROW_FIRST = 32;
// prettier-ignore
const HELVETICA = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556,
  556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778,
  722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222,
  500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const OTHER = 560;

export function textWidth(text: string, fontSize: number): number {
  let sum = 0;
  for (const character of text) sum += HELVETICA[character.codePointAt(0)! - NARROW_FIRST] ?? OTHER;
  return (sum / 1000) * fontSize;
}
