/** Damaged model files: whatever is changed, a reader answers with parameters or with a PotentialError, soon and without much memory. */
import { parseModel } from '../../lib/potential/model-file';
import { campaign } from '../oracle/damage';
import { writeGraph } from '../oracle/graph-writer';
import { NATIVE_KINDS, nativeHdf5, nativeModel, nativeYaml } from '../oracle/native-trees';
import { textTree, writeHdf5Model, writeYaml } from '../oracle/native-writer';
import { writePth } from '../oracle/pickle-writer';
import { nativePth, picklePth } from '../oracle/pth-writer';
import { randomModel } from '../oracle/random-model';

const slow = Boolean(process.env.IONCLAY_SLOW);
const small = { sel: [3, 2], neuron: [2, 4], fittingNeuron: [3, 3], axis: 2 };
const native = randomModel({ ...small, family: 'native' });
// The parser of YAML needs most of the time: the smallest model that there is.
const tiny = randomModel({ family: 'native', typeNames: ['Y'], sel: [2], neuron: [2], fittingNeuron: [2], axis: 1 });

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const files: [string, Uint8Array][] = [
  ['graph', writeGraph(randomModel(small), { encoding: 'list' })],
  ['graph without a training input', writeGraph(randomModel(small), { script: false })],
  ['HDF5', writeHdf5Model(native)],
  ['JSON', text(textTree(native))],
  ['YAML', writeYaml(tiny)],
  ['YAML of se_e2_r', nativeYaml(nativeModel('se_e2_r'))],
  ...NATIVE_KINDS.map((kind): [string, Uint8Array] => [`HDF5 of ${kind}`, nativeHdf5(nativeModel(kind))]),
  ...NATIVE_KINDS.map((kind): [string, Uint8Array] => [`archive of ${kind}`, nativePth(nativeModel(kind))]),
];

/** Changes of a file: all formats thoroughly once, the kinds of models in each of them less so. YAML takes tens of milliseconds a file. */
function countOf(name: string): number {
  if (name.startsWith('YAML')) return slow ? 1000 : 100;
  if (/ of /.test(name) && !/ of se_e2_a$/.test(name)) return slow ? 2000 : 80;
  return slow ? 10_000 : 500;
}

test.each(files)('%s', (name, bytes) => {
  expect(() => parseModel(bytes, name)).not.toThrow();
  const count = countOf(name);
  const { foreign, refused, slowest, memory } = campaign(bytes, count, (damaged) => void parseModel(damaged, name));
  expect(foreign).toEqual([]);
  // Nearly all cuts and removals are found; a flipped bit in a weight cannot be.
  expect(refused).toBeGreaterThan(0.25 * count);
  // A file of some kB is read in milliseconds; a circle or a count taken at its word would need minutes. The bound leaves room for a busy machine.
  expect(slowest).toBeLessThan(5000);
  // The largest filling of a repeated value is 2^24 numbers (128 MB).
  expect(memory).toBeLessThan(256e6);
});

// Damage within an archive is found by its checksums; here they are right, and what is damaged is the pickle itself.
test.each(NATIVE_KINDS)('pickle of %s', (kind) => {
  const { pickle, root } = picklePth(nativeModel(kind));
  expect(() => parseModel(writePth(root, { pickle }), 'm.pth')).not.toThrow();
  const count = countOf(`pickle of ${kind}`);
  const { foreign, refused, slowest, memory } = campaign(
    pickle,
    count,
    (damaged) => void parseModel(damaged, 'm.pth'),
    (damaged) => writePth(root, { pickle: damaged }),
  );
  expect(foreign).toEqual([]);
  // Much of a pickle are attributes that no reader needs.
  expect(refused).toBeGreaterThan(0.25 * count);
  expect(slowest).toBeLessThan(1000);
  expect(memory).toBeLessThan(256e6);
});
