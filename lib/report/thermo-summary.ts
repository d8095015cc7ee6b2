/** Reads a thermo.csv of any length in one pass: reduced curves for the plots, means with errors and the drift for the table. */
import { Envelope, lineThrough, meanOfBlocks, type Point, type ReducedCurve } from './curve.js';
import { scanTable } from './table.js';

const COLUMNS = [
  'temperature_K',
  'potential_energy_eV',
  'conserved_eV',
  'pressure_GPa',
  'volume_A3',
  'density_g_per_cm3',
  'temperature_target_K',
  'deviation_force_max_eV_per_A',
  'deviation_force_mean_eV_per_A',
] as const;
export type ThermoColumn = (typeof COLUMNS)[number];

/** Enough to estimate a variance, few enough that each block is long against the slowest vibration. */
const BLOCKS = 20;

export interface Measured {
  value: number;
  error: number;
}

export interface StageThermo {
  rows: number;
  /** fs, of the last row. */
  end: number;
  lastStep: number;
  curves: Readonly<Record<ThermoColumn, ReducedCurve>>;
  /** Value of the first row: the reference of energies in plots. */
  first: Readonly<Record<ThermoColumn, number>>;
  /** Time mean and its standard error from 20 blocks; null for short stages. */
  mean(column: ThermoColumn): Measured | null;
  /** Slope against time per fs and its standard error, from 20 block means; null for short stages. */
  drift(column: ThermoColumn): Measured | null;
}

export async function readThermo(path: string): Promise<StageThermo> {
  const envelope = new Envelope(COLUMNS.length);
  let first: Float64Array | null = null;
  let end = 0;
  let lastStep = 0;
  const { rows } = await scanTable(path, ['step', 'time_fs', ...COLUMNS], (values) => {
    const data = values.subarray(2);
    first ??= data.slice();
    lastStep = values[0]!;
    end = values[1]!;
    envelope.add(end, data);
  });
  const place = (column: ThermoColumn): number => COLUMNS.indexOf(column);
  const byColumn = <T>(make: (column: ThermoColumn) => T): Record<ThermoColumn, T> =>
    Object.fromEntries(COLUMNS.map((column) => [column, make(column)])) as Record<ThermoColumn, T>;
  const blocks = (column: ThermoColumn): Point[] | null => envelope.blockMeans(place(column), BLOCKS);
  return {
    rows,
    end,
    lastStep,
    curves: byColumn((column) => envelope.curve(place(column))),
    first: byColumn((column) => first?.[place(column)] ?? Number.NaN),
    mean(column) {
      const means = blocks(column);
      return means && meanOfBlocks(means);
    },
    drift(column) {
      const means = blocks(column);
      const line = means && lineThrough(means);
      return line && { value: line.slope, error: line.error };
    },
  };
}
