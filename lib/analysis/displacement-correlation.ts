/**
 * Averaged products of displacements over all time origins,
 *
 *     D_ab(m) = 1/(T-m) sum_k [a(k+m) - a(k)] [b(k+m) - b(k)],
 *
 * by the Wiener-Khinchin theorem in O(T log T) (analysis.md 3.2): the core of mean squared displacements (a = b), of the
 * off-diagonal elements of their tensor, and of collective displacements.
 */
import { IonclayError } from '../errors.js';
import { Fft } from './fft.js';

/** Sums over pairs of series: products a_k b_k by frame, and the cross-spectrum Re(A* B). Linear, so atoms add up. */
export interface CorrelationSums {
  readonly products: Float64Array;
  readonly spectrum: Float64Array;
}

export interface Spectrum {
  readonly series: Float64Array;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export class DisplacementCorrelator {
  private readonly fft: Fft;
  private readonly re: Float64Array;
  private readonly im: Float64Array;

  /** @param frames T, the length of every series */
  constructor(readonly frames: number) {
    // 2T - 1 points keep the correlation from wrapping around.
    this.fft = new Fft(Fft.sizeFor(Math.max(1, 2 * frames - 1)));
    this.re = new Float64Array(this.fft.size);
    this.im = new Float64Array(this.fft.size);
  }

  sums(): CorrelationSums {
    return { products: new Float64Array(this.frames), spectrum: new Float64Array((this.fft.size >> 1) + 1) };
  }

  /**
   * Spectra of two real series in one complex transform. The time means are subtracted in place first: displacements do not
   * depend on them, and large offsets would cost digits.
   */
  spectra(a: Float64Array, b: Float64Array): [Spectrum, Spectrum] {
    const { fft, re, im, frames } = this;
    subtractMean(a);
    subtractMean(b);
    re.fill(0);
    im.fill(0);
    re.set(a);
    im.set(b);
    fft.transform(re, im);
    const half = fft.size >> 1;
    const mask = fft.size - 1;
    const out: [Spectrum, Spectrum] = [
      { series: a, re: new Float64Array(half + 1), im: new Float64Array(half + 1) },
      { series: b, re: new Float64Array(half + 1), im: new Float64Array(half + 1) },
    ];
    if (a.length !== frames || b.length !== frames) throw new IonclayError('INTERNAL', 'series of another length');
    for (let k = 0; k <= half; k++) {
      const l = (fft.size - k) & mask;
      out[0].re[k] = 0.5 * (re[k]! + re[l]!);
      out[0].im[k] = 0.5 * (im[k]! - im[l]!);
      out[1].re[k] = 0.5 * (im[k]! + im[l]!);
      out[1].im[k] = 0.5 * (re[l]! - re[k]!);
    }
    return out;
  }

  add(sums: CorrelationSums, a: Spectrum, b: Spectrum): void {
    const { products, spectrum } = sums;
    for (let k = 0; k < products.length; k++) products[k] = products[k]! + a.series[k]! * b.series[k]!;
    for (let k = 0; k < spectrum.length; k++) spectrum[k] = spectrum[k]! + a.re[k]! * b.re[k]! + a.im[k]! * b.im[k]!;
  }

  /** The curve of lags 0..T-1, lag 0 exactly 0; the sum over everything that was added (divide by the number of atoms outside). */
  curve({ products, spectrum }: CorrelationSums): Float64Array {
    const { fft, re, im, frames } = this;
    const half = fft.size >> 1;
    im.fill(0);
    for (let k = 0; k <= half; k++) {
      re[k] = spectrum[k]!;
      if (k > 0 && k < half) re[fft.size - k] = spectrum[k]!;
    }
    // Real and even, so forward and inverse transform are the same but for the factor.
    fft.transform(re, im);
    const out = new Float64Array(frames);
    // head[m]: products of the first T - m frames; tail: of the last T - m. Sums of few terms stay exact at long lags.
    const head = new Float64Array(frames + 1);
    for (let k = 0; k < frames; k++) head[k + 1] = head[k]! + products[k]!;
    let tail = 0;
    for (let m = frames - 1; m >= 1; m--) {
      tail += products[m]!;
      const windows = frames - m;
      out[m] = (head[windows]! + tail - (2 * re[m]!) / fft.size) / windows;
    }
    return out;
  }
}

function subtractMean(series: Float64Array): void {
  let sum = 0;
  for (const x of series) sum += x;
  const mean = sum / series.length;
  for (let k = 0; k < series.length; k++) series[k] = series[k]! - mean;
}

/** Lags that are computed by direct differences where the transform would lose digits (analysis.md 3.2). */
export const DIRECT_LAGS = 32;

/** Whether short lags need direct differences: the transform's error is about 1e-16 of the largest square. */
export function needsDirectLags(largestSquare: number, firstLag: number): boolean {
  return largestSquare > 1e8 * Math.abs(firstLag);
}

/** Adds [a(k+m) - a(k)] [b(k+m) - b(k)], averaged over k, to out[m] for m = 1..min(DIRECT_LAGS, T-1). */
export function addDirectLags(out: Float64Array, a: Float64Array, b: Float64Array): void {
  const frames = a.length;
  for (let m = 1; m <= Math.min(DIRECT_LAGS, frames - 1); m++) {
    let sum = 0;
    for (let k = 0; k + m < frames; k++) sum += (a[k + m]! - a[k]!) * (b[k + m]! - b[k]!);
    out[m] = out[m]! + sum / (frames - m);
  }
}

/** Sets rounding values below zero to zero; anything larger than rounding is a bug (analysis.md 3.2). */
export function clampRounding(curve: Float64Array): Float64Array {
  let largest = 0;
  for (const x of curve) largest = Math.max(largest, Math.abs(x));
  for (let m = 0; m < curve.length; m++) {
    if (curve[m]! >= 0) continue;
    if (curve[m]! < -1e-9 * largest)
      throw new IonclayError('INTERNAL', `a mean square came out negative (${curve[m]} at lag ${m})`);
    curve[m] = 0;
  }
  return curve;
}
