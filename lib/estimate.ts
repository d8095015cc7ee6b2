/** A measured number with its right to be quoted (analysis.md 0.3). */

export type EstimateStatus = 'ok' | 'marginal' | 'not-diffusive' | 'insufficient';

/** Reason codes of analysis.md 15. */
export type ReasonCode =
  | 'too-few-frames'
  | 'caged'
  | 'subdiffusive'
  | 'superdiffusive'
  | 'slope-not-significant'
  | 'too-few-hops'
  | 'msd-below-half-a2'
  | 'poor-linear-fit'
  | 'ols-error-meaningless'
  | 'collective-too-short'
  | 'charged-cell'
  | 'non-integer-charge'
  | 'unwrap-unsafe'
  | 'framework-moves'
  | 'current-undersampled'
  | 'methods-disagree'
  | 'einstein-green-kubo-disagree'
  | 'blocked'
  | 'heat-current-needs-centroid-virial'
  | 'not-equilibrated'
  | 'no-first-minimum'
  | 'few-members'
  | 'few-states'
  | 'unstable'
  | 'no-kink'
  | 'no-transition'
  | 'compensation-artefact'
  | 'single-run'
  | 'langevin-dynamics';

/**
 * `value: null` with a reason is a correct result. `error` is one standard deviation of the sampling distribution.
 * Keys in JSON are snake_case: see {@link estimateToJson}.
 */
export interface Estimate {
  readonly value: number | null;
  readonly error: number | null;
  readonly unit: string;
  readonly method: string;
  readonly status: EstimateStatus;
  readonly reasons: readonly ReasonCode[];
  /** 95 % upper bound where there is no value (analysis.md 4.7). */
  readonly upperBound?: number;
  readonly interval68?: readonly [number, number];
  readonly nIndependent?: number;
  /** Fitting window, fs. */
  readonly window?: readonly [number, number];
  /** What went into it: numbers and settings, keys ending in their unit. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

export function estimateToJson(estimate: Estimate): Record<string, unknown> {
  const { upperBound, interval68, nIndependent, window, inputs, ...rest } = estimate;
  return {
    ...rest,
    ...(upperBound === undefined ? {} : { upper_bound: upperBound }),
    ...(interval68 === undefined ? {} : { interval68 }),
    ...(nIndependent === undefined ? {} : { n_independent: nIndependent }),
    ...(window === undefined ? {} : { window_fs: window }),
    inputs,
  };
}
