/** Damaged frozen graphs of every kind: a reader answers with parameters or with a PotentialError, soon and without much memory. */
import { parseModel } from '../../lib/potential/model-file';
import { campaign } from '../oracle/damage';
import { typedGraph } from '../oracle/graph-types-models';
import { writeGraph } from '../oracle/graph-writer';
import { type RandomKind, randomModel } from '../oracle/random-model';

const slow = Boolean(process.env.IONCLAY_SLOW);

const kinds: RandomKind[] = ['se_e2_a, tables', 'se_e2_r', 'se_e2_r, tables', 'hybrid', 'parameters', 'pair table, graph'];
const concat = { oneSided: false, strip: false, tebd: [3] };
const strip = { oneSided: true, strip: true, tebd: [2, 4] };

const files: [string, Uint8Array][] = [
  ...kinds.map((kind): [string, Uint8Array] => [kind, writeGraph(randomModel(2, kind))]),
  ['type embedding', typedGraph('type embedding', 2, concat).bytes],
  ['se_atten', typedGraph('se_atten, concat', 2, concat, { encoding: 'list' }).bytes],
  ['se_atten, strip', typedGraph('strip, smooth, graph', 2, strip).bytes],
];

test.each(files)('%s', (_, bytes) => {
  expect(() => parseModel(bytes, 'm.pb')).not.toThrow();
  const count = slow ? 10_000 : 300;
  const { foreign, refused, slowest, memory } = campaign(bytes, count, (damaged) => void parseModel(damaged, 'm.pb'));
  expect(foreign).toEqual([]);
  // Nearly all cuts and removals are found; a flipped bit in a weight cannot be.
  expect(refused).toBeGreaterThan(0.25 * count);
  // A file of some 10 kB is read in milliseconds; a circle or a count taken at its word would need minutes.
  expect(slowest).toBeLessThan(5000);
  // The largest filling of a repeated value is 2^24 numbers (128 MB).
  expect(memory).toBeLessThan(256e6);
});
