/**
 * Block lists of numbers taken out of a YAML text before it is parsed: a model is nearly all numbers, and a parser of the whole
 * language needs a minute for what is done here in a second. Only the one form is taken that DeePMD-kit writes, a key `value:` with
 * lines such as `- - 0.5` below it; everything else is left to the parser.
 */
export type NestedNumbers = number | NestedNumbers[];

export interface ExtractedArrays {
  /** The text with `value: "<mark>K"` and empty lines in place of array K, so that line numbers stay true. */
  readonly text: string;
  readonly arrays: readonly NestedNumbers[];
}

const line = /^( *)((?:- )+)([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)$/;

export function extractArrays(text: string, mark: string): ExtractedArrays {
  const lines = text.split('\n');
  const arrays: NestedNumbers[] = [];
  for (let at = 0; at < lines.length; at++) {
    const head = /^( *)value:$/.exec(lines[at]!);
    if (!head) continue;
    const array = readBlock(lines, at + 1, head[1]!.length);
    if (!array) continue;
    lines[at] = `${head[1]}value: "${mark}${arrays.length}"`;
    lines.fill('', at + 1, array.end);
    arrays.push(array.value);
    at = array.end - 1;
  }
  return { text: lines.join('\n'), arrays };
}

/** The list that begins at a line; null where the block is not of numbers alone. */
function readBlock(lines: readonly string[], start: number, indent: number): { value: NestedNumbers[]; end: number } | null {
  const first = line.exec(lines[start] ?? '');
  if (!first || first[1]!.length < indent) return null;
  const base = first[1]!.length;
  const depth = first[2]!.length / 2;
  const root: NestedNumbers[] = [];
  /** The open list of every level. */
  const open: NestedNumbers[][] = [root];
  let end = start;
  for (; end < lines.length; end++) {
    const match = line.exec(lines[end]!);
    if (!match) break;
    const dashes = match[2]!.length / 2;
    // The last dash of every line stands in one column; the dashes before it open new lists.
    if (dashes > depth || match[1]!.length !== base + 2 * (depth - dashes)) return null;
    open.length = depth - dashes + 1;
    for (let level = open.length; level < depth; level++) {
      const list: NestedNumbers[] = [];
      open[level - 1]!.push(list);
      open.push(list);
    }
    open[depth - 1]!.push(Number(match[3]));
  }
  // Something else goes on in the same block (nan, a text, a comment): leave all of it to the parser.
  const next = lines[end];
  if (next !== undefined && next.trim() !== '' && (next.search(/\S/) > indent || /^ *-/.test(next)) && next.search(/\S/) >= base)
    return null;
  return { value: root, end };
}
