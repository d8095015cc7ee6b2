/** Plots as SVG text without a browser, by Vega-Lite: curves with bands, points and rules, and horizontal bars with errors. */
import * as vega from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { compile } from 'vega-lite';
import type { Point } from './curve.js';
import { escapeHtml, Html, html } from './html.js';
import type { Look } from './palette.js';
import { textWidth } from './text-width.js';

export interface Axis {
  title: string;
  scale?: 'linear' | 'log';
  domain?: readonly [number, number];
  /** Where a logarithmic axis has its lines; worked out from the curves. */
  ticks?: readonly number[];
}

export interface Series {
  /** Name in the legend; series of one name and look share an entry, null has none. */
  name: string | null;
  look: Look;
  line?: readonly Point[];
  /** Lower and upper edge, same x. */
  band?: { low: readonly Point[]; high: readonly Point[] };
  /** Vertical rules at these x. */
  rules?: readonly number[];
  width?: number;
  opacity?: number;
  axis?: 'left' | 'right';
}

export interface Plot {
  /** What it shows, in words, for screen readers. */
  label: string;
  x: Axis;
  y: Axis;
  /** Second axis for series with `axis: 'right'`. */
  right?: Axis;
  series: readonly Series[];
  height?: number;
}

/** Small enough that the text is still read when the figure fills the width of a phone. */
const WIDTH = 460;
const HEIGHT = 270;

const CONFIG = {
  background: 'transparent',
  padding: 4,
  aria: false,
  font: 'sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    domainColor: 'currentColor',
    tickColor: 'currentColor',
    gridColor: 'currentColor',
    gridOpacity: 0.13,
    domainOpacity: 0.6,
    tickOpacity: 0.6,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 6,
    labelFlush: false,
    labelOverlap: 'greedy',
  },
} as const;

/** Powers of ten from below the smallest to above the largest value of a logarithmic axis. */
function decades(values: readonly number[]): number[] {
  const positive = values.filter((v) => v > 0 && Number.isFinite(v));
  if (positive.length === 0) return [1];
  const from = Math.floor(Math.log10(Math.min(...positive)));
  const to = Math.ceil(Math.log10(Math.max(...positive)));
  return Array.from({ length: to - from + 1 }, (_, i) => Number(`1e${from + i}`));
}

type Values = Record<string, number | string>[];
type Layer = Record<string, unknown>;

const finite = (v: number, axis: Axis): boolean => Number.isFinite(v) && (axis.scale !== 'log' || v > 0);

function channel(field: string, axis: Axis, right: boolean, which: 'x' | 'y'): Record<string, unknown> {
  const log = axis.scale === 'log';
  return {
    field,
    type: 'quantitative',
    title: axis.title,
    scale: { ...(log ? { type: 'log' } : { zero: false, nice: !axis.domain }), ...(axis.domain ? { domain: axis.domain } : {}) },
    axis: {
      tickCount: log ? axis.ticks?.length : which === 'x' ? 6 : 5,
      ...(right ? { orient: 'right', grid: false } : {}),
      ...(log ? { format: '~g', values: axis.ticks, labelOverlap: false } : {}),
    },
  };
}

