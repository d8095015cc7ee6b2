/** Diffusivities against the reference data: regimes that may or may not be quoted, estimators of the slope, unwrapping. */

import { diffusion } from '../../lib/analysis/diffusion.js';
import { fitDiffusion, fitSlope, he2018 } from '../../lib/analysis/diffusion-fit.js';
import { GeneralisedLeastSquares, ordinaryLeastSquares, weightedLeastSquares } from '../../lib/analysis/fits.js';
import { msd } from '../../lib/analysis/msd.js';
import { walkCovariance } from '../../lib/analysis/walk-covariance.js';
import { readNpy } from '../npy.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { framesOf, relative } from './frames.js';

describeReference('regimes (reference data)', () => {
  const expected = referenceJson('analysis', '20_regimes', 'expected.json');
  const names = Object.keys(expected.cases);

  test.each(names)('%s', (name) => {
    const want = expected.cases[name];
    const positions = readNpy(referencePath('analysis', '20_regimes', `${name}.npy`));
    const frames = framesOf(positions, { symbols: Array(expected.n_ions).fill('Li'), interval: expected.dt_fs });
    const options = { reference: 'none', siteDistance: expected.site_distance_A } as const;
    const curve = msd(frames, { reference: options.reference }).species.Li!.msd_A2;
    // msd rel 1e-10, slope, errors, chi2 and n_hop rel 1e-6: the tolerances of the data.
    want.msd_lags.forEach((m: number, i: number) => {
      expect(relative(curve[m]!, want.msd[i])).toBeLessThan(1e-10);
    });
    const estimate = diffusion(frames, options).Li!;
    expect(estimate.status).toBe(want.expected_status);
    expect(estimate.reasons).toEqual(want.reasons);
    const fit = fitDiffusion(curve, { ions: expected.n_ions, siteDistance: expected.site_distance_A });
    expect(fit.reasons).toEqual(want.reasons);
    if (!want.reference) return;
    expect(fit.window).toEqual(want.reference.window_lags);
    expect(relative(fit.fit!.slope, want.reference.slope_A2_per_frame)).toBeLessThan(1e-6);
    expect(relative(fit.fit!.slopeError, want.reference.slope_se)).toBeLessThan(1e-6);
    expect(fit.scan!.exponent).toBeCloseTo(want.reference.exponent, 12);
    expect(fit.scan!.error).toBeCloseTo(want.reference.exponent_se, 12);
    expect(relative(fit.scan!.deltaChi2, want.reference.delta_chi2_at_1)).toBeLessThan(1e-6);
    expect(relative(fit.fit!.chi2PerDof, want.reference.chi2_per_dof)).toBeLessThan(1e-6);
    expect(relative(fit.hopCount!, want.reference.n_hop)).toBeLessThan(1e-6);
    expect(relative(fit.rsdHe2018!, want.reference.rsd_he2018)).toBeLessThan(1e-6);
    expect(estimate.inputs.slope_A2_per_fs).toBeCloseTo(want.reference.slope_A2_per_frame / expected.dt_fs, 10);
  });
});

