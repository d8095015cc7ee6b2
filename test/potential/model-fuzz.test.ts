/** Damaged model files: whatever is changed, a reader answers with parameters or with a PotentialError, soon and without much memory. */
import { PotentialError } from '../../lib/errors';
import { parseModel } from '../../lib/potential/model-file';
import { varintBytes, writeGraph } from '../oracle/graph-writer';
import { textTree, writeHdf5Model, writeYaml } from '../oracle/native-writer';
import { randomModel, randomStream } from '../oracle/random-model';

const small = { sel: [3, 2], neuron: [2, 4], fittingNeuron: [3, 3], axis: 2 };
const native = randomModel({ ...small, family: 'native' });
// The parser of YAML needs most of the time: the smallest model that there is.
const tiny = randomModel({ family: 'native', typeNames: ['Y'], sel: [2], neuron: [2], fittingNeuron: [2], axis: 1 });

const files: [string, Uint8Array][] = [
  ['graph', writeGraph(randomModel(small), { encoding: 'list' })],
  ['graph without a training input', writeGraph(randomModel(small), { script: false })],
  ['HDF5', writeHdf5Model(native)],
  ['JSON', new TextEncoder().encode(JSON.stringify(textTree(native)))],
  ['YAML', writeYaml(tiny)],
];

const changes: ((bytes: Uint8Array, random: () => number) => Uint8Array)[] = [
  function flipBits(bytes, random) {
    const out = bytes.slice();
    for (let n = 1 + Math.floor(random() * 4); n > 0; n--)
      out[Math.floor(random() * out.length)]! ^= 1 << Math.floor(random() * 8);
    return out;
  },
  function cut(bytes, random) {
    return bytes.slice(0, Math.floor(random() * bytes.length));
  },
  function removePiece(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const length = 1 + Math.floor(random() * 40);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
  },
  // A length, count or address that is far too large, wherever it may stand.
  function hugeNumber(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const number = random() < 0.5 ? varintBytes(2 ** Math.floor(20 + 40 * random())) : [255, 255, 255, 127, 0, 0, 0, 0];
    const out = bytes.slice();
    out.set(number.slice(0, out.length - at), at);
    return out;
  },
  function repeatPiece(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const piece = bytes.subarray(at, at + 1 + Math.floor(random() * 200));
    return Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
  },
];

test.each(files)('%s: 500 changes', (name, bytes) => {
  expect(() => parseModel(bytes, name)).not.toThrow();
  const random = randomStream(20);
  const others: string[] = [];
  let refused = 0;
  let slowest = 0;
  let memory = 0;
  for (let k = 0; k < 500; k++) {
    const change = changes[k % changes.length]!;
    const damaged = change(bytes, random);
    const [start, before] = [performance.now(), process.memoryUsage().arrayBuffers];
    try {
      parseModel(damaged, name);
    } catch (error) {
      refused++;
      if (!(error instanceof PotentialError)) others.push(`${change.name} ${k}: ${(error as Error).stack?.slice(0, 300)}`);
    }
    slowest = Math.max(slowest, performance.now() - start);
    memory = Math.max(memory, process.memoryUsage().arrayBuffers - before);
  }
  expect(others).toEqual([]);
  // Nearly all cuts and removals are found; a flipped bit in a weight cannot be.
  expect(refused).toBeGreaterThan(150);
  // A file of some kB is read in milliseconds; a circle or a count taken at its word would need minutes. The bound leaves room for a busy machine.
  expect(slowest).toBeLessThan(5000);
  // The largest filling of a repeated value is 2^24 numbers (128 MB).
  expect(memory).toBeLessThan(300e6);
});
