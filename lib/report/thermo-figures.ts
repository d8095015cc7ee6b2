/** Energy, temperature, pressure and the conserved quantity against time, all stages one after the other. */

import { quantity } from '../units.js';
import type { Point, ReducedCurve } from './curve.js';
import type { Figure } from './figure.js';
import { type Look, lookAt } from './palette.js';
import type { Plot, Series } from './plot.js';
import { timeUnit } from './quote.js';
import type { ReportData, StageReport } from './run-data.js';
import { envelopeNote } from './structure-figures.js';
import type { StageThermo, ThermoColumn } from './thermo-summary.js';

interface Placed {
  stage: StageReport;
  thermo: StageThermo;
  /** fs before this stage. */
  start: number;
}

const INK: Look = { colour: 'currentColor', dash: [4, 3] };

/** Temperature of the thermostat at the begin and the end of a stage, where the study gives it. */
function targetOf(stage: StageReport): [number, number] | null {
  const asked = stage.plan['temperature'];
  if (asked === undefined || stage.plan['ensemble'] === 'nve') return null;
  try {
    const ends = (Array.isArray(asked) ? asked : [asked, asked]).map((value) => quantity(value, 'temperature', 'temperature'));
    return ends.length === 2 ? [ends[0]!, ends[1]!] : null;
  } catch {
    return null; // a study that cannot be read is reported by `check`; here only the line is left out
  }
}

/** Largest deviation at which a stage goes on, eV/A, where the study gives one. */
function limitOf(stage: StageReport): number | null {
  const asked = stage.plan['stop-above'];
  if (asked === undefined) return null;
  try {
    return quantity(asked, 'force', 'stop-above');
  } catch {
    return null; // see targetOf
  }
}

export function thermoFigures(data: ReportData): Figure[] {
  const placed: Placed[] = [];
  let start = 0;
  for (const stage of data.stages) {
    if (!stage.thermo || stage.thermo.rows === 0) continue;
    placed.push({ stage, thermo: stage.thermo, start });
    start += stage.thermo.end;
  }
  if (placed.length === 0) return [];
  const { unit, size } = timeUnit(start);
  const boundaries: Series[] =
    placed.length > 1
      ? [
          {
            name: null,
            look: { colour: 'currentColor', dash: [] },
            rules: placed.slice(1).map((p) => p.start / size),
            opacity: 0.35,
          },
        ]
      : [];
  const series = (
    column: ThermoColumn,
    name: string | null,
    index: number,
    map: (value: number, stage: Placed) => number,
  ): Series[] =>
    placed.flatMap((p) => {
      const curve: ReducedCurve = p.thermo.curves[column];
      const shift = (points: readonly Point[]): Point[] => points.map(([x, y]) => [(x + p.start) / size, map(y, p)]);
      if (curve.mean.length === 0) return [];
      const band = curve.perBucket > 1 ? { low: shift(curve.low), high: shift(curve.high) } : undefined;
      return [{ name, look: lookAt(index), line: shift(curve.mean), band, width: 1.2 }];
    });
  const x = { title: `time (${unit})` };
  const note = `${envelopeNote(Math.max(...placed.map((p) => p.thermo.curves.temperature_K.perBucket)))}${
    placed.length > 1
      ? ` Vertical lines: beginning of ${placed
          .slice(1)
          .map((p) => p.stage.name)
          .join(', ')}.`
      : ''
  }`;
  const atoms = data.natoms;
  const perAtom = atoms === null ? 'eV' : 'meV/atom';
  const scale = atoms === null ? 1 : 1000 / atoms;
  // Differences to the first value: the absolute energy of a model has no meaning of its own, and its digits would hide the change.
  const since = (column: ThermoColumn) => (value: number, p: Placed) => (value - p.thermo.first[column]) * scale;
  const origin = placed[0]!;
  const figure = (id: string, title: string, yTitle: string, drawn: Series[], caption: string): Figure => {
    const plot: Plot = {
      label: `${title} against time`,
      x,
      y: { title: yTitle },
      series: [...boundaries, ...drawn],
      height: 220,
    };
    return { id, title, plot, caption: `${caption}${note}`.trim() };
  };
  const targets = placed.flatMap((p): Series[] => {
    const target = targetOf(p.stage);
    if (!target) return [];
    // A ramp that has not come to its end yet is where its rows say.
    const reached: Point[] = p.thermo.curves.temperature_target_K.mean.map(([x, y]) => [(x + p.start) / size, y]);
    if (reached.length > 0) return [{ name: 'target', look: INK, line: reached, width: 1.2 }];
    const ends: Point[] = [
      [p.start / size, target[0]],
      [(p.start + p.thermo.end) / size, target[1]],
    ];
    return [{ name: 'target', look: INK, line: ends, width: 1.2 }];
  });
  const limits = placed.flatMap((p): Series[] => {
    const limit = limitOf(p.stage);
    if (limit === null) return [];
    const line: Point[] = [
      [p.start / size, limit],
      [(p.start + p.thermo.end) / size, limit],
    ];
    return [{ name: 'stop-above', look: INK, line, width: 1.2 }];
  });
  const deviation = [
    ...series('deviation_force_max_eV_per_A', 'largest', 4, (v) => v),
    ...series('deviation_force_mean_eV_per_A', 'mean over atoms', 5, (v) => v),
  ];
  const figures = [
    figure(
      'temperature',
      'Temperature',
      'temperature (K)',
      [...series('temperature_K', 'measured', 0, (v) => v), ...targets],
      '',
    ),
    figure(
      'energy',
      'Potential energy',
      `change since the start (${perAtom})`,
      series('potential_energy_eV', null, 1, (v) => (v - origin.thermo.first.potential_energy_eV) * scale),
      `Change against the first value of the run.`,
    ),
    figure(
      'conserved',
      'Conserved quantity',
      `change in each stage (${perAtom})`,
      series('conserved_eV', null, 2, since('conserved_eV')),
      'Energy of atoms and thermostat: it may waver with the time step but must not drift; its slope is in the table of stages.',
    ),
    figure(
      'pressure',
      'Pressure',
      'pressure (GPa)',
      series('pressure_GPa', null, 3, (v) => v),
      '',
    ),
  ];
  if (deviation.length > 0) {
    figures.push(
      figure(
        'deviation',
        'Deviation of the models',
        'force deviation (eV/Å)',
        [...deviation, ...limits],
        'Standard deviation of the force on an atom over the models of the committee: where it is large the models were not trained for what they see.',
      ),
    );
  }
  return figures.filter((f) => f.plot.series.some((s) => s.line && s.line.length > 0));
}
