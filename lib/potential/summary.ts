/** What `ionclay model info` prints about a model (deep-potential.md 2.6). */
import { bundledModels } from './bundled.js';
import type { Activation, DeepPotentialParameters, Network } from './deep-potential-parameters.js';
import type { ModelFile } from './model-file.js';

export interface NetworkSummary {
  /** Widths of the layers; of the first type where they differ. */
  readonly layers: readonly number[];
  readonly activation: string;
  /** Different nets. */
  readonly nets: number;
  /** Whether layers carry a trained timestep. */
  readonly timestep: boolean;
}

export interface ModelSummary {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly format: string;
  readonly version: string;
  readonly descriptor: 'se_e2_a';
  readonly type_one_side: boolean;
  readonly cutoff_A: number;
  readonly cutoff_smooth_A: number;
  /** Element names in type order; empty where the file has none. */
  readonly species: readonly string[];
  readonly types: number;
  readonly sel: readonly number[];
  readonly sel_meaning: string;
  readonly axis_neuron: number;
  readonly embedding: NetworkSummary | null;
  readonly fitting: NetworkSummary & { readonly type: 'ener' };
  readonly precision: string;
  readonly compressed: boolean;
  /** Smallest lower and largest upper bound of the tables, in the normalised variable s. */
  readonly table: {
    readonly lower: number;
    readonly upper: number;
    readonly max: number;
    readonly step: number;
    readonly coarse_step: number;
    readonly rows: number;
    readonly single: boolean;
  } | null;
  readonly parameters: number;
  readonly fparam: 0;
  readonly aparam: 0;
  readonly excluded_pairs: readonly string[];
  readonly smallest_distance_in_training_A: number | null;
  /** Known for bundled models only. */
  readonly purpose: string | null;
  readonly training_errors: Readonly<Record<string, unknown>> | null;
}

export function modelSummary(model: ModelFile): ModelSummary {
  const p = model.parameters;
  const bundled = bundledModels().find((entry) => entry.sha256 === model.sha256);
  return {
    name: model.name,
    file: model.file,
    sha256: model.sha256,
    format: p.format,
    version: p.version,
    descriptor: 'se_e2_a',
    type_one_side: p.oneSided,
    cutoff_A: p.cutoff,
    cutoff_smooth_A: p.cutoffSmooth,
    species: p.typeNames,
    types: p.ntypes,
    sel: p.sel,
    sel_meaning: selMeaning(p),
    axis_neuron: p.axis,
    embedding: summarizeNetworks(p.embedding),
    fitting: { type: 'ener', ...summarizeNetworks(p.fitting)! },
    precision: p.precision,
    compressed: p.tables !== null,
    table: tableSummary(p),
    parameters: p.parameterCount,
    fparam: 0,
    aparam: 0,
    excluded_pairs: excludedPairs(p),
    smallest_distance_in_training_A: p.minNeighbourDistance,
    purpose: bundled?.purpose ?? null,
    training_errors: bundled?.errors ?? null,
  };
}

function nameOf(p: DeepPotentialParameters, type: number): string {
  return p.typeNames[type] ?? `type ${type}`;
}

function selMeaning(p: DeepPotentialParameters): string {
  const slots = p.sel.map((n, t) => `${nameOf(p, t)} ${n}`).join(', ');
  const nothing = !p.perSlotStatistics && p.davg.every((x) => x === 0);
  const rule =
    p.family === 'graph'
      ? 'of each type the nearest that fit count'
      : `first the nearest ${p.sel.reduce((sum, n) => sum + n, 0)} of all types, among these the nearest of each type that fit count`;
  return `slots for neighbours within ${p.cutoff} A: ${slots}. Where an atom has more, ${rule} (truncate); ${
    nothing
      ? 'empty slots give nothing (davg = 0), so all neighbours may be counted, exactly and smoothly (grow)'
      : 'empty slots contribute (davg is not 0), so adding slots would change the model (no grow)'
  }`;
}

function activationName({ name, threshold }: Activation): string {
  return threshold === undefined ? name : `${name}:${threshold}`;
}

function summarizeNetworks(networks: readonly (Network | null)[]): NetworkSummary | null {
  const nets = [...new Set(networks.filter((net) => net !== null))];
  const first = nets[0];
  if (!first) return null;
  // The output layer of a fitting net is linear: the activation is that of the layers before it.
  const hidden = first.layers.filter((layer) => layer.activation.name !== 'linear');
  return {
    layers: first.layers.map((layer) => layer.outputs),
    activation: activationName(hidden[0]?.activation ?? { name: 'linear' }),
    nets: nets.length,
    timestep: nets.some((net) => net.layers.some((layer) => layer.idt !== null)),
  };
}

function tableSummary(p: DeepPotentialParameters): ModelSummary['table'] {
  const tables = p.tables?.filter((table) => table !== null) ?? [];
  const [first] = tables;
  if (!first) return null;
  return {
    lower: Math.min(...tables.map((table) => table.lower)),
    upper: Math.max(...tables.map((table) => table.upper)),
    max: Math.max(...tables.map((table) => table.max)),
    step: first.step,
    coarse_step: first.coarseStep,
    rows: Math.max(...tables.map((table) => table.rows)),
    single: first.single,
  };
}

function excludedPairs(p: DeepPotentialParameters): string[] {
  const out: string[] = [];
  for (let i = 0; i < p.ntypes; i++) {
    for (let j = i; j < p.ntypes; j++) {
      if (p.excluded[i * p.ntypes + j] || p.pairExcluded[i * p.ntypes + j]) out.push(`${nameOf(p, i)}-${nameOf(p, j)}`);
    }
  }
  return out;
}
