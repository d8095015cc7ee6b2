/** An Estimate in one line of words, for terminals and logs. */
import type { Estimate } from '../estimate.js';

/** `D(Li) = (6.1 +- 0.8)e-5 cm2/s (ok)`, or why there is no number: `D(Li): not diffusive in 12 ps: exponent 0.61 +- 0.08; about 12 ns needed`. */
export function describe(estimate: Estimate, name?: string): string {
  const { value, error, unit, status } = estimate;
  const inputs = estimate.inputs as Record<string, number | null | undefined>;
  if (value !== null) {
    const because = status === 'ok' ? '' : ` because ${reasonsText(estimate)}`;
    const needed = status === 'marginal' && inputs.time_needed_fs ? `; about ${timeText(inputs.time_needed_fs)} needed` : '';
    return `${name ? `${name} = ` : ''}${valueText(value, error, unit)} (${status}${because}${needed})`;
  }
  const run = inputs.run_time_fs ? ` in ${timeText(inputs.run_time_fs)}` : '';
  const parts = [`${status === 'insufficient' ? 'not enough data' : 'not diffusive'}${run}: ${reasonsText(estimate)}`];
  if (estimate.upperBound !== undefined) parts.push(`below ${valueText(estimate.upperBound, null, unit)} (95 %)`);
  if (inputs.time_needed_fs) parts.push(`about ${timeText(inputs.time_needed_fs)} needed`);
  return `${name ? `${name}: ` : ''}${parts.join('; ')}`;
}

function reasonsText(estimate: Estimate): string {
  const inputs = estimate.inputs as Record<string, number | null | undefined>;
  const words = estimate.reasons.map((reason) => {
    if ((reason === 'subdiffusive' || reason === 'superdiffusive') && typeof inputs.exponent === 'number') {
      const error = typeof inputs.exponent_error === 'number' ? ` +- ${inputs.exponent_error.toFixed(2)}` : '';
      return `exponent ${inputs.exponent.toFixed(2)}${error}`;
    }
    if (reason === 'too-few-hops' && typeof inputs.n_hop === 'number')
      return `${Math.max(0, inputs.n_hop).toFixed(1)} hops seen, 10 needed`;
    return reason.replaceAll('-', ' ');
  });
  return words.length > 0 ? words.join(', ') : 'no reason given';
}

/** `(6.1 +- 0.8)e-5 cm2/s`: the error with two significant digits below 3, one above; the value to the same place. */
export function valueText(value: number, error: number | null, unit: string): string {
  const suffix = unit === '' || unit === '1' ? '' : ` ${unit}`;
  if (error === null || !(error > 0)) return `${plain(value, 3)}${suffix}`;
  const place = Math.floor(Math.log10(error)) - (Number(error.toExponential(0).split('e')[0]) < 3 ? 1 : 0);
  const power = Math.floor(Math.log10(Math.max(Math.abs(value), error)));
  if (power >= -2 && power <= 3) {
    const digits = Math.max(0, -place);
    return `${value.toFixed(digits)} +- ${error.toFixed(digits)}${suffix}`;
  }
  const digits = Math.max(0, power - place);
  return `(${(value / 10 ** power).toFixed(digits)} +- ${(error / 10 ** power).toFixed(digits)})e${power}${suffix}`;
}

function plain(value: number, digits: number): string {
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-2 && size < 1e4)
    ? String(Number(value.toPrecision(digits)))
    : value.toExponential(digits - 1).replace('e+', 'e');
}

/** Two significant digits in the fitting unit. */
export function timeText(fs: number): string {
  const [unit, size] = fs >= 1e9 ? ['us', 1e9] : fs >= 1e6 ? ['ns', 1e6] : fs >= 1e3 ? ['ps', 1e3] : ['fs', 1];
  return `${Number((fs / (size as number)).toPrecision(2))} ${unit}`;
}

/** {@link describe} of an Estimate in its JSON form (keys in snake_case). */
export function describeJson(json: Readonly<Record<string, unknown>>, name?: string): string {
  const { upper_bound: upperBound, ...rest } = json;
  return describe({ ...rest, ...(typeof upperBound === 'number' ? { upperBound } : {}) } as unknown as Estimate, name);
}
