/**
 * Complementary error function in double precision for the reference code: Taylor polynomials about nodes 1/16 apart whose
 * values come from the convergent series (small x) and the continued fraction (large x). Nothing here is shared with the kernels.
 */
// Taken once: under a test runner each look at the global Math costs more than the function itself.
const { exp, PI, round, sqrt } = Math;

const SPACING = 1 / 16;
const LAST = 27; // erfc(27) underflows in double
const DEGREE = 10; // |d| <= 1/32: the next term is below 1e-18 of the value

const TWO_OVER_ROOT_PI = 2 / sqrt(PI);

/** 1 - erf(x) by the series of positive terms for x < 1, the continued fraction of Laplace above. */
function erfcAtNode(x: number): number {
  if (x < 1) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - TWO_OVER_ROOT_PI * exp(-x * x) * sum;
  }
  let tail = x;
  for (let n = 400; n >= 1; n--) tail = x + n / 2 / tail;
  return exp(-x * x) / sqrt(PI) / tail;
}

const table = buildTable();

function buildTable(): Float64Array {
  const nodes = LAST / SPACING + 1;
  const out = new Float64Array(nodes * (DEGREE + 1));
  for (let k = 0; k < nodes; k++) {
    const x = k * SPACING;
    const row = k * (DEGREE + 1);
    out[row] = erfcAtNode(x);
    // Taylor coefficients of exp(-x^2): c_(n+1) = -2 (x c_n + c_(n-1)) / (n + 1); erfc integrates them.
    let before = 0;
    let now = exp(-x * x);
    for (let n = 0; n < DEGREE; n++) {
      out[row + n + 1] = (-TWO_OVER_ROOT_PI * now) / (n + 1);
      const next = (-2 * (x * now + before)) / (n + 1);
      before = now;
      now = next;
    }
  }
  return out;
}

/** erfc(x) for x >= 0, relative error below 2e-15. */
export function erfc(x: number): number {
  if (x >= LAST) return 0;
  const k = round(x / SPACING);
  const d = x - k * SPACING;
  const row = k * (DEGREE + 1);
  let value = table[row + DEGREE]!;
  for (let n = DEGREE - 1; n >= 0; n--) value = value * d + table[row + n]!;
  return value;
}
