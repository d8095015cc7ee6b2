/** Mean squared displacement by species: linear with the straight-line fit, its window and its error band, and on two log axes. */
import { type Point, thin } from './curve.js';
import type { ReportedEstimate } from './estimates.js';
import { type Figure, idOf } from './figure.js';
import { looks } from './palette.js';
import type { Series } from './plot.js';
import { timeText, timeUnit } from './quote.js';
import { type CurveFile, numberAt, type ReportData } from './run-data.js';

const BUCKETS = 150;

interface Curve {
  species: string;
  lag: Float64Array;
  msd: Float64Array;
  error: Float64Array | undefined;
}

function curveOf(file: CurveFile): Curve | null {
  const lag = file.table.column('lag_fs');
  const msd = file.table.column('msd_A2');
  return lag && msd && lag.length > 1 ? { species: file.subject, lag, msd, error: file.table.column('error_A2') } : null;
}

function pointsAt(indices: readonly number[], x: Float64Array, size: number, y: (i: number) => number): Point[] {
  return indices.map((i) => [x[i]! / size, y(i)]);
}

/** The straight line of an estimate over its window, with one standard error of the line to either side. */
export interface FittedLine {
  window: readonly [number, number];
  at(lag: number): number;
  errorAt(lag: number): number | null;
}

export function fittedLine(estimate: ReportedEstimate): FittedLine | null {
  const { inputs, window } = estimate;
  const slope = numberAt(inputs, 'slope_A2_per_fs');
  const intercept = numberAt(inputs, 'intercept_A2');
  if (window === null || slope === null || intercept === null) return null;
  const slopeError = numberAt(inputs, 'slope_error_A2_per_fs');
  const interceptError = numberAt(inputs, 'intercept_error_A2');
  const covariance = numberAt(inputs, 'slope_intercept_covariance');
  return {
    window,
    at: (lag) => intercept + slope * lag,
    errorAt(lag) {
      if (slopeError === null || interceptError === null || covariance === null) return null;
      return Math.sqrt(Math.max(0, (slopeError * lag) ** 2 + interceptError ** 2 + 2 * lag * covariance));
    },
  };
}

/** The two figures of one stage, or none where it has no displacement curves. */
export function motionFigures(data: ReportData, stage: string, estimates: readonly ReportedEstimate[]): Figure[] {
  const curves = data.curves.filter((file) => file.kind === 'msd' && file.stage === stage).flatMap((file) => curveOf(file) ?? []);
  if (curves.length === 0) return [];
  const order = Object.keys(data.composition ?? {});
  const rank = (species: string): number => (order.includes(species) ? order.indexOf(species) : order.length);
  curves.sort((a, b) => rank(a.species) - rank(b.species) || (a.species < b.species ? -1 : 1));
  const look = looks(curves.map((curve) => curve.species));
  const longest = Math.max(...curves.map((curve) => curve.lag.at(-1)!));
  const { unit, size } = timeUnit(longest);
  const fits = curves.map((curve) => {
    const estimate = estimates.find((e) => e.observable === 'diffusion' && e.stage === stage && e.path.at(-1) === curve.species);
    const line = estimate ? fittedLine(estimate) : null;
    return { curve, quoted: estimate !== undefined && estimate.value !== null, line };
  });
  const drawn: Series[] = curves.map((curve) => {
    const indices = thin(curve.lag, curve.msd, BUCKETS);
    const { error } = curve;
    const band = error && {
      low: pointsAt(indices, curve.lag, size, (i) => curve.msd[i]! - error[i]!),
      high: pointsAt(indices, curve.lag, size, (i) => curve.msd[i]! + error[i]!),
    };
    return {
      name: curve.species,
      look: look.get(curve.species)!,
      line: pointsAt(indices, curve.lag, size, (i) => curve.msd[i]!),
      band,
    };
  });
  const lines: Series[] = fits.flatMap(({ line, quoted }) => {
    if (!line) return [];
    const [from, to] = line.window;
    const lags = Array.from({ length: 25 }, (_, i) => from + ((to - from) * i) / 24);
    const ink = { colour: 'currentColor', dash: quoted ? [5, 3] : [1, 3] };
    const edge = (sign: number): Point[] => lags.map((lag) => [lag / size, line.at(lag) + sign * (line.errorAt(lag) ?? 0)]);
    const fit: Series = {
      name: quoted ? 'straight-line fit in its window' : 'fit that may not be quoted',
      look: ink,
      line: [from, to].map((lag): Point => [lag / size, line.at(lag)]),
      width: 1.8,
    };
    const band: Series = { name: null, look: { colour: 'currentColor', dash: [] }, band: { low: edge(-1), high: edge(1) } };
    return line.errorAt(from) === null ? [fit] : [band, fit];
  });
  const windows = fits
    .filter(({ line }) => line)
    .map(({ curve, line }) => `${curve.species} ${timeText(line!.window[0])} to ${timeText(line!.window[1])}`);
  const x = { title: `lag time (${unit})` };
  const title = 'mean squared displacement (Å²)';
  const files = `data/${stage}-msd-*.csv`;
  const linear: Figure = {
    id: idOf('msd', stage),
    title: `Mean squared displacement, stage ${stage}`,
    plot: {
      label: `Mean squared displacement against lag time for ${curves.map((c) => c.species).join(', ')} in stage ${stage}`,
      x,
      y: { title },
      series: [...drawn, ...lines],
    },
    caption: `Bands around the curves: one standard error at each lag.${
      windows.length > 0
        ? ` Broken lines: generalised least squares with the covariance of overlapping windows, drawn over the fitting window (${windows.join('; ')}), with one standard error of the line.`
        : ''
    } Data: ${files}`,
  };
  const logarithmic: Series[] = curves.map((curve) => {
    const indices = thin(curve.lag, curve.msd, BUCKETS, 'log').filter((i) => curve.lag[i]! > 0 && curve.msd[i]! > 0);
    return {
      name: curve.species,
      look: look.get(curve.species)!,
      line: pointsAt(indices, curve.lag, size, (i) => curve.msd[i]!),
    };
  });
  const guide = diffusiveGuide(logarithmic);
  return [
    linear,
    {
      id: idOf('msd-log', stage),
      title: 'The same on logarithmic axes',
      plot: {
        label: `Mean squared displacement on logarithmic axes, stage ${stage}`,
        x: { ...x, scale: 'log' },
        y: { title, scale: 'log' },
        series: guide ? [...logarithmic, guide] : logarithmic,
      },
      caption:
        'Diffusion is where a curve runs parallel to the dotted line (slope 1); ballistic motion has slope 2, a cage slope 0.',
    },
  ];
}

/** A line of slope 1 over the last decade, a factor of two above the highest curve. */
function diffusiveGuide(series: readonly Series[]): Series | null {
  const ends = series.flatMap((s) => (s.line && s.line.length > 0 ? [s.line.at(-1)!] : []));
  const highest = ends.sort((a, b) => b[1] - a[1])[0];
  if (!highest) return null;
  const [x, y] = highest;
  return {
    name: 'slope 1',
    look: { colour: 'currentColor', dash: [2, 3] },
    line: [
      [x / 10, (2 * y) / 10],
      [x, 2 * y],
    ],
    opacity: 0.7,
    width: 1.2,
  };
}
