/** Status and reasons of an Estimate in words (analysis.md 0.3, 4.5, 15). */
import type { EstimateStatus, ReasonCode } from '../estimate.js';

export const STATUS_WORDS: Readonly<Record<EstimateStatus, string>> = {
  ok: 'can be quoted',
  marginal: 'marginal: quote with care',
  'not-diffusive': 'no number: not diffusive',
  insufficient: 'no number yet: not enough data',
};

export const REASON_WORDS: Readonly<Record<ReasonCode, string>> = {
  'too-few-frames': 'The trajectory has too few frames for any fit (20 are needed).',
  caged: 'The ions stay in their cages: the mean squared displacement never shows a long enough diffusive part.',
  subdiffusive:
    'The mean squared displacement grows more slowly than in proportion to time, so a slope would depend on the length of the run.',
  superdiffusive:
    'The mean squared displacement grows faster than in proportion to time: ballistic motion or drift, not diffusion.',
  'slope-not-significant': 'The slope of the mean squared displacement is less than three of its standard errors from zero.',
  'too-few-hops': 'Fewer than ten hops were seen in the whole run; their number alone is too uncertain.',
  'msd-below-half-a2':
    'The ions moved less than the usual threshold (half of the squared distance between sites) within the fitting window.',
  'poor-linear-fit': 'The points scatter around the straight line more than their covariance explains.',
  'ols-error-meaningless':
    'Ordinary or weighted least squares was asked for: its error formula does not hold for correlated points.',
  'collective-too-short':
    'The collective displacement is one random walk, however many ions there are; the run is too short for its slope.',
  'charged-cell': 'The charges do not add up to zero, so the result depends on the frame of reference.',
  'non-integer-charge': 'Charges that are not whole numbers were given; transport is defined with whole formal charges.',
  'unwrap-unsafe': 'Atoms move so far between stored frames that their paths may be joined wrongly: store frames more often.',
  'framework-moves': 'The framework itself moves by more than 5 Å: molten or creeping.',
  'current-undersampled': 'The current was stored too seldom for its correlation function.',
  'methods-disagree': 'Two ways to the same quantity differ by more than their errors.',
  'einstein-green-kubo-disagree': 'The Einstein and the Green-Kubo value differ by more than three combined errors.',
  blocked: 'The spectrum falls towards zero frequency: there is no direct-current conduction.',
  'heat-current-needs-centroid-virial': 'The heat current needs the centroid form of the virial.',
  'not-equilibrated': 'The mean still drifts: more than half of the run would have to be discarded.',
  'no-first-minimum': 'The distribution has no clear first minimum: a cut-off must be given.',
  'few-members': 'Too few members for a comparison.',
  'few-states': 'Too few states for a comparison.',
  unstable: 'The structure was not stable.',
  'no-kink': 'Two straight lines do not fit better than one: there is no kink.',
  'no-transition': 'No transition is visible in these data.',
  'compensation-artefact': 'The correlation may be an artefact of fitting.',
  'single-run': 'From a single run: independent repeats would show how much runs differ.',
  'langevin-dynamics': 'Langevin friction slows or speeds the motion: transport under it depends on the friction.',
};

/** For a column of a table. */
const STATUS_SHORT: Readonly<Record<EstimateStatus, string>> = {
  ok: 'can be quoted',
  marginal: 'marginal',
  'not-diffusive': 'not diffusive',
  insufficient: 'not enough data',
};

export function statusShort(status: string): string {
  return Object.hasOwn(STATUS_SHORT, status) ? STATUS_SHORT[status as EstimateStatus] : status;
}

export function statusWords(status: string): string {
  return Object.hasOwn(STATUS_WORDS, status) ? STATUS_WORDS[status as EstimateStatus] : status;
}

/** A sentence for a reason code; codes of later versions are shown as they are. */
export function reasonWords(code: string): string {
  return Object.hasOwn(REASON_WORDS, code) ? REASON_WORDS[code as ReasonCode] : code;
}

/** Names of observables as headings. */
export function observableWords(name: string): string {
  const words: Record<string, string> = {
    msd: 'Mean squared displacement',
    diffusion: 'Tracer diffusivity',
    conductivity: 'Ionic conductivity',
    rdf: 'Radial distribution',
    coordination: 'Coordination number',
  };
  return Object.hasOwn(words, name) ? words[name]! : name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ');
}

/** `D*(Li)`, `σ, all correlations`, ... for the path of an estimate inside the result of an observable. */
export function quantityWords(observable: string, path: readonly string[]): string {
  const last = path.at(-1) ?? '';
  const species = last.replaceAll('-', '–');
  const key = path.join('.');
  if (observable === 'diffusion' && path[0] === 'species' && path.length === 2) return `D*(${last})`;
  if (observable === 'coordination' && last === 'mean' && path.length === 3) {
    const subject = path[1]!.replace('-', '–');
    return path[0] === 'total' ? `coordination of ${subject}, all anions` : `coordination number ${subject}`;
  }
  if (observable === 'conductivity') {
    if (key === 'total') return 'σ, all correlations';
    if (key === 'nernst_einstein') return 'σ, Nernst–Einstein (no correlations)';
    if (key === 'haven_ratio') return 'Haven ratio σ(NE)/σ';
    if (path[0] === 'onsager') return `Onsager coefficient L(${species})`;
    if (path[0] === 'transference') return `transference number of ${last}`;
    if (path[0] === 'contribution') return `σ, ${path[1] === 'self' ? 'self' : 'distinct'} part ${species}`;
    if (path[0] === 'paper') {
      const kind = path[1] === 'self' ? 'self' : path[1] === 'distinct_same' ? 'distinct, same species' : 'distinct, two species';
      return `${kind}, ${species}; |z|, no factor 2`;
    }
  }
  return (
    path
      .filter((part) => part !== 'species' && part !== 'pairs')
      .map((part) => part.replaceAll('_', ' '))
      .join(', ') || observable
  );
}
