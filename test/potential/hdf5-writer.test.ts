/** HDF5 files of our own: read back to the bit; that other programs open them is shown where such a program is. */
import { Hdf5File } from '../../lib/potential/formats/hdf5.js';
import { writeHdf5 } from '../../lib/potential/formats/hdf5-writer.js';
import { DATASETS } from '../oracle/hdf5-datasets.js';

test.each([0, 1, 5, 9, 700])('%i datasets and a text of any length come back as they were', (count) => {
  const datasets = Array.from({ length: count }, (_, k) => ({
    ...DATASETS[k % DATASETS.length]!,
    name: `variable_${String((k * 37) % 701).padStart(4, '0')}`,
  }));
  const text = JSON.stringify({ Å: '§'.repeat(10 * count), n: count });
  const file = new Hdf5File(writeHdf5(text, datasets));
  expect(file.rootAttribute('json')).toBe(text);
  expect(file.names()).toEqual(datasets.map(({ name }) => name).sort());
  for (const { name, shape, values: stored, single: four } of datasets) {
    const read = file.dataset(name)!;
    expect(read.kind).toBe(four ? 'float32' : 'float64');
    expect(read.shape).toEqual(shape);
    expect(read.values).toEqual(stored);
  }
});
