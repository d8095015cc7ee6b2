/** Parts of the conductivity as signed bars that add up to the total (analysis.md 5.3, `contribution`). */

import { type Point, thin } from './curve.js';
import { explanation, type ReportedEstimate } from './estimates.js';
import { type Figure, idOf } from './figure.js';
import { type Content, html } from './html.js';
import { lookAt, looks } from './palette.js';
import { type Bar, drawBars, type Series } from './plot.js';
import { timeUnit, unitText } from './quote.js';
import type { ReportData } from './run-data.js';

export function conductivityFigure(stage: string, estimates: readonly ReportedEstimate[]): Content {
  const own = estimates.filter((e) => e.observable === 'conductivity' && e.stage === stage);
  if (own.length === 0) return null;
  const total = own.find((e) => e.path.join('.') === 'total');
  const parts = own.filter((e) => e.path[0] === 'contribution');
  const look = looks(parts.filter((e) => e.path[1] === 'self').map((e) => e.path.at(-1)!));
  const bars: Bar[] = [];
  for (const e of parts) {
    if (e.value === null) continue;
    const subject = e.path.at(-1)!;
    const self = e.path[1] === 'self';
    bars.push({
      label: `${self ? 'self' : 'distinct'} ${subject.replaceAll('-', '–')}`,
      value: e.value,
      error: e.error,
      colour: (self && look.get(subject)?.colour) || '#8a94a0',
    });
  }
  const nernstEinstein = own.find((e) => e.path.join('.') === 'nernst_einstein');
  if (nernstEinstein && nernstEinstein.value !== null)
    bars.push({ label: 'Nernst–Einstein', value: nernstEinstein.value, error: nernstEinstein.error, colour: '#56b4e9' });
  if (total && total.value !== null) bars.push({ label: 'total σ', value: total.value, error: total.error, colour: '#0072b2' });
  const unit = own.find((e) => e.path[0] === 'contribution' || e.path[0] === 'total')?.unit ?? 'mS/cm';
  const withheld = parts.filter((e) => e.value === null).length;
  if (bars.length === 0) return null;
  return html`<figure id="${idOf('conductivity', stage)}"><h3>Conductivity and its parts, stage ${stage}</h3>${drawBars(
    idOf('conductivity', stage),
    `Bar chart of the parts of the conductivity in stage ${stage}`,
    `conductivity (${unitText(unit)})`,
    bars,
  )}<figcaption>Signed contributions: self and distinct parts add up to the total of all correlations; whiskers are one standard error.${
    withheld > 0 && ` ${withheld} of ${parts.length} parts have no value and no bar.`
  }${total && total.value === null && html` The total may not be quoted: ${explanation(total).join(' ')}`}</figcaption></figure>`;
}

/** Squared charge displacement and its parts against lag: what the slopes are taken from. */
export function chargeFigures(data: ReportData, stage: string): Figure[] {
  return data.curves
    .filter((file) => file.kind === 'conductivity' && file.stage === stage)
    .flatMap((file) => {
      const lag = file.table.column('lag_fs');
      const names = file.table.header.filter((name) => name.endsWith('_e2A2'));
      if (!lag || lag.length < 3 || names.length === 0) return [];
      const { unit, size } = timeUnit(lag.at(-1)!);
      const series = names.map((name, index): Series => {
        const y = file.table.column(name)!;
        const line = thin(lag, y, 150).map((i): Point => [lag[i]! / size, y[i]!]);
        const [kind, subject] = name.replace(/_e2A2$/, '').split('_');
        const total = name.startsWith('charge_msd');
        return {
          name: total ? 'total' : `${kind} ${subject!.replaceAll('-', '–')}`,
          look: total ? { colour: 'currentColor', dash: [] } : lookAt(index - 1),
          line,
          width: total ? 2.2 : 1.3,
        };
      });
      return [
        {
          id: idOf('charge', stage, file.subject),
          title: `Squared charge displacement, stage ${stage}`,
          plot: {
            label: `Squared charge displacement and its parts against lag time, stage ${stage}`,
            x: { title: `lag time (${unit})` },
            y: { title: 'squared charge displacement (e²Å²)' },
            series,
          },
          caption: `The conductivity is its slope; the parts add up to the total. At long lags the total is one random walk and scatters widely. Data: data/${file.file}`,
        },
      ];
    });
}
