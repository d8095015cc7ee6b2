/** Our HDF5 files are read by h5py. Runs where IONCLAY_DEEPMD_PYTHON names a Python that has it (jest.config.cjs). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeHdf5 } from '../../lib/potential/formats/hdf5-writer.js';
import { DATASETS } from '../oracle/hdf5-datasets.js';

const python = process.env.IONCLAY_DEEPMD_PYTHON;

test('h5py reads the same HDF5 file', () => {
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
