/** The identity of a force field: SHA-256 of the canonical JSON of its resolved parameters (coulomb.md 17.2). */
import { createHash } from 'node:crypto';
import type { ResolvedPairPotential } from './options.js';

/**
 * Keys sorted, pairs in alphabetical order, numbers with 15 digits: neither the order of keys, nor `Cl-Li` for `Li-Cl`, nor the
 * last bit of a unit conversion makes another force field.
 */
export function canonicalJson(resolved: ResolvedPairPotential): string {
  const terms = resolved.terms.map((term) => ({ ...term, species: [...term.species].sort() }));
  const text = (term: (typeof terms)[number]) => JSON.stringify(sorted(term));
  return JSON.stringify(
    sorted({
      charges: resolved.charges,
      electrostatics: resolved.electrostatics,
      inner: resolved.inner,
      masses: resolved.masses,
      missingPairs: resolved.missingPairs,
      terms: terms.sort((a, b) => (text(a) < text(b) ? -1 : 1)),
    }),
  );
}

export function digest(resolved: ResolvedPairPotential): string {
  return createHash('sha256').update(canonicalJson(resolved)).digest('hex');
}

function sorted(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(15));
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, sorted(entry)]));
}
