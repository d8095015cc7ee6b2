/** Structures and potentials of the dynamics tests. The potential is a parameter, so that every force field can take the same tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ensemble } from '../../lib/dynamics/ensembles.js';
import { Simulation, type SimulationOptions } from '../../lib/dynamics/simulation.js';
import { atomicNumber } from '../../lib/elements.js';
import { pairPotential } from '../../lib/potential/pair-potential.js';
import type { Potential } from '../../lib/potential/potential.js';
import { makeStructure, type Structure, type StructureInput } from '../../lib/structure.js';
import { type Fixtures, fixturePotential, fixtureSpec } from '../oracle/pair-fixtures.js';
import { optionsOf } from '../potential/pair/systems.js';

const fixtures = JSON.parse(readFileSync(join(__dirname, '..', 'data', 'pair-fixtures.json'), 'utf8')) as Fixtures;

/** Makes the potential of a fixture: `lj-ar` or `bm-licl`. */
export type PotentialFactory = (fixture: string) => Potential;

export const referencePotential: PotentialFactory = (fixture) => fixturePotential(fixture, fixtures);

/** The same by the native kernels: fast enough for statistics. */
export const nativePotential: PotentialFactory = (fixture) => pairPotential(optionsOf(fixtureSpec(fixture, fixtures)));

const species = (symbols: readonly string[]) => Uint8Array.from(symbols, (symbol) => atomicNumber(symbol)!);

/** A document of the reference data: rows of cell, positions and velocities. */
export interface StartState {
  readonly fixture: string;
  readonly species: readonly string[];
  readonly cell: readonly number[][];
  readonly positions_A: readonly number[][];
  readonly velocities_A_per_fs: readonly number[][];
}

export function structureOfStart(start: StartState, more: Partial<StructureInput> = {}): Structure {
  return makeStructure({
    species: species(start.species),
    cell: Float64Array.from(start.cell.flat()),
    positions: Float64Array.from(start.positions_A.flat()),
    velocities: Float64Array.from(start.velocities_A_per_fs.flat()),
    ...more,
  });
}

/** Rock salt LiCl, n^3 cubic cells of 8 ions. */
export function rockSalt(n = 2, lattice = 5.25): Structure {
  const symbols: string[] = [];
  const positions: number[] = [];
  const sites = [
    ['Li', 0, 0, 0],
    ['Li', 0, 0.5, 0.5],
    ['Li', 0.5, 0, 0.5],
    ['Li', 0.5, 0.5, 0],
    ['Cl', 0.5, 0.5, 0.5],
    ['Cl', 0.5, 0, 0],
    ['Cl', 0, 0.5, 0],
    ['Cl', 0, 0, 0.5],
  ] as const;
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      for (let c = 0; c < n; c++) {
        for (const [symbol, x, y, z] of sites) {
          symbols.push(symbol);
          positions.push((a + x) * lattice, (b + y) * lattice, (c + z) * lattice);
        }
      }
    }
  }
  return cubic(symbols, positions, n * lattice);
}

/** Face-centred cubic argon, n^3 cells of 4 atoms. */
export function argon(n = 3, lattice = 5.45): Structure {
  const positions: number[] = [];
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      for (let c = 0; c < n; c++) {
        for (const [x, y, z] of [
          [0, 0, 0],
          [0, 0.5, 0.5],
          [0.5, 0, 0.5],
          [0.5, 0.5, 0],
        ] as const) {
          positions.push((a + x) * lattice, (b + y) * lattice, (c + z) * lattice);
        }
      }
    }
  }
  return cubic(new Array<string>(positions.length / 3).fill('Ar'), positions, n * lattice);
}

function cubic(symbols: readonly string[], positions: readonly number[], edge: number): Structure {
  return makeStructure({
    species: species(symbols),
    cell: Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge),
    positions: Float64Array.from(positions),
  });
}

/** A simulation of one of them with the native potential on one thread. */
export function simulate(structure: Structure, ensemble: Ensemble, options: Partial<SimulationOptions> = {}): Simulation {
  const fixture = structure.species.includes(18) ? 'lj-ar' : 'bm-licl';
  return new Simulation({ structure, potential: nativePotential(fixture), ensemble, seed: 7, threads: 1, ...options });
}

/** Largest |a - b| over two arrays. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} against ${b.length} numbers`);
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    const difference = Math.abs(a[k]! - b[k]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
