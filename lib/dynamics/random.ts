/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011; dynamics.md 10.3) and the deviates of 10.4. A number is
 * a pure function of (seed, purpose, step, atom, draw): there is no generator state to store, and threads or the order of atoms
 * change nothing.
 */

/** What a stream is for (dynamics.md 10.3). */
export const PURPOSE = { startVelocities: 1, langevinParticles: 2, csvr: 3, barostat: 4, displacements: 5, user: 100 } as const;

/** Names one stream: everything of the counter and key but the atom. */
export interface Stream {
  /** 64-bit unsigned. */
  readonly seed: bigint;
  readonly purpose: number;
  /** Global step over all stages, below 2^53. */
  readonly step: number;
}

// Bound once: looked up on every call they would cost more than the arithmetic where globals are intercepted.
const { imul, log, sqrt, cos, sin, PI } = Math;

/** Upper 32 bits of a 32x32-bit product by 16-bit halves: JavaScript has no 64-bit integers that are fast. */
function multiplyHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const middle = (imul(ah, bl) + (imul(al, bl) >>> 16)) >>> 0;
  const cross = (imul(al, bh) + (middle & 0xffff)) >>> 0;
  return (imul(ah, bh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/** One Philox4x32-10 block: four 32-bit words (signed in the array; use `>>> 0` for unsigned) of counter and key. */
export function philox4x32(out: Int32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low0 = imul(0xd2511f53, c0);
    const low1 = imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** u(a, b) of dynamics.md 10.4: strictly inside (0, 1), exact in double. */
function uniform(a: number, b: number): number {
  return ((a >>> 6) * 0x4000000 + (b >>> 6) + 0.5) * 2 ** -52;
}

const words = new Int32Array(4);

function block(stream: Stream, atom: number, draw: number): void {
  const low = Number(stream.seed & 0xffffffffn) | 0;
  const high = Number((stream.seed >> 32n) & 0xffffffffn) | 0;
  philox4x32(
    words,
    atom | 0,
    (stream.purpose * 65536 + draw) | 0,
    stream.step | 0,
    Math.floor(stream.step / 2 ** 32) | 0,
    low,
    high,
  );
}

/** The two uniform deviates of one block. */
export function uniformPair(stream: Stream, atom: number, draw: number): [number, number] {
  block(stream, atom, draw);
  return [uniform(words[0]!, words[1]!), uniform(words[2]!, words[3]!)];
}

/** The two standard normal deviates of one block (Box-Muller). */
export function normalPair(stream: Stream, atom: number, draw: number): [number, number] {
  const [u1, u2] = uniformPair(stream, atom, draw);
  const r = sqrt(-2 * log(u1));
  return [r * cos(2 * PI * u2), r * sin(2 * PI * u2)];
}

/**
 * Three standard normals for each atom 0..N-1 into `out` (3N): x, y are the pair of block `draw`, z the first of the pair of
 * block `draw + 1`.
 */
export function fillNormals(stream: Stream, draw: number, out: Float64Array): void {
  const k0 = Number(stream.seed & 0xffffffffn) | 0;
  const k1 = Number((stream.seed >> 32n) & 0xffffffffn) | 0;
  const tag = (stream.purpose * 65536 + draw) | 0;
  const low = stream.step | 0;
  const high = Math.floor(stream.step / 2 ** 32) | 0;
  const natoms = out.length / 3;
  for (let atom = 0; atom < natoms; atom++) {
    philox4x32(words, atom, tag, low, high, k0, k1);
    const r = sqrt(-2 * log(uniform(words[0]!, words[1]!)));
    const angle = 2 * PI * uniform(words[2]!, words[3]!);
    out[3 * atom] = r * cos(angle);
    out[3 * atom + 1] = r * sin(angle);
    philox4x32(words, atom, tag + 1, low, high, k0, k1);
    const rz = sqrt(-2 * log(uniform(words[0]!, words[1]!)));
    out[3 * atom + 2] = rz * cos(2 * PI * uniform(words[2]!, words[3]!));
  }
}

/**
 * Gamma deviate of the given shape and unit scale (Marsaglia, Tsang 2000), from blocks `base`, `base + 1`, ... of the atom's stream.
 * Below shape 1 (dynamics.md 10.4) it is Gamma(shape + 1) u^(1/shape) with the u of the block after the accepted attempt.
 */
export function gammaDeviate(stream: Stream, atom: number, base: number, shape: number): number {
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / sqrt(9 * d);
  for (let draw = base; ; draw += 2) {
    const [n] = normalPair(stream, atom, draw);
    const [u] = uniformPair(stream, atom, draw + 1);
    const t = (1 + c * n) ** 3;
    if (t > 0 && log(u) < (n * n) / 2 + d - d * t + d * log(t)) {
      return shape < 1 ? d * t * uniformPair(stream, atom, draw + 2)[0] ** (1 / shape) : d * t;
    }
  }
}

/** A seed as users give it: a whole number from 0 to 2^64 - 1 (a bigint above 2^53). Undefined where it is none of these. */
export function seedFrom(value: number | bigint): bigint | undefined {
  if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0)) return undefined;
  const seed = BigInt(value);
  return seed >= 0n && seed < 1n << 64n ? seed : undefined;
}
