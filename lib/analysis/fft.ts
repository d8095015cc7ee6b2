/** Complex Fourier transform of power-of-two length: Stockham's self-sorting radix-4 scheme (no bit reversal). */
import { IonclayError } from '../errors.js';

export class Fft {
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;
  private readonly workRe: Float64Array;
  private readonly workIm: Float64Array;

  /** @param size a power of two */
  constructor(readonly size: number) {
    if (size < 1 || (size & (size - 1)) !== 0)
      throw new IonclayError('INTERNAL', `transform length ${size} is not a power of two`);
    // Every factor from its own cosine: a recursion would lose digits with the length.
    this.cos = Float64Array.from({ length: size }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: size }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    this.workRe = new Float64Array(size);
    this.workIm = new Float64Array(size);
  }

  /** Smallest length that holds `count` samples. */
  static sizeFor(count: number): number {
    let size = 1;
    while (size < count) size *= 2;
    return size;
  }

  /** X_k = sum_j x_j exp(-2 pi i j k / n), in place. The inverse, times n, is the same call with `re` and `im` exchanged. */
  transform(re: Float64Array, im: Float64Array): void {
    let xr = re;
    let xi = im;
    let yr = this.workRe;
    let yi = this.workIm;
    let stride = 1;
    for (let n = this.size; n > 1; ) {
      if (n === 2) {
        for (let q = 0; q < stride; q++) {
          yr[q] = xr[q]! + xr[q + stride]!;
          yi[q] = xi[q]! + xi[q + stride]!;
          yr[q + stride] = xr[q]! - xr[q + stride]!;
          yi[q + stride] = xi[q]! - xi[q + stride]!;
        }
        n = 1;
      } else {
        this.radix4(n, stride, xr, xi, yr, yi);
        n /= 4;
        stride *= 4;
      }
      [xr, yr] = [yr, xr];
      [xi, yi] = [yi, xi];
    }
    if (xr !== re) {
      re.set(xr);
      im.set(xi);
    }
  }

  private radix4(n: number, stride: number, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const { cos, sin, size } = this;
    const quarter = n / 4;
    const step = size / n;
    for (let p = 0; p < quarter; p++) {
      const c1 = cos[p * step]!;
      const s1 = -sin[p * step]!;
      const c2 = cos[2 * p * step]!;
      const s2 = -sin[2 * p * step]!;
      const c3 = cos[3 * p * step]!;
      const s3 = -sin[3 * p * step]!;
      for (let q = 0; q < stride; q++) {
        const ia = q + stride * p;
        const ib = ia + stride * quarter;
        const ic = ib + stride * quarter;
        const id = ic + stride * quarter;
        const sumACr = xr[ia]! + xr[ic]!;
        const sumACi = xi[ia]! + xi[ic]!;
        const difACr = xr[ia]! - xr[ic]!;
        const difACi = xi[ia]! - xi[ic]!;
        const sumBDr = xr[ib]! + xr[id]!;
        const sumBDi = xi[ib]! + xi[id]!;
        // i (b - d)
        const rotBDr = xi[id]! - xi[ib]!;
        const rotBDi = xr[ib]! - xr[id]!;
        const out = q + stride * 4 * p;
        yr[out] = sumACr + sumBDr;
        yi[out] = sumACi + sumBDi;
        const er = difACr - rotBDr;
        const ei = difACi - rotBDi;
        yr[out + stride] = er * c1 - ei * s1;
        yi[out + stride] = er * s1 + ei * c1;
        const fr = sumACr - sumBDr;
        const fi = sumACi - sumBDi;
        yr[out + 2 * stride] = fr * c2 - fi * s2;
        yi[out + 2 * stride] = fr * s2 + fi * c2;
        const gr = difACr + rotBDr;
        const gi = difACi + rotBDi;
        yr[out + 3 * stride] = gr * c3 - gi * s3;
        yi[out + 3 * stride] = gr * s3 + gi * c3;
      }
    }
  }
}
