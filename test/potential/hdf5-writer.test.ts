/** HDF5 files of our own: read back to the bit; that other programs open them is shown where such a program is. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hdf5File } from '../../lib/potential/formats/hdf5.js';
import { type DatasetToWrite, writeHdf5 } from '../../lib/potential/formats/hdf5-writer.js';

const values = (n: number, scale = 1) => Float64Array.from({ length: n }, (_, k) => scale * Math.sin(1 + k * k));
const single = (n: number) => values(n).map(Math.fround);

const DATASETS: DatasetToWrite[] = [
  { name: 'variable_0001', shape: [3, 4], values: values(12, 1e-200), single: false },
  { name: 'variable_0000', shape: [5], values: single(5), single: true },
  { name: 'variable_0002', shape: [0], values: new Float64Array(0), single: false },
  { name: 'a', shape: [], values: Float64Array.of(-0), single: false },
  { name: 'variable_0003', shape: [2, 1, 2], values: Float64Array.of(Number.MAX_VALUE, 5e-324, -1, 0.1), single: false },
];

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

const python = process.env.IONCLAY_DEEPMD_PYTHON;
const testIf = python ? test : test.skip;

testIf('h5py reads the same (IONCLAY_DEEPMD_PYTHON names a Python that has it)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-h5-'));
  try {
    const path = join(folder, 'a.h5');
    const many = Array.from({ length: 300 }, (_, k) => ({ ...DATASETS[k % 5]!, name: `variable_${String(k).padStart(4, '0')}` }));
    writeFileSync(path, writeHdf5('{"a": "Å"}', many));
    const code = `import h5py, json, sys
f = h5py.File(sys.argv[1], 'r')
print(json.dumps([f.attrs['json'], {k: [str(v.dtype), list(v.shape), v[()].ravel().tolist()] for k, v in f.items()}]))`;
    const { stdout, stderr } = spawnSync(python!, ['-c', code, path], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const [text, read] = JSON.parse(stdout);
    expect(text).toBe('{"a": "Å"}');
    for (const { name, shape, values: stored, single: four } of many)
      expect(read[name]).toEqual([four ? 'float32' : 'float64', [...shape], [...stored]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
