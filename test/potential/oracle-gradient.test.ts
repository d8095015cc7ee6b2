/** The oracle of Deep Potentials against differences of its own energies, for models of every kind. */
import type { Activation, DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters';
import { evaluateOracle } from '../oracle/deep-potential';
import { RANDOM_KINDS, randomModel, randomStream } from '../oracle/random-model';

const cell = [5.1, 0, 0, 0.7, 4.8, 0, -0.4, 0.9, 5.4];
const random = randomStream(7);
const positions = Float64Array.from({ length: 15 }, () => 5 * random());
const parameters = { frameParameters: [0.3, -0.6], atomParameters: [0.4, -0.2, 0.9, -1.1, 0.5] };

/** Five-point derivative at 0. */
function slope(f: (s: number) => number, step: number): number {
  return (f(-2 * step) - 8 * f(-step) + 8 * f(step) - f(2 * step)) / (12 * step);
}

/** Forces and virial against differences; `given` are the parameters of frame and atoms. */
function expectGradient(p: DeepPotentialParameters, given: typeof parameters | undefined): void {
  const types = [0, 1, 2, 3, 4].map((t) => t % p.ntypes);
  const energy = (x: ArrayLike<number>, h: ArrayLike<number>) => evaluateOracle(p, types, x, h, given);
  const { forces, virial } = energy(positions, cell);
  // Truncation h^4/30 times a fifth derivative (1e3 to 1e5 of the force, whose scale is the steep part of the switch): 1e-7 of the largest
  // force with h = 2e-4. Rounding of the energies, of order 1 to 10 eV: 1e-15/h.
  const scale = Math.max(...forces.map(Math.abs));
  expect(scale).toBeGreaterThan(1e-5);
  for (const k of [0, 4, 7, 11, 14]) {
    const moved = (s: number) =>
      energy(
        positions.map((x, i) => (i === k ? x + s : x)),
        cell,
      ).energy;
    expect(Math.abs(slope(moved, 2e-4) + forces[k]!)).toBeLessThan(1e-7 * scale + 1e-10);
  }
  const size = Math.max(...virial.map(Math.abs));
  for (const [a, b] of [
    [0, 0],
    [1, 2],
    [2, 0],
  ] as const) {
    const strain = (v: ArrayLike<number>, s: number) => Float64Array.from(v, (x, i) => (i % 3 === a ? x + s * v[i - a + b]! : x));
    const strained = (s: number) => energy(strain(positions, s), strain(cell, s)).energy;
    expect(Math.abs(slope(strained, 5e-5) + virial[3 * a + b]!)).toBeLessThan(1e-7 * size + 5e-10);
  }
  for (let c = 0; c < 3; c++) {
    const total = types.reduce((sum, _, i) => sum + forces[3 * i + c]!, 0);
    expect(Math.abs(total)).toBeLessThan(1e-12 * (1 + scale));
  }
}

describe.each(RANDOM_KINDS)('%s', (kind) => {
  test.each([1, 2, 3])('forces and virial of model %i', (seed) => {
    const p = randomModel(seed, kind);
    const takes = p.frameParameters !== null && p.frameParameters.defaults === null;
    expectGradient(p, takes ? parameters : undefined);
  });
});

describe('activation functions', () => {
  const activations: Activation[] = ['tanh', 'gelu', 'softplus', 'sigmoid', 'silu', 'linear'].map((name) => ({
    name: name as Activation['name'],
  }));
  activations.push({ name: 'silut', threshold: 0.4 });
  test.each(activations.map((a) => [a.name, a] as const))('%s', (_, activation) => {
    expectGradient(randomModel({ activation, fittingActivation: activation, sel: [20, 20] }), undefined);
  });
});
