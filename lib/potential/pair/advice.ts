/** What a user should know about a force field before using it: nothing here is wrong enough to refuse (coulomb.md 3, 5, 12, 18). */
import type { Warning } from '../../structure.js';
import { BOLTZMANN } from '../../units.js';
import type { Barrier } from './barrier.js';
import { shapeOf, shapeValue } from './forms.js';
import type { ResolvedPairPotential } from './options.js';

/** How the potential is going to be used; what is not known is left out. */
export interface PairUse {
  readonly ensemble?: 'nve' | 'nvt' | 'npt' | 'nph';
  /** The cell changes or its stress is measured: npt, nph, minimisation of the cell, elastic constants, equation of state. */
  readonly cellWork?: boolean;
  /** Highest temperature, K. */
  readonly temperature?: number;
}

// A barrier of 40 kT is crossed by one pair in e^40 = 2e17 attempts.
const BARRIER_LIMIT_IN_KT = 40;

export function pairWarnings(
  resolved: ResolvedPairPotential,
  barriers: readonly { readonly pair: string; readonly barrier: Barrier }[],
  use: PairUse = {},
): Warning[] {
  const warnings: Warning[] = [];
  const plain = resolved.terms.filter((term) => term.treatment === 'plain');
  if (plain.length > 0 && (use.ensemble === 'nve' || use.ensemble === 'nph' || use.ensemble === 'npt' || use.cellWork)) {
    const steps = plain.map((term) => {
      const step = shapeValue(shapeOf(term), term.cutoff).energy;
      return `${term.species.join('-')} (${term.form}) ${step.toExponential(3)} eV at ${term.cutoff} A`;
    });
    warnings.push({
      code: 'PLAIN_CUTOFF',
      message:
        `at-cutoff: plain lets the energy jump where a pair crosses the cutoff: ${steps.join('; ')}. ` +
        'Energy is not conserved and the virial is not the derivative of the energy; use shift or force-shift',
    });
  }
  if (resolved.electrostatics.method === 'damped-shifted-force') {
    const { damping, cutoff } = resolved.electrostatics;
    warnings.push({
      code: 'DAMPED_SUM',
      message:
        `damped-shifted-force (damping ${damping} /A, cutoff ${cutoff} A) approximates the Coulomb sum: its error comes from the ` +
        'damping and does not vanish with the cutoff (0.03 to 0.12 eV/A in LiCl for dampings of 0.2 to 0.3 /A)',
    });
  }
  const negative = resolved.terms.filter((term) => term.form === 'born-mayer-huggins' && term.parameters.D! < 0);
  if (negative.length > 0) {
    warnings.push({
      code: 'NEGATIVE_D',
      message:
        `D < 0 for ${negative.map((term) => term.species.join('-')).join(', ')}: here D > 0 attracts (-D/r^8, as published by Fumi and Tosi). ` +
        'LAMMPS sign? see docs: its born style has +D/r^8',
    });
  }
  if (use.temperature !== undefined) {
    const limit = BARRIER_LIMIT_IN_KT * BOLTZMANN * use.temperature;
    for (const { pair, barrier } of barriers) {
      if (barrier.height >= limit) continue;
      warnings.push({
        code: 'LOW_BARRIER',
        message:
          `the barrier of ${pair} at ${barrier.radius.toFixed(4)} A is ${barrier.height.toFixed(3)} eV high, below 40 kT = ` +
          `${limit.toFixed(3)} eV at ${use.temperature} K: two ions may cross it and fall into each other`,
      });
    }
  }
  return warnings;
}
