/** Atom-steps per second of this machine: molecular dynamics of a crystal, per instruction set, precision, compression and threads. */
import { type BundledCrystal, crystal, listCrystals } from '../builders/crystal.js';
import { nve } from '../dynamics/ensembles.js';
import { Simulation } from '../dynamics/simulation.js';
import { StudyError } from '../errors.js';
import type { Isa } from '../native/addon.js';
import { loadPotential } from '../potential/load.js';
import type { NativeForceField } from '../potential/native-force-field.js';
import type { Compression, Precision } from '../potential/potential.js';
import type { Structure } from '../structure.js';

export interface BenchmarkCase {
  readonly isa: Isa;
  readonly precision: Precision;
  readonly compression: Compression;
  readonly threads: number;
  readonly natoms: number;
  readonly neighbours_per_atom: number;
  readonly us_per_atom_step: number;
  readonly atom_steps_per_s: number;
  /** Microseconds per atom of each phase, with `--stages`. */
  readonly stages?: Readonly<Record<string, number>>;
}

export interface BenchmarkOptions {
  readonly model: string;
  readonly atoms: number;
  readonly isas: readonly Isa[];
  readonly precisions: readonly Precision[];
  readonly compressions: readonly Compression[];
  readonly threads: readonly number[];
  readonly stages: boolean;
  /** Instead of a bundled crystal. */
  readonly structure?: Structure;
  /** Seconds that a case is measured for, at least; default 1. */
  readonly seconds?: number;
  readonly signal: AbortSignal;
  readonly onCase?: (done: BenchmarkCase) => void;
}

const MEASURED_SECONDS = 1;
const SKIN = 1;

export async function benchmark(options: BenchmarkOptions): Promise<{ structure: string; cases: BenchmarkCase[] }> {
  const first = await loadPotential(options.model, { isa: options.isas[0] });
  const { structure, name } = options.structure
    ? { structure: options.structure, name: 'the structure given' }
    : await crystalFor(first.species, options.atoms);
  first.typesOf(structure);
  const cases: BenchmarkCase[] = [];
  for (const isa of options.isas) {
    for (const precision of options.precisions) {
      for (const compression of options.compressions) {
        const potential = await loadPotential(options.model, { isa, precision, compression });
        for (const threads of options.threads) {
          const done = await measure(structure, potential, { isa, precision, compression, threads }, options);
          cases.push(done);
          options.onCase?.(done);
        }
      }
    }
  }
  return { structure: name, cases };
}

/** The ordered bundled crystal with the most species that the model knows, repeated to about `atoms` atoms. */
async function crystalFor(species: readonly string[], atoms: number): Promise<{ structure: Structure; name: string }> {
  const elements = (entry: BundledCrystal) => new Set(entry.formula.match(/[A-Z][a-z]?/g) ?? []);
  const usable = listCrystals().filter(
    (entry) => entry.ordered && [...elements(entry)].every((element) => species.includes(element)),
  );
  const best = usable.sort((a, b) => elements(b).size - elements(a).size)[0];
  if (!best) {
    throw new StudyError('BENCH_STRUCTURE', `no bundled crystal consists of ${species.join(', ') || 'unnamed types'}`, {
      key: '--structure',
      hint: 'give a structure file with --structure',
    });
  }
  const unit = await crystal({ name: best.id });
  const repeat = Math.max(1, Math.round(Math.cbrt(atoms / unit.species.length)));
  const third = Math.max(1, Math.round(atoms / (unit.species.length * repeat * repeat)));
  const structure = await crystal({ name: best.id, supercell: [repeat, repeat, third] });
  return { structure, name: `${best.id} ${repeat} x ${repeat} x ${third}` };
}

async function measure(
  structure: Structure,
  potential: Awaited<ReturnType<typeof loadPotential>>,
  variant: Pick<BenchmarkCase, 'isa' | 'precision' | 'compression' | 'threads'>,
  options: BenchmarkOptions,
): Promise<BenchmarkCase> {
  const { threads } = variant;
  const natoms = structure.species.length;
  const simulation = new Simulation({
    structure,
    potential,
    ensemble: nve(),
    velocities: { temperature: 300 },
    seed: 1,
    threads,
    skin: SKIN,
  });
  let seconds = 0;
  let steps = 0;
  try {
    await simulation.prepare();
    await simulation.advance({ steps: 1, signal: options.signal });
    const start = performance.now();
    while (seconds < (options.seconds ?? MEASURED_SECONDS) || steps < 3) {
      steps += await simulation.advance({ steps: 1, signal: options.signal });
      seconds = (performance.now() - start) / 1000;
    }
  } finally {
    await simulation.close();
  }
  const phases = await forcePhases(structure, potential, threads);
  const perStep = (seconds / steps / natoms) * 1e6;
  const evaluation = Object.values(phases.wall).reduce((sum, value) => sum + value, 0);
  return {
    ...variant,
    natoms,
    neighbours_per_atom: phases.neighbours,
    us_per_atom_step: perStep,
    atom_steps_per_s: 1e6 / perStep,
    ...(options.stages ? { stages: { ...phases.wall, integration: Math.max(0, perStep - evaluation) } } : {}),
  };
}

/** Microseconds per atom of each phase of a force evaluation; phases that threads share are divided among them. */
async function forcePhases(structure: Structure, potential: Awaited<ReturnType<typeof loadPotential>>, threads: number) {
  const natoms = structure.species.length;
  const arrays = {
    positions: Float64Array.from(structure.positions),
    images: null,
    cell: structure.cell ? Float64Array.from(structure.cell) : new Float64Array(9),
    forces: new Float64Array(3 * natoms),
    atomEnergies: new Float64Array(natoms),
    virial: new Float64Array(9),
  };
  const field = potential.bind(potential.typesOf(structure), structure.pbc, arrays, { threads, skin: SKIN }) as NativeForceField;
  try {
    await field.compute();
    await field.compute();
    const scale = (phase: string) => (phase === 'list' ? 1 : 1 / threads);
    const wall = Object.fromEntries(
      Object.entries(field.phaseSeconds).map(([phase, value]) => [phase, (value * scale(phase) * 1e6) / natoms]),
    );
    return { wall, neighbours: field.pairsInside / natoms };
  } finally {
    field.dispose();
  }
}