function layersOf(plot: Plot, series: Series): Layer[] {
  const right = series.axis === 'right';
  const yAxis = right && plot.right ? plot.right : plot.y;
  const x = channel('x', plot.x, false, 'x');
  const y = channel('y', yAxis, right, 'y');
  const { colour, dash } = series.look;
  const usable = ([px, py]: Point): boolean => finite(px, plot.x) && finite(py, yAxis);
  const layers: Layer[] = [];
  if (series.band) {
    const values: Values = [];
    series.band.low.forEach(([px, low], i) => {
      const high = series.band!.high[i]?.[1] ?? Number.NaN;
      if (usable([px, low]) && finite(high, yAxis)) values.push({ x: px, y: low, y2: high });
    });
    layers.push({
      data: { values },
      mark: { type: 'area', color: colour, opacity: 0.22, clip: true },
      encoding: { x, y, y2: { field: 'y2' } },
    });
  }
  if (series.line) {
    const values: Values = series.line.filter(usable).map(([px, py]) => ({ x: px, y: py }));
    const mark = {
      type: 'line',
      color: colour,
      strokeDash: dash,
      strokeWidth: series.width ?? 1.6,
      opacity: series.opacity ?? 1,
      clip: true,
    };
    layers.push({ data: { values }, mark, encoding: { x, y } });
  }
  if (series.rules) {
    const values: Values = series.rules.filter((px) => finite(px, plot.x)).map((px) => ({ x: px }));
    const mark = {
      type: 'rule',
      color: colour,
      strokeDash: dash,
      strokeWidth: series.width ?? 1,
      opacity: series.opacity ?? 0.5,
      clip: true,
    };
    layers.push({ data: { values }, mark, encoding: { x } });
  }
  return layers;
}

/** Draws curves; `id` must be unique in the page (ids inside the SVG begin with it). */
export function drawPlot(id: string, wanted: Plot): Html {
  const points = wanted.series.flatMap((s) => s.line ?? []);
  const plot: Plot = {
    ...wanted,
    x: { ...wanted.x, ticks: decades(points.map(([x]) => x)) },
    y: { ...wanted.y, ticks: decades(points.map(([, y]) => y)) },
  };
  const left = plot.series.filter((s) => s.axis !== 'right').flatMap((s) => layersOf(plot, s));
  const right = plot.series.filter((s) => s.axis === 'right').flatMap((s) => layersOf(plot, s));
  const spec = {
    width: WIDTH,
    height: plot.height ?? HEIGHT,
    autosize: { type: 'fit', contains: 'padding' },
    config: CONFIG,
    ...(right.length > 0
      ? { layer: [{ layer: left }, { layer: right }], resolve: { scale: { y: 'independent' } } }
      : { layer: left }),
  };
  return svgOf(id, spec as unknown as TopLevelSpec, plot.label);
}

export interface Bar {
  label: string;
  value: number;
  /** Standard error; null draws no error bar. */
  error: number | null;
  colour: string;
}

/** Horizontal bars from zero with one-standard-error whiskers, in the order given. */
export function drawBars(id: string, label: string, axisTitle: string, bars: readonly Bar[]): Html {
  const values = bars.map((bar) => ({
    label: bar.label,
    value: bar.value,
    low: bar.error === null ? null : bar.value - bar.error,
    high: bar.error === null ? null : bar.value + bar.error,
    colour: bar.colour,
  }));
  const y = {
    field: 'label',
    type: 'nominal',
    scale: { domain: bars.map((bar) => bar.label) },
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 6, labelLimit: 170 },
  };
  const errors = values.filter((value) => value.low !== null);
  const spec = {
    width: WIDTH,
    height: 24 * bars.length + 46,
    autosize: { type: 'fit', contains: 'padding' },
    config: CONFIG,
    data: { values },
    encoding: { y },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.62 }, opacity: 0.85 },
        encoding: {
          x: { field: 'value', type: 'quantitative', title: axisTitle, axis: { tickCount: 6 } },
          color: { field: 'colour', type: 'nominal', scale: null },
        },
      },
      {
        mark: { type: 'rule', color: 'currentColor', opacity: 0.7 },
        encoding: { x: { datum: 0, type: 'quantitative' }, y: null },
      },
      {
        data: { values: errors },
        mark: { type: 'rule', color: 'currentColor', strokeWidth: 1.6 },
        encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
      },
      ...(['low', 'high'] as const).map((field) => ({
        data: { values: errors },
        mark: { type: 'tick', color: 'currentColor', thickness: 1.6, size: 9 },
        encoding: { x: { field, type: 'quantitative' } },
      })),
    ],
  };
  return svgOf(id, spec as unknown as TopLevelSpec, label);
}

/**
 * Compiles and draws at once, without waiting in between: the text metrics and the counter of clip paths are global to
 * Vega, and another user of Vega in this process must find them as they were.
 */