describeReference('estimators of the slope (reference data)', () => {
  const expected = referenceJson('analysis', '03_brownian', 'expected.json');
  const positions = readNpy(referencePath('analysis', '03_brownian', 'positions_unwrapped.npy'));
  const [T, N] = positions.shape as [number, number];
  const frames = framesOf(positions, { symbols: Array(N).fill('Li'), interval: expected.dt_fs });
  const curve = msd(frames, { reference: 'none' }).species.Li!.msd_A2;
  const lags: number[] = expected.lags;
  const y = lags.map((m) => curve[m]!);
  const columns = [lags, lags.map(() => 1)];
  const dt = expected.dt_fs;

  test('mean squared displacement', () => {
    lags.forEach((m, i) => {
      expect(relative(curve[m]!, expected.msd_A2[i])).toBeLessThan(1e-8);
    });
  });

  test('entries of the exact covariance', () => {
    const at = (i: number, j: number) => walkCovariance(T, lags.at(i)!, lags.at(j)!) / N;
    for (const [key, i, j] of [
      ['C[0][0]', 0, 0],
      ['C[0][-1]', 0, -1],
      ['C[-1][-1]', -1, -1],
      ['C[3][7]', 3, 7],
    ] as const) {
      expect(relative(at(i, j), expected.exact_rw_covariance_unit_step[key])).toBeLessThan(1e-12);
    }
  });

  test('ordinary, weighted, and generalised least squares', () => {
    const ols = ordinaryLeastSquares(columns, y);
    expect(relative(ols.coefficients[0]! / dt, expected.ols.slope)).toBeLessThan(1e-8);
    expect(relative(ols.coefficients[1]!, expected.ols.intercept)).toBeLessThan(1e-8);
    expect(relative(Math.sqrt(ols.covariance[0]![0]!) / dt, expected.ols.slope_se_claimed)).toBeLessThan(1e-8);
    const variances = lags.map((_, i) => expected.sample_variance_A4[i] / expected.n_independent[i]);
    const wls = weightedLeastSquares(columns, y, variances);
    expect(relative(wls.coefficients[0]! / dt, expected.wls.slope)).toBeLessThan(1e-8);
    expect(relative(Math.sqrt(wls.covariance[0]![0]!) / dt, expected.wls.slope_se_claimed)).toBeLessThan(1e-8);

    const s2 = expected.lag1_step_variance_per_dimension;
    const exact = new GeneralisedLeastSquares(lags.map((m) => lags.map((q) => (s2 * s2 * walkCovariance(T, m, q)) / N)));
    const gls = exact.fit(columns, y);
    expect(relative(gls.coefficients[0]! / dt, expected.gls_exact.slope)).toBeLessThan(1e-8);
    expect(relative(gls.coefficients[1]!, expected.gls_exact.intercept)).toBeLessThan(1e-8);
    expect(relative(Math.sqrt(gls.covariance[0]![0]!) / dt, expected.gls_exact.slope_se)).toBeLessThan(1e-8);
    expect(relative(Math.sqrt(gls.covariance[1]![1]!), expected.gls_exact.intercept_se)).toBeLessThan(1e-8);
    expect(relative(gls.covariance[0]![1]! / dt, expected.gls_exact.cov)).toBeLessThan(1e-8);
    expect(relative(gls.chi2, expected.gls_exact.chi2)).toBeLessThan(1e-8);
    const through = exact.fit([lags], y);
    expect(relative(through.coefficients[0]! / dt, expected.gls_exact_no_intercept.slope)).toBeLessThan(1e-8);
    expect(relative(through.chi2, expected.gls_exact_no_intercept.chi2)).toBeLessThan(1e-8);
  });

  test('the covariance of the kinisi program and its closed form', () => {
    const L = T - 1;
    const c = expected.gls_model.c_A4_per_frame2;
    // var(m) = c m^2/n(m), n(m) = N L/m, Cov(m, q) = var(m) n(m)/n(q) for m <= q.
    const entry = (m: number, q: number) => (c * Math.min(m, q) ** 2 * Math.max(m, q)) / (N * L);
    const model = new GeneralisedLeastSquares(lags.map((m) => lags.map((q) => entry(m, q)))).fit(columns, y);
    expect(relative(model.coefficients[0]! / dt, expected.gls_model.slope)).toBeLessThan(1e-8);
    expect(relative(Math.sqrt(model.covariance[0]![0]!) / dt, expected.gls_model.slope_se)).toBeLessThan(1e-8);
    let top = 0;
    let bottom = 0;
    for (let k = 0; k + 1 < lags.length; k++) {
      const d = 1 / lags[k + 1]! - 1 / lags[k]!;
      top += (d * (y[k + 1]! / lags[k + 1]! - y[k]! / lags[k]!)) / (lags[k + 1]! - lags[k]!);
      bottom += (d * d) / (lags[k + 1]! - lags[k]!);
    }
    // b = intercept; g = y_1 - b/tau_1 (analysis.md 4.3).
    expect(relative(model.coefficients[1]!, top / bottom)).toBeLessThan(1e-9);
    expect(relative(model.coefficients[0]!, y[0]! / lags[0]! - top / bottom / lags[0]!)).toBeLessThan(1e-9);
  });

  test('the number of He 2018, and the pure-walk fit of the package', () => {
    const { effectiveHops, rsd } = he2018(curve, N, expected.he2018.site_distance_A);
    expect(relative(effectiveHops, expected.he2018.n_eff)).toBeLessThan(1e-8);
    expect(relative(rsd!, expected.he2018.rsd)).toBeLessThan(1e-8);
    // Another set of 24 lags in the same window: the slopes of one data set agree far within their error.
    const fit = fitSlope(curve, [10, 200], N, 0);
    expect(Math.abs(fit.slope / dt - expected.gls_exact.slope)).toBeLessThan(expected.gls_exact.slope_se);
    expect(relative(fit.slopeError / dt, expected.gls_exact.slope_se)).toBeLessThan(0.05);
  });
});

describeReference('unwrapping in a changing cell (reference data)', () => {
  test('sums of displacements', () => {
    const expected = referenceJson('analysis', '02_npt_unwrap', 'expected.json');
    const positions = readNpy(referencePath('analysis', '02_npt_unwrap', 'positions_wrapped.npy'));
    const unwrapped = readNpy(referencePath('analysis', '02_npt_unwrap', 'unwrapped_tor.npy'));
    const cells = readNpy(referencePath('analysis', '02_npt_unwrap', 'cells.npy'));
    const [T, N] = positions.shape as [number, number];
    const cell = Array.from({ length: T }, (_, t) => cells.data.slice(9 * t, 9 * t + 9));
    const symbols = Array(N).fill('Li');
    const curve = msd(framesOf(positions, { symbols, interval: 1, cell }), { reference: 'none' }).species.Li!.msd_A2;
    const direct = msd(framesOf(unwrapped, { symbols, interval: 1 }), { reference: 'none' }).species.Li!.msd_A2;
    for (let m = 0; m < T; m++) expect(Math.abs(curve[m]! - direct[m]!)).toBeLessThan(1e-9);
    expected.msd_tor_lags.lags.forEach((m: number, i: number) => {
      expect(Math.abs(curve[m]! - expected.msd_tor_lags.msd[i])).toBeLessThan(1e-9);
    });
  });
});
