/** Campaigns of damaged files: whatever is changed, a reader must answer with parameters or with an error of its own, soon and without much memory. */
import { PotentialError } from '../../lib/errors';
import { varintBytes } from './graph-writer';
import { randomStream } from './random-networks';

export const damages: readonly ((bytes: Uint8Array, random: () => number) => Uint8Array)[] = [
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
  // A piece of the file in place of another one.
  function splice(bytes, random) {
    const out = bytes.slice();
    const length = 1 + Math.floor(random() * 40);
    const from = Math.floor(random() * Math.max(1, out.length - length));
    out.copyWithin(Math.floor(random() * out.length), from, from + length);
    return out;
  },
  // A length, count or opcode that is a little off.
  function nudge(bytes, random) {
    const out = bytes.slice();
    out[Math.floor(random() * out.length)]! += random() < 0.5 ? 1 : 255;
    return out;
  },
  function repeatPiece(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const piece = bytes.subarray(at, at + 1 + Math.floor(random() * 200));
    return Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
  },
];

export interface Campaign {
  /** What was thrown that is no error of the package. */
  readonly foreign: readonly string[];
  readonly refused: number;
  /** ms, of the slowest file. */
  readonly slowest: number;
  /** Bytes of buffers, the most that one file took. */
  readonly memory: number;
}

/** Reads `count` damaged files, all from one seed; `write` may put the damaged bytes into a whole file. */
export function campaign(
  bytes: Uint8Array,
  count: number,
  read: (bytes: Uint8Array) => void,
  write: (damaged: Uint8Array) => Uint8Array = (damaged) => damaged,
): Campaign {
  const random = randomStream(20);
  const foreign: string[] = [];
  let [refused, slowest, memory] = [0, 0, 0];
  for (let k = 0; k < count; k++) {
    const damage = damages[k % damages.length]!;
    const file = write(damage(bytes, random));
    const [start, before] = [performance.now(), process.memoryUsage().arrayBuffers];
    try {
      read(file);
    } catch (error) {
      refused++;
      if (!(error instanceof PotentialError)) foreign.push(`${damage.name} ${k}: ${(error as Error).stack?.slice(0, 300)}`);
    }
    slowest = Math.max(slowest, performance.now() - start);
    memory = Math.max(memory, process.memoryUsage().arrayBuffers - before);
  }
  return { foreign, refused, slowest, memory };
}