function svgOf(id: string, spec: TopLevelSpec, label: string): Html {
  const { textMetrics: metrics, resetSVGDefIds, SVGStringRenderer } = vega as unknown as VegaInternals;
  const before = metrics.width;
  metrics.width = (item, text) => (text === null || text === undefined ? 0 : textWidth(String(text), item.fontSize ?? 11));
  try {
    resetSVGDefIds();
    const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none', logLevel: vega.Error });
    view.run();
    const root = (view as unknown as { scenegraph(): { root: unknown } }).scenegraph().root;
    const [width, height, origin] = extentOf(view);
    const renderer = new SVGStringRenderer(view.loader());
    const text = renderer.initialize(null, width, height, origin, 1).render(root).svg();
    view.finalize();
    return tidy(id, text, label);
  } finally {
    metrics.width = before;
  }
}

/** Exports of Vega 5 that its type declarations leave out. */
interface VegaInternals {
  textMetrics: { width(item: { fontSize?: number }, text: unknown): number };
  resetSVGDefIds(): void;
  SVGStringRenderer: new (loader: unknown) => SvgRenderer;
}

interface SvgRenderer {
  initialize(element: null, width: number, height: number, origin: readonly number[], scale: number): SvgRenderer;
  render(root: unknown): SvgRenderer;
  svg(): string;
}

/** Size of the drawing with its padding, and where its origin lies in it. */
function extentOf(view: vega.View): [number, number, number[]] {
  const { _viewWidth, _viewHeight, _origin } = view as unknown as { _viewWidth: number; _viewHeight: number; _origin: number[] };
  const padding = view.padding() as { left: number; right: number; top: number; bottom: number };
  return [
    _viewWidth + padding.left + padding.right,
    _viewHeight + padding.top + padding.bottom,
    [padding.left + _origin[0]!, padding.top + _origin[1]!],
  ];
}

/** Inline SVG: no name spaces, no fixed size, own ids, coordinates to a hundredth of a pixel, the font of the page. */
function tidy(id: string, text: string, label: string): Html {
  const viewBox = /viewBox="([^"]*)"/.exec(text)![1]!;
  const body = text
    .slice(text.indexOf('>') + 1)
    .replace(/<path class="background"[^>]*\/>/g, '')
    .replace(/ (?:class|font-family|pointer-events|stroke-miterlimit|aria-hidden)="[^"]*"/g, '')
    .replace(/ font-size="12px"/g, '')
    // Only inside tags: a label of 0.001 is text.
    .replace(/<[^>]*>/g, (tag) =>
      tag.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (digits) => String(Math.round(Number(digits) * 100) / 100)),
    )
    .replace(/\bid="([^"]*)"/g, `id="${id}-$1"`)
    .replace(/url\(#([^)]*)\)/g, `url(#${id}-$1)`)
    .replace(/<g><\/g>/g, '');
  return new Html(`<svg viewBox="${viewBox}" role="img" aria-label="${escapeHtml(label)}">${body}`);
}

/** One entry for each named look, as text of the page: it wraps on a narrow screen where a legend inside the drawing would not. */
export function legend(series: readonly Pick<Series, 'name' | 'look' | 'band' | 'line'>[]): Html | null {
  const entries = new Map<string, Pick<Series, 'name' | 'look' | 'band' | 'line'>>();
  for (const s of series) if (s.name !== null && !entries.has(s.name)) entries.set(s.name, s);
  if (entries.size === 0) return null;
  return html`<ul class="legend">${[...entries.values()].map(
    ({ name, look, band, line }) =>
      html`<li><svg viewBox="0 0 26 10" aria-hidden="true">${
        band && html`<rect x="1" y="1" width="24" height="8" fill="${look.colour}" fill-opacity="0.22"/>`
      }${line && html`<line x1="1" x2="25" y1="5" y2="5" stroke="${look.colour}" stroke-width="2" stroke-dasharray="${look.dash.join(' ')}"/>`}</svg>${name}</li>`,
  )}</ul>`;
}
