import { Envelope, lineThrough, meanOfBlocks, thin } from '../../lib/report/curve.js';

describe('Envelope', () => {
  test('a short curve is kept point by point', () => {
    const envelope = new Envelope(2, 10);
    for (let i = 0; i < 19; i++) envelope.add(i, [i * i, i === 3 ? Number.NaN : -i]);
    expect(envelope.perBucket).toBe(1);
    expect(envelope.curve(0).mean).toEqual(Array.from({ length: 19 }, (_, i) => [i, i * i]));
    expect(envelope.curve(1).mean.map(([x]) => x)).not.toContain(3);
  });

  test.each([20, 21, 999, 12345])('%p points: few buckets, every extreme kept, means exact', (points) => {
    const envelope = new Envelope(1, 10);
    const y = (i: number) => ((i * 7919) % 1009) - 500 + (i === 17 ? 1e6 : 0);
    for (let i = 0; i < points; i++) envelope.add(i, [y(i)]);
    const { mean, low, high, perBucket } = envelope.curve(0);
    expect(mean.length).toBeLessThanOrEqual(20);
    expect(mean.length * perBucket).toBeGreaterThanOrEqual(points);
    for (const [k, [x, m]] of mean.entries()) {
      const members = Array.from({ length: Math.min(perBucket, points - k * perBucket) }, (_, j) => k * perBucket + j);
      expect(low[k]![1]).toBe(Math.min(...members.map(y)));
      expect(high[k]![1]).toBe(Math.max(...members.map(y)));
      // Integer data: sums are exact, only the division rounds.
      expect(m).toBeCloseTo(members.reduce((s, i) => s + y(i), 0) / members.length, 9);
      expect(x).toBeCloseTo(members.reduce((s, i) => s + i, 0) / members.length, 9);
    }
    expect(Math.max(...high.map(([, v]) => v))).toBeGreaterThan(9e5);
  });

  test('block means of a straight line are the line, and short data give none', () => {
    const envelope = new Envelope(1, 100);
    for (let i = 0; i < 5000; i++) envelope.add(i, [3 + 2 * i]);
    const blocks = envelope.blockMeans(0, 20)!;
    expect(blocks).toHaveLength(20);
    const { slope, error } = lineThrough(blocks)!;
    // An exact line of integers: rounding alone, some 1e-13 of the largest value over the span.
    expect(slope).toBeCloseTo(2, 9);
    expect(error).toBeLessThan(1e-9);
    const short = new Envelope(1, 100);
    for (let i = 0; i < 39; i++) short.add(i, [i]);
    expect(short.blockMeans(0, 20)).toBeNull();
  });
});

test('slope and its error for a known sample', () => {
  // y = 1, 3, 2, 4 at x = 0..3: slope 0.8, residual sum of squares 1.8, error sqrt(1.8/2/5), by hand.
  const line = lineThrough([
    [0, 1],
    [1, 3],
    [2, 2],
    [3, 4],
  ])!;
  expect(line.slope).toBeCloseTo(0.8, 14);
  expect(line.error).toBeCloseTo(Math.sqrt(0.18), 14);
  expect(
    meanOfBlocks([
      [0, 1],
      [1, 3],
    ]),
  ).toEqual({ value: 2, error: 1 });
});

describe('thin', () => {
  const x = Float64Array.from({ length: 10000 }, (_, i) => i + 1);
  const y = x.map((v) => 2 + Math.sin(v / 50) + (v === 4321 ? 9 : 0));

  // Positive values: in log mode both axes are logarithmic.
  test.each(['linear', 'log'] as const)('%s: keeps ends and extremes, in order, and no more than asked', (scale) => {
    const kept = thin(x, y, 100, scale);
    expect(kept.length).toBeLessThanOrEqual(202);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(9999);
    expect(kept).toContain(4320);
    expect([...kept].sort((a, b) => a - b)).toEqual(kept);
    expect(kept).toContain(y.indexOf(Math.min(...y)));
  });

  test('points without a place on a log axis are left out', () => {
    expect(thin([1, 2, 3, 4], [0, -1, Number.NaN, 5], 10, 'log')).toEqual([3]);
  });
});
