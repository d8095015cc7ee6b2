/** Radial distribution functions by pair with their running coordination, and coordination numbers against time. */
import { Envelope, type Point, thin } from './curve.js';
import { type Figure, idOf } from './figure.js';
import { lookAt } from './palette.js';
import type { Series } from './plot.js';
import { numberText, timeText, timeUnit } from './quote.js';
import { type CurveFile, numberAt, objectAt, type ReportData } from './run-data.js';

const BUCKETS = 200;
/** Coordination beyond this multiple of the first shell is not the subject of the figure and would flatten it. */
const SHELLS_SHOWN = 2.5;

/** First minimum of a pair as the analysis found it, A. */
function firstMinimum(data: ReportData, stage: string, pair: string): number | null {
  for (const document of data.analyses) {
    if (document.observable !== 'rdf' || document.stage !== stage) continue;
    // Several times have a minimum each; the last one is that of the most settled structure.
    const moments = document.result['at'];
    for (const result of Array.isArray(moments) ? [...moments].reverse() : [document.result]) {
      const found = numberAt(objectAt(result, 'pairs', pair), 'first_minimum_A');
      if (found !== null) return found;
    }
  }
  return null;
}

/** One figure for each pair of a stage; several times of one pair share it. */
export function distributionFigures(data: ReportData, stage: string): Figure[] {
  const byPair = new Map<string, CurveFile[]>();
  for (const file of data.curves) {
    if (file.kind !== 'rdf' || file.stage !== stage) continue;
    byPair.set(file.subject, [...(byPair.get(file.subject) ?? []), file]);
  }
  return [...byPair].flatMap(([pair, files]) => {
    files.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
    const series: Series[] = [];
    const minimum = firstMinimum(data, stage, pair);
    const shells: { at: number | null; neighbours: number }[] = [];
    let farthest = 0;
    let mostAtEnd = 0;
    for (const [index, { table, at }] of files.entries()) {
      const r = table.column('r_A');
      const g = table.column('g');
      if (!r || !g || r.length === 0) continue;
      const look = lookAt(index);
      const kept = thin(r, g, BUCKETS);
      const error = table.column('error');
      const label = at === null ? 'g(r)' : `g(r) at ${timeText(at)}`;
      const band = error && {
        low: kept.map((i): Point => [r[i]!, g[i]! - error[i]!]),
        high: kept.map((i): Point => [r[i]!, g[i]! + error[i]!]),
      };
      series.push({ name: label, look, band, line: kept.map((i): Point => [r[i]!, g[i]!]) });
      farthest = Math.max(farthest, r.at(-1)!);
      const running = table.column('running_coordination');
      if (!running) continue;
      const sparse = thin(r, running, BUCKETS / 2);
      series.push({
        name: at === null ? 'running coordination' : `coordination at ${timeText(at)}`,
        look: { colour: files.length === 1 ? '#d55e00' : look.colour, dash: [5, 3] },
        line: sparse.map((i): Point => [r[i]!, running[i]!]),
        axis: 'right',
        width: 1.3,
      });
      if (minimum !== null) shells.push({ at, neighbours: running[r.findLastIndex((x) => x <= minimum)] ?? 0 });
      mostAtEnd = Math.max(mostAtEnd, ...sparse.map((i) => running[i]!));
    }
    if (series.length === 0) return [];
    if (minimum !== null)
      series.push({
        name: 'first minimum',
        look: { colour: 'currentColor', dash: [2, 3] },
        rules: [minimum],
        line: [],
        opacity: 0.6,
      });
    const shell = Math.max(0, ...shells.map(({ neighbours }) => neighbours));
    const top = shell > 0 ? Math.min(mostAtEnd, Math.ceil(SHELLS_SHOWN * shell)) : Math.min(mostAtEnd, 20);
    const [a, b] = pair.split('-');
    const text = pair.replaceAll('-', '–');
    return [
      {
        id: idOf('rdf', stage, pair),
        title: `${text}, stage ${stage}`,
        plot: {
          label: `Radial distribution of ${text} with running coordination, stage ${stage}`,
          x: { title: 'distance r (Å)', domain: [0, farthest] as const },
          y: { title: 'g(r)' },
          right: { title: `${b ?? text} around ${a ?? text}`, domain: [0, Math.max(top, 1)] as const },
          series,
          height: 230,
        } as const,
        caption: `${minimum === null ? '' : shellText(shells, `${b} around ${a}`, minimum)}Data: ${files.map((f) => `data/${f.file}`).join(', ')}`,
      },
    ];
  });
}

/** How many neighbours are within the first minimum, at each time where there are several. */
function shellText(shells: readonly { at: number | null; neighbours: number }[], what: string, minimum: number): string {
  if (!shells.some(({ neighbours }) => neighbours > 0)) return '';
  const within = `within the first minimum at ${numberText(minimum, 'A', 3)}`;
  const count = (neighbours: number) => numberText(neighbours, '', 3);
  if (shells.length === 1) return `${count(shells[0]!.neighbours)} ${what} ${within}. `;
  const each = shells.map(({ at, neighbours }) => `${count(neighbours)}${at === null ? '' : ` at ${timeText(at)}`}`);
  return `${what} ${within}: ${each.join(', ')}. `;
}

/** Mean coordination numbers against time, one curve a pair. */
export function coordinationFigures(data: ReportData, stage: string): Figure[] {
  return data.curves
    .filter((file) => file.kind === 'coordination' && file.stage === stage)
    .flatMap((file) => {
      const time = file.table.column('time_fs');
      const pairs = file.table.header.filter((name) => name !== 'time_fs' && !/error|^step$/.test(name));
      if (!time || time.length === 0 || pairs.length === 0) return [];
      const { unit, size } = timeUnit(time.at(-1)!);
      const envelope = new Envelope(pairs.length);
      const columns = pairs.map((pair) => file.table.column(pair)!);
      for (let i = 0; i < time.length; i++)
        envelope.add(
          time[i]! / size,
          columns.map((column) => column[i]!),
        );
      const series = pairs.map((pair, index): Series => {
        const curve = envelope.curve(index);
        return {
          name: pair.replaceAll('-', '–'),
          look: lookAt(index),
          line: curve.mean,
          band: curve.perBucket > 1 ? { low: curve.low, high: curve.high } : undefined,
        };
      });
      return [
        {
          id: idOf('coordination', stage),
          title: `Nearest neighbours, stage ${stage}`,
          plot: {
            label: `Mean coordination numbers against time, stage ${stage}`,
            x: { title: `time (${unit})` },
            y: { title: 'mean coordination number' },
            series,
          },
          caption: `Neighbours of the first species' atoms within the cut-off of each pair, mean over the atoms.${envelopeNote(envelope.perBucket)} Data: data/${file.file}`,
        },
      ];
    });
}

/** What a reduced curve shows; empty where every point is drawn. */
export function envelopeNote(perBucket: number): string {
  return perBucket > 1 ? ` Line: mean of ${perBucket} consecutive points; band: their smallest and largest value.` : '';
}
