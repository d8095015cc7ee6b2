/** Test force fields of the dynamics cases (bare parameters, no physics claimed), made from a fixtures document. */
import { type ReferenceForceFieldSpec, ReferencePairPotential } from './pair-potential.js';

interface LennardJonesFixture {
  form: 'lj_force_shifted';
  epsilon_eV: number;
  sigma_A: number;
  cutoff_A: number;
  mass_amu: Record<string, number>;
}

interface BornMayerFixture {
  form: 'born_mayer_dsf';
  dispersion: boolean;
  cutoff_A: number;
  dsf_alpha_invA: number;
  charges_e: Record<string, number>;
  mass_amu: Record<string, number>;
  pairs: Record<string, { A_eV: number; rho_A: number; sigma_A: number; C_eV_A6: number; D_eV_A8: number }>;
}

export type Fixture = LennardJonesFixture | BornMayerFixture;

/** A document with `fixtures` by id: the reference data's, or test/data/pair-fixtures.json. */
export interface Fixtures {
  fixtures: Record<string, Fixture>;
}

export function fixtureSpec(id: string, fixtures: Fixtures): ReferenceForceFieldSpec {
  const fixture = fixtures.fixtures[id];
  if (!fixture) throw new Error(`no fixture ${id}: ${Object.keys(fixtures.fixtures).join(', ')}`);
  const species = Object.keys(fixture.mass_amu);
  if (fixture.form === 'lj_force_shifted') {
    const parameters = { [`${species[0]}-${species[0]}`]: { epsilon: fixture.epsilon_eV, sigma: fixture.sigma_A } };
    const term = { form: 'lennard-jones', treatment: 'force-shift', cutoff: fixture.cutoff_A, parameters } as const;
    return { name: id, species, masses: fixture.mass_amu, terms: [term] };
  }
  // The fixtures carry +D/r^8; the forms of this package -D/r^8.
  const parameters = Object.fromEntries(
    Object.entries(fixture.pairs).map(([pair, p]) => [
      pair,
      {
        A: p.A_eV,
        rho: p.rho_A,
        sigma: p.sigma_A,
        C: fixture.dispersion ? p.C_eV_A6 : 0,
        D: fixture.dispersion ? -p.D_eV_A8 : 0,
      },
    ]),
  );
  return {
    name: id,
    species,
    masses: fixture.mass_amu,
    terms: [{ form: 'born-mayer-huggins', treatment: 'shift', cutoff: fixture.cutoff_A, parameters }],
    charges: fixture.charges_e,
    damped: { damping: fixture.dsf_alpha_invA, cutoff: fixture.cutoff_A },
  };
}

export function fixturePotential(id: string, fixtures: Fixtures): ReferencePairPotential {
  return new ReferencePairPotential(fixtureSpec(id, fixtures));
}
