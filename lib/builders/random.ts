/**
 * The random numbers of the structure builders: xoshiro256** seeded by SplitMix64 (structures.md 4; Blackman and Vigna, ACM Trans. Math.
 * Softw. 47 (2021) 36). Apart from the generator of the dynamics, so that structures never change when the dynamics does.
 */
import { StructureError } from '../errors.js';

const MASK = 0xffffffffffffffffn;
const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;

/** Unsigned 64-bit seed: a bigint, or a number that is exact. */
export type Seed = bigint | number;

/** The seed as an unsigned 64-bit integer; throws `E_SEEDS`. */
export function checkedSeed(seed: Seed, key = 'seed'): bigint {
  const good = typeof seed === 'bigint' ? seed >= 0n && seed <= MASK : Number.isSafeInteger(seed) && seed >= 0;
  if (good) return BigInt(seed);
  throw new StructureError('E_SEEDS', `${key}: expected an integer from 0 to 2^64 - 1, got ${String(seed)}`, {
    key,
    hint: 'numbers beyond 2^53 must be given as bigint, such as 12345678901234567890n',
  });
}

/** The next outputs of SplitMix64 from a state. */
export function splitMix64(state: bigint, count: number): bigint[] {
  const out: bigint[] = [];
  let s = state;
  for (let i = 0; i < count; i++) {
    s = (s + GOLDEN_GAMMA) & MASK;
    let z = s;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    out.push(z ^ (z >> 31n));
  }
  return out;
}

/** FNV-1a, 64 bits, of the UTF-8 bytes. */
function fnv1a64(label: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(label)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  return hash;
}

/** Below this bound the remainder of 64 bits is exact in doubles: bound^2 + 2^32 < 2^53. */
const SMALL_BOUND = 2 ** 26;

/** One stream. Each choice that a builder makes draws from a stream of its own, `child(label)`. */
export class RandomStream {
  readonly seed: bigint;
  /** Four words, each as low and high half: 64-bit arithmetic on numbers is ten times faster than on bigints. */
  private readonly words = new Uint32Array(8);
  private low = 0;
  private high = 0;

  constructor(seed: Seed) {
    this.seed = checkedSeed(seed);
    splitMix64(this.seed, 4).forEach((word, i) => {
      this.words[2 * i] = Number(word & 0xffffffffn);
      this.words[2 * i + 1] = Number(word >> 32n);
    });
  }

  /** A stream that depends on this stream's seed and the label, not on what was drawn. */
  child(label: string): RandomStream {
    return new RandomStream(splitMix64(fnv1a64(label) ^ this.seed, 1)[0]!);
  }

  /** Advances the state; the output is in `low` and `high`. */
  private advance(): void {
    const w = this.words;
    const s1l = w[2]!;
    const s1h = w[3]!;
    // s1 * 5 = s1 + (s1 << 2)
    let sum = s1l + ((s1l << 2) >>> 0);
    const ml = sum >>> 0;
    const mh = (s1h + ((s1h << 2) | (s1l >>> 30)) + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    // rotl 7
    const rl = ((ml << 7) | (mh >>> 25)) >>> 0;
    const rh = ((mh << 7) | (ml >>> 25)) >>> 0;
    // * 9 = r + (r << 3)
    sum = rl + ((rl << 3) >>> 0);
    this.low = sum >>> 0;
    this.high = (rh + ((rh << 3) | (rl >>> 29)) + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    // t = s1 << 17
    const tl = s1l << 17;
    const th = (s1h << 17) | (s1l >>> 15);
    w[4]! ^= w[0]!;
    w[5]! ^= w[1]!;
    w[6]! ^= s1l;
    w[7]! ^= s1h;
    w[2]! ^= w[4]!;
    w[3]! ^= w[5]!;
    w[0]! ^= w[6]!;
    w[1]! ^= w[7]!;
    w[4]! ^= tl;
    w[5]! ^= th;
    // s3 = rotl(s3, 45) = rotl by 32 (halves swapped) and by 13
    const s3l = w[7]!;
    const s3h = w[6]!;
    w[6] = (s3l << 13) | (s3h >>> 19);
    w[7] = (s3h << 13) | (s3l >>> 19);
  }

  /** 64 bits. */
  u64(): bigint {
    this.advance();
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** Uniform in [0, 1): the upper 53 bits. */
  double(): number {
    this.advance();
    return (this.high * 2097152 + (this.low >>> 11)) * 2 ** -53;
  }

  /** Uniform integer in [0, n), without bias; n is a safe positive integer. */
  below(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`below: expected a positive integer, got ${n}`);
    if (n > SMALL_BOUND) return this.belowLarge(n);
    for (;;) {
      this.advance();
      // The last, incomplete run of n values begins above 2^64 - n: only there is the exact comparison needed.
      if (this.high === 0xffffffff && this.isInLastRun(n)) continue;
      return ((this.high % n) * (4294967296 % n) + this.low) % n;
    }
  }

  private isInLastRun(n: number): boolean {
    const span = 1n << 64n;
    const value = (BigInt(this.high) << 32n) | BigInt(this.low);
    return value >= span - (span % BigInt(n));
  }

  private belowLarge(n: number): number {
    const limit = (1n << 64n) - ((1n << 64n) % BigInt(n));
    for (;;) {
      const value = this.u64();
      if (value < limit) return Number(value % BigInt(n));
    }
  }

  /** Shuffles in place (Fisher-Yates from the end) and returns the array. */
  shuffle<T extends unknown[] | Int32Array | Uint32Array | Float64Array>(items: T): T {
    for (let i = items.length - 1; i >= 1; i--) {
      const j = this.below(i + 1);
      const item = items[i]!;
      items[i] = items[j]!;
      items[j] = item;
    }
    return items;
  }

  /** k of the numbers 0..n-1, sorted. */
  choose(n: number, k: number): number[] {
    if (!(Number.isSafeInteger(k) && k >= 0 && k <= n)) throw new RangeError(`choose: expected 0 to ${n} items, got ${k}`);
    const items = Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < k; i++) {
      const j = i + this.below(n - i);
      const item = items[i]!;
      items[i] = items[j]!;
      items[j] = item;
    }
    return items.slice(0, k).sort((a, b) => a - b);
  }

  /** Uniform proper rotation, nine numbers row-major, r' = R r (Shoemake, Graphics Gems III (1992) 124). */
  rotation(): Float64Array {
    const u1 = this.double();
    const u2 = 2 * Math.PI * this.double();
    const u3 = 2 * Math.PI * this.double();
    const x = Math.sqrt(1 - u1) * Math.sin(u2);
    const y = Math.sqrt(1 - u1) * Math.cos(u2);
    const z = Math.sqrt(u1) * Math.sin(u3);
    const w = Math.sqrt(u1) * Math.cos(u3);
    return Float64Array.of(
      1 - 2 * (y * y + z * z),
      2 * (x * y - z * w),
      2 * (x * z + y * w),
      2 * (x * y + z * w),
      1 - 2 * (x * x + z * z),
      2 * (y * z - x * w),
      2 * (x * z - y * w),
      2 * (y * z + x * w),
      1 - 2 * (x * x + y * y),
    );
  }
}
