/** Collective transport against the reference data: a correlated, drifting walk of three species in a tilted cell. */
import { chargeMsd, collectiveCurves, collectiveSlopes } from '../../lib/analysis/collective.js';
import { Conductivity, type ConductivityOptions, conductivity } from '../../lib/analysis/conductivity.js';
import { Msd, msd, msdTensor } from '../../lib/analysis/msd.js';
import { readNpy } from '../npy.js';
import { describeReference, referenceJson, referencePath } from '../reference.js';
import { framesOf, relative } from './frames.js';

describeReference('correlated walk of three species (reference data)', () => {
  const expected = referenceJson('analysis', '01_walk3', 'expected.json');
  const positions = readNpy(referencePath('analysis', '01_walk3', 'positions_wrapped.npy'));
  const cell = readNpy(referencePath('analysis', '01_walk3', 'cell.npy')).data;
  const table = readNpy(referencePath('analysis', '01_walk3', 'curves_all_lags.npy'));
  const T = positions.shape[0]!;
  const frames = framesOf(positions, { symbols: expected.species, interval: expected.dt_fs, cell, masses: expected.masses });
  const charges = { Mg: 2, Cl: -1, F: -1 };
  const fit = expected.ols_fit;
  const options: ConductivityOptions = {
    charges,
    temperature: expected.temperature_K,
    estimator: 'ols',
    window: [fit.fit_window_lags_inclusive[0] * expected.dt_fs, fit.fit_window_lags_inclusive[1] * expected.dt_fs],
  };
  const recorded = (extra: Partial<ConductivityOptions> = {}) => {
    const observable = new Conductivity({ ...options, ...extra });
    for (const frame of frames) observable.add(frame);
    return observable;
  };
  // Curves abs 1e-9 + rel 1e-10: the tolerance of the data.
  const near = (got: number, want: number) => expect(Math.abs(got - want)).toBeLessThan(1e-9 + 1e-10 * Math.abs(want));

  test('every curve at every lag, streaming', () => {
    const observable = recorded();
    const curves = observable.curves();
    const total = chargeMsd(curves, charges);
    const columns = expected.curves_columns as string[];
    for (let m = 0; m < table.shape[0]!; m++) {
      columns.forEach((column, c) => {
        const want = table.data[m * columns.length + c]!;
        const [kind, name] = column.split('_') as [string, string];
        if (kind === 'msd') near(curves.self[name]![m]! / curves.ions[name]!, want);
        else if (kind === 'csd') near(curves.pairs[name]![m]!, want);
        else near(total[m]!, want);
      });
    }
    // Centre of mass at rest: the mass-weighted sums over species vanish (analysis.md 2.2).
    const mass = { Mg: 24.305, Cl: 35.453, F: 18.998403163 };
    for (const m of [1, 7, 100, T - 2]) {
      for (const a of ['Mg', 'Cl', 'F']) {
        const sum = (['Mg', 'Cl', 'F'] as const).reduce(
          (s, b) => s + mass[b] * (curves.pairs[`${a}-${b}`] ?? curves.pairs[`${b}-${a}`]!)[m]!,
          0,
        );
        expect(Math.abs(sum)).toBeLessThan(1e-10 * mass.Cl * Math.max(1, curves.pairs['Cl-Cl']![m]!));
      }
    }
    // The columns of the table sum to the charge MSD.
    const shown = observable.table();
    for (let m = 0; m < T; m += 13) {
      const parts = Object.entries(shown).filter(([name]) => name.startsWith('self_') || name.startsWith('distinct_'));
      near(
        parts.reduce((sum, [, column]) => sum + column[m]!, 0),
        total[m]!,
      );
    }
  });

  test('the tensor', () => {
    const observable = new Msd();
    for (const frame of frames) observable.add(frame);
    const tensor = msdTensor(observable.record, 'Mg');
    expected.msd_tensor_Mg.lags.forEach((m: number, i: number) => {
      const want = expected.msd_tensor_Mg.tensor[i];
      [
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 1],
        [0, 2],
        [1, 2],
      ].forEach(([p, q], k) => {
        near(tensor[k]![m]!, want[p!][q!]);
      });
    });
  });

  test('conductivity, parts, ratios (ordinary least squares on the given window)', () => {
    const result = conductivity(frames, options);
    const check = (got: number | null, want: number) => expect(relative(got!, want)).toBeLessThan(1e-9);
    check(result.total.value, fit.sigma_total);
    for (const name of ['Mg', 'Cl', 'F']) {
      check(result.paper.self[name]!.value, fit.sigma_self[name]);
      check(result.paper.distinct_same[name]!.value, fit.sigma_distinct_same[name]);
      check(result.transference[name]!.value, fit.transference[name]);
    }
    for (const name of Object.keys(fit.sigma_distinct_cross))
      check(result.paper.distinct_cross[name]!.value, fit.sigma_distinct_cross[name]);
    check(result.nernst_einstein.value, fit.sigma_NE);
    check(result.haven_ratio.value, fit.haven_ratio);
    const kT = 8.617333262145179e-5 * expected.temperature_K;
    for (const name of Object.keys(fit.onsager_slope_A2_fs)) {
      check(result.onsager[name]!.value! * 6 * expected.volume_A3 * kT, fit.onsager_slope_A2_fs[name]);
    }
    // Contributions are signed and sum to the total.
    const parts = [...Object.values(result.contribution.self), ...Object.values(result.contribution.distinct)];
    check(
      parts.reduce((sum, part) => sum + part.value!, 0),
      result.total.value!,
    );
    expect(Object.keys(result.contribution.distinct)).toEqual(['Mg-Mg', 'Mg-Cl', 'Mg-F', 'Cl-Cl', 'Cl-F', 'F-F']);
    expect(result.total.reasons).toContain('ols-error-meaningless');
    for (const part of parts) expect(part.error).toBeGreaterThan(0);
    expect(result.haven_ratio.error).toBeGreaterThan(0);
    // 601 against the exact 631 mS/cm: within the error that the covariance of one walker gives.
    const exact = expected.exact_slopes_of_generating_process_A2_per_fs.com_frame.sigma_total_mS_cm;
    expect(Math.abs(result.total.value! - exact)).toBeLessThan(result.total.error!);
  });

  test('the total does not depend on the frame of reference, the parts do', () => {
    const com = conductivity(frames, options);
    const lab = conductivity(frames, { ...options, reference: 'none' });
    expect(relative(lab.total.value!, com.total.value!)).toBeLessThan(1e-12);
    for (const name of ['Mg', 'Cl', 'F']) {
      expect(relative(lab.paper.self[name]!.value!, fit.self_lab_frame_no_com_removal[name])).toBeLessThan(1e-9);
    }
    const framework = conductivity(frames, { ...options, reference: 'framework:F' });
    expect(relative(framework.total.value!, com.total.value!)).toBeLessThan(1e-12);
  });

  test('generalised least squares: identity of Eq. 3 and Eq. 2', () => {
    const observable = recorded({ estimator: 'gls' });
    const result = observable.result();
    const parts = [...Object.values(result.contribution.self), ...Object.values(result.contribution.distinct)];
    const sum = parts.reduce((s, part) => s + part.value!, 0);
    expect(relative(sum, result.total.value!)).toBeLessThan(1e-10);
    // Window and estimator differ from the ordinary fit; the exact value lies within two errors of either.
    const exact = expected.exact_slopes_of_generating_process_A2_per_fs.com_frame.sigma_total_mS_cm;
    expect(Math.abs(result.total.value! - exact)).toBeLessThan(2 * result.total.error!);
  });

  test('displacements and drift', () => {
    const lab = new Msd({ reference: 'none' });
    for (const frame of frames) lab.add(frame);
    let atom = 0;
    for (const species of ['Mg', 'Cl', 'F']) {
      lab.record.visit(species, 0, T, (xyz) => {
        for (let c = 0; c < 3; c++)
          expect(Math.abs(xyz[c]![T - 1]! - expected.unwrapped_last_minus_first_lab[atom][c])).toBeLessThan(1e-9);
        atom += 1;
      });
    }
    expect(atom).toBe(18);
    expect(lab.record.trajectory.drift().com_A).toBeGreaterThan(Math.hypot(...expected.com_displacement_last) - 1e-9);
    expect(lab.warnings().map((warning) => warning.code)).toContain('drift');
    expect(msd(frames, { lags: 5 }).species.Mg!.lag_fs).toEqual(Float64Array.of(0, 100, 200, 300, 400, 500));
    const blocks = collectiveCurves(lab.record, { Mg: lab.record.collective('Mg') }, 10, 50);
    expect(collectiveSlopes(blocks, [1, 2], [-1, 1]).pairs['Mg-Mg']).toBeCloseTo(
      blocks.pairs['Mg-Mg']![2]! - blocks.pairs['Mg-Mg']![1]!,
      12,
    );
  });
});
