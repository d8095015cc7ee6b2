/** Data sets of every kind that we write. */
import type { DatasetToWrite } from '../../lib/potential/formats/hdf5-writer';

const values = (n: number, scale = 1) => Float64Array.from({ length: n }, (_, k) => scale * Math.sin(1 + k * k));
const single = (n: number) => values(n).map(Math.fround);

export const DATASETS: DatasetToWrite[] = [
  { name: 'variable_0001', shape: [3, 4], values: values(12, 1e-200), single: false },
  { name: 'variable_0000', shape: [5], values: single(5), single: true },
  { name: 'variable_0002', shape: [0], values: new Float64Array(0), single: false },
  { name: 'a', shape: [], values: Float64Array.of(-0), single: false },
  { name: 'variable_0003', shape: [2, 1, 2], values: Float64Array.of(Number.MAX_VALUE, 5e-324, -1, 0.1), single: false },
];
