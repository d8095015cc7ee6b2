/** Results of observables in words, for the terminal. */

/** Estimates in words; curves are for --json. */
export function resultText(
  { result, observable }: { readonly result: Readonly<Record<string, unknown>>; readonly observable: string },
  /** Only what a reader looks for first. */
  short = false,
): string {
  const { describeJson } = require('../analysis/describe.js') as typeof import('../analysis/describe.js');
  const lines: string[] = [];
  const walk = (value: unknown, path: readonly string[]) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
    const object = value as Record<string, unknown>;
    if ('status' in object && 'unit' in object) {
      if (!short || isKey(observable, path, object)) lines.push(describeJson(object, nameOf(observable, path)));
    } else if ('first_minimum_A' in object) lines.push(shellText(object, path.at(-1) ?? ''));
    else if ('lag_fs' in object) lines.push(msdText(object, path.at(-1) ?? ''));
    else for (const [key, inner] of Object.entries(object)) walk(inner, [...path, key]);
  };
  walk(result, []);
  for (const moment of Array.isArray(result.at) ? (result.at as { at_fs: number; pairs: Record<string, unknown> }[]) : [])
    for (const [pair, curve] of Object.entries(moment.pairs)) walk(curve, [`${moment.at_fs} fs ${pair}`]);
  return lines.length > 0 ? lines.join('\n') : `${observable}: nothing to show; --json prints the whole result`;
}

/** Parts of a conductivity are worth a line where they have a value; totals and ratios always. */
const isKey = (observable: string, path: readonly string[], estimate: Record<string, unknown>) =>
  observable !== 'conductivity' || path.length === 1 || (path[0] === 'contribution' && estimate.value !== null);

const NAMES: Readonly<Record<string, string>> = {
  total: 'conductivity with all correlations',
  nernst_einstein: 'Nernst-Einstein conductivity (no correlations)',
  haven_ratio: 'Haven ratio',
};

function nameOf(observable: string, path: readonly string[]): string {
  if (observable === 'diffusion') return `D(${path.at(-1)})`;
  return path.length === 1 ? (NAMES[path[0]!] ?? path[0]!) : path.join(' ').replaceAll('_', ' ');
}

function shellText(curve: Record<string, unknown>, path: string): string {
  const number = (key: string) => (typeof curve[key] === 'number' ? (curve[key] as number).toFixed(2) : '-');
  const end =
    curve.first_minimum_A === null
      ? 'no first minimum'
      : `first minimum ${number('first_minimum_A')} A, ${number('coordination_number')} neighbours`;
  return `${path}: first peak ${number('first_peak_A')} A, ${end}`;
}

function msdText(curve: Record<string, unknown>, path: string): string {
  const [lag, msd, error] = ['lag_fs', 'msd_A2', 'error_A2'].map((key) => curve[key] as number[]);
  const half = Math.floor((lag!.length - 1) / 2);
  return `${path}: ${msd![half]?.toPrecision(4)} +- ${error![half]?.toPrecision(2)} A2 at ${lag![half]} fs (${lag!.length} lags; --json prints them)`;
}
