/**
 * Curves that are drawn: long ones are reduced without hiding their extremes. {@link Envelope} reduces a stream of unknown
 * length in constant memory (a run of nanoseconds has millions of rows), {@link thin} a curve that is in memory.
 */

export type Point = readonly [x: number, y: number];

interface Bucket {
  xSum: number;
  count: number;
  /** Of each column: number of finite values, their sum, smallest and largest. */
  n: number[];
  sum: number[];
  min: number[];
  max: number[];
}

export interface ReducedCurve {
  /** One point a bucket: mean x, mean y. Equal to the data themselves where `perBucket` is 1. */
  mean: Point[];
  low: Point[];
  high: Point[];
  /** Rows that share a bucket. */
  perBucket: number;
}

/** Groups consecutive rows into at most `2 * limit` buckets of equal size, each with mean, smallest and largest value a column. */
export class Envelope {
  private buckets: Bucket[] = [];
  private open: Bucket | null = null;
  private size = 1;

  constructor(
    private readonly columns: number,
    private readonly limit = 400,
  ) {}

  add(x: number, values: ArrayLike<number>): void {
    const bucket = this.open ?? this.empty();
    bucket.xSum += x;
    bucket.count++;
    for (let c = 0; c < this.columns; c++) {
      const value = values[c]!;
      if (!Number.isFinite(value)) continue;
      bucket.n[c]!++;
      bucket.sum[c]! += value;
      bucket.min[c] = Math.min(bucket.min[c]!, value);
      bucket.max[c] = Math.max(bucket.max[c]!, value);
    }
    this.open = bucket;
    if (bucket.count < this.size) return;
    this.buckets.push(bucket);
    this.open = null;
    if (this.buckets.length >= 2 * this.limit) this.halve();
  }

  /** Rows a bucket holds. */
  get perBucket(): number {
    return this.size;
  }

  curve(column: number): ReducedCurve {
    const all = this.open ? [...this.buckets, this.open] : this.buckets;
    const curve: ReducedCurve = { mean: [], low: [], high: [], perBucket: this.size };
    for (const bucket of all) {
      if (bucket.n[column] === 0) continue;
      const x = bucket.xSum / bucket.count;
      curve.mean.push([x, bucket.sum[column]! / bucket.n[column]!]);
      curve.low.push([x, bucket.min[column]!]);
      curve.high.push([x, bucket.max[column]!]);
    }
    return curve;
  }

  /**
   * Mean x and mean value of `blocks` consecutive blocks of equal length (whole buckets; the incomplete rest at the end is
   * left out). Null where there are fewer than two buckets for a block.
   */
  blockMeans(column: number, blocks: number): Point[] | null {
    const each = Math.floor(this.buckets.length / blocks);
    if (each < 2) return null;
    const out: Point[] = [];
    for (let b = 0; b < blocks; b++) {
      let x = 0;
      let count = 0;
      let sum = 0;
      let n = 0;
      for (const bucket of this.buckets.slice(b * each, (b + 1) * each)) {
        x += bucket.xSum;
        count += bucket.count;
        sum += bucket.sum[column]!;
        n += bucket.n[column]!;
      }
      if (n === 0) return null;
      out.push([x / count, sum / n]);
    }
    return out;
  }

  private empty(): Bucket {
    const column = (value: number) => new Array<number>(this.columns).fill(value);
    return {
      xSum: 0,
      count: 0,
      n: column(0),
      sum: column(0),
      min: column(Number.POSITIVE_INFINITY),
      max: column(Number.NEGATIVE_INFINITY),
    };
  }

  private halve(): void {
    const merged: Bucket[] = [];
    for (let i = 0; i + 1 < this.buckets.length; i += 2) {
      const a = this.buckets[i]!;
      const b = this.buckets[i + 1]!;
      a.xSum += b.xSum;
      a.count += b.count;
      for (let c = 0; c < this.columns; c++) {
        a.n[c]! += b.n[c]!;
        a.sum[c]! += b.sum[c]!;
        a.min[c] = Math.min(a.min[c]!, b.min[c]!);
        a.max[c] = Math.max(a.max[c]!, b.max[c]!);
      }
      merged.push(a);
    }
    this.buckets = merged;
    this.size *= 2;
  }
}

/**
 * Indices of the points of (x, y) that are kept: of each of `buckets` intervals of x (equal in x, or in log x) the smallest and
 * the largest y, and both ends. Points without a finite place are left out (for `log` those with x or y <= 0). x must ascend.
 */
export function thin(x: ArrayLike<number>, y: ArrayLike<number>, buckets: number, scale: 'linear' | 'log' = 'linear'): number[] {
  const place = (v: number): number => (scale === 'log' ? Math.log(v) : v);
  const usable: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if (Number.isFinite(place(x[i]!)) && Number.isFinite(place(y[i]!))) usable.push(i);
  }
  if (usable.length <= 2 * buckets) return usable;
  const from = place(x[usable[0]!]!);
  const span = place(x[usable.at(-1)!]!) - from;
  const kept = new Set<number>([usable[0]!, usable.at(-1)!]);
  let bucket = -1;
  let low = -1;
  let high = -1;
  const close = () => {
    if (low < 0) return;
    kept.add(low);
    kept.add(high);
  };
  for (const i of usable) {
    const b = Math.min(buckets - 1, Math.floor(((place(x[i]!) - from) / span) * buckets));
    if (b !== bucket) {
      close();
      bucket = b;
      low = i;
      high = i;
    }
    if (y[i]! < y[low]!) low = i;
    if (y[i]! > y[high]!) high = i;
  }
  close();
  return [...kept].sort((a, b) => a - b);
}

/** Slope of the straight line through points of equal weight and its standard error; null for fewer than three points. */
export function lineThrough(points: readonly Point[]): { slope: number; error: number } | null {
  const n = points.length;
  if (n < 3) return null;
  const mx = points.reduce((s, [x]) => s + x, 0) / n;
  const my = points.reduce((s, [, y]) => s + y, 0) / n;
  let sxx = 0;
  let sxy = 0;
  for (const [x, y] of points) {
    sxx += (x - mx) ** 2;
    sxy += (x - mx) * (y - my);
  }
  if (!(sxx > 0)) return null;
  const slope = sxy / sxx;
  const rest = points.reduce((s, [x, y]) => s + (y - my - slope * (x - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (n - 2) / sxx) };
}

/** Mean of block means and its standard error. */
export function meanOfBlocks(points: readonly Point[]): { value: number; error: number } {
  const n = points.length;
  const value = points.reduce((s, [, y]) => s + y, 0) / n;
  const variance = points.reduce((s, [, y]) => s + (y - value) ** 2, 0) / (n - 1);
  return { value, error: Math.sqrt(variance / n) };
}
