/** What `ionclay model info` prints about a model (deep-potential.md 2.6). */
import { bundledModels } from './bundled.js';
import type {
  Activation,
  DeepPotentialParameters,
  Descriptor,
  ExternalParameters,
  Network,
  StoredTable,
  StoredTables,
} from './deep-potential-parameters.js';
import { TABLE_VERSION } from './kernel-options.js';
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

export interface TableSummary {
  /** Smallest lower and largest upper bound of the tables, in the normalised variable s. */
  readonly lower: number;
  readonly upper: number;
  readonly max: number;
  readonly step: number;
  readonly coarse_step: number;
  readonly rows: number;
  readonly single: boolean;
}

export interface DescriptorSummary {
  readonly descriptor: string;
  readonly type_one_side: boolean;
  readonly cutoff_A: number;
  readonly cutoff_smooth_A: number;
  /** Slots by neighbour type, or one number where all types share them. */
  readonly sel: readonly number[];
  readonly sel_meaning: string;
  /** 0 for se_e2_r, whose descriptor has no second index. */
  readonly axis_neuron: number;
  /** null where the file holds tables alone. */
  readonly embedding: NetworkSummary | null;
  readonly table: TableSummary | null;
}

export interface ParametersSummary {
  readonly count: number;
  /** Used when the caller gives none; null where they must be given. */
  readonly default: readonly number[] | null;
}

/** The fields of DescriptorSummary at the top are those of the first descriptor (the only one unless the model is a hybrid). */
export interface ModelSummary extends DescriptorSummary {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly format: string;
  readonly version: string;
  /** Element names in type order; empty where the file has none. */
  readonly species: readonly string[];
  readonly types: number;
  readonly descriptors: readonly DescriptorSummary[];
  readonly fitting: NetworkSummary & { readonly type: 'ener' };
  /** Of the file as a whole: nets as stored. */
  readonly precision: string;
  readonly compressed: boolean;
  readonly parameters: number;
  /** Numbers that a frame and every atom must be given. */
  readonly fparam: number;
  readonly aparam: number;
  readonly frame_parameters: ParametersSummary | null;
  readonly atom_parameters: ParametersSummary | null;
  readonly excluded_pairs: readonly string[];
  readonly pair_table: {
    readonly shortest_A: number;
    readonly cutoff_A: number;
    /** Softmin distances below which the table alone and above which the net alone counts. */
    readonly switch_from_A: number;
    readonly switch_to_A: number;
  } | null;
  /** Tables of `ionclay model compress`; errors are the largest of any table, of G and of dG/dr (1/A), relative to the largest value. */
  readonly stored_tables: {
    readonly precision: string;
    readonly tables: number;
    readonly panels: number;
    readonly columns: number;
    readonly value_error: number;
    readonly slope_error_per_A: number;
    /** False: made by another version, they are made anew at load. */
    readonly current: boolean;
  } | null;
  readonly smallest_distance_in_training_A: number | null;
  /** Known for bundled models only. */
  readonly purpose: string | null;
  readonly training_errors: Readonly<Record<string, unknown>> | null;
}

export function modelSummary(model: ModelFile): ModelSummary {
  const p = model.parameters;
  const bundled = bundledModels().find((entry) => entry.sha256 === model.sha256);
  const descriptors = p.descriptors.map((d) => descriptorSummary(p, d));
  return {
    name: model.name,
    file: model.file,
    sha256: model.sha256,
    format: p.format,
    version: p.version,
    ...descriptors[0]!,
    descriptor: p.descriptors.map((d) => d.label).join(' + '),
    cutoff_A: p.cutoff,
    species: p.typeNames,
    types: p.ntypes,
    descriptors,
    fitting: { type: 'ener', ...summarizeNetworks(p.fitting)! },
    precision: p.precision,
    compressed: p.descriptors.some((d) => d.tables !== null),
    parameters: p.parameterCount,
    fparam: p.frameParameters?.count ?? 0,
    aparam: p.atomParameters?.count ?? 0,
    frame_parameters: parametersSummary(p.frameParameters),
    atom_parameters: parametersSummary(p.atomParameters),
    excluded_pairs: excludedPairs(p),
    pair_table: p.pairTable && {
      shortest_A: p.pairTable.smallest,
      cutoff_A: p.pairTable.cutoff,
      switch_from_A: p.pairTable.from,
      switch_to_A: p.pairTable.to,
    },
    stored_tables: p.storedTables && storedTablesSummary(p.storedTables),
    smallest_distance_in_training_A: p.minNeighbourDistance,
    purpose: bundled?.purpose ?? null,
    training_errors: bundled?.errors ?? null,
  };
}

function descriptorSummary(p: DeepPotentialParameters, d: Descriptor): DescriptorSummary {
  return {
    descriptor: d.label,
    type_one_side: d.oneSided,
    cutoff_A: d.cutoff,
    cutoff_smooth_A: d.cutoffSmooth,
    sel: d.sel,
    sel_meaning: selMeaning(p, d),
    axis_neuron: d.axis,
    embedding: summarizeNetworks(d.nets),
    table: tableSummary(d),
  };
}

export function storedTablesSummary({ version, precision, tables }: StoredTables): NonNullable<ModelSummary['stored_tables']> {
  const largest = (value: (table: StoredTable) => number) => tables.reduce((most, table) => Math.max(most, value(table)), 0);
  return {
    precision,
    tables: tables.length,
    panels: tables.reduce((sum, table) => sum + table.edges.length - 1, 0),
    columns: largest((table) => table.columns),
    value_error: largest((table) => table.valueError),
    slope_error_per_A: largest((table) => table.slopeError),
    current: version === TABLE_VERSION,
  };
}

function parametersSummary(parameters: ExternalParameters | null): ParametersSummary | null {
  return parameters && { count: parameters.count, default: parameters.defaults && [...parameters.defaults] };
}

function nameOf(p: DeepPotentialParameters, type: number): string {
  return p.typeNames[type] ?? `type ${type}`;
}

function selMeaning(p: DeepPotentialParameters, d: Descriptor): string {
  const slots = d.mixed ? `${d.sel[0]} for all types together` : d.sel.map((n, t) => `${nameOf(p, t)} ${n}`).join(', ');
  const rule = d.mixed
    ? 'the nearest count'
    : p.family === 'graph'
      ? 'of each type the nearest that fit count'
      : `first the nearest ${d.sel.reduce((sum, n) => sum + n, 0)} of all types, among these the nearest of each type that fit count`;
  return `slots for neighbours within ${d.cutoff} A: ${slots}. Where an atom has more, ${rule} (truncate); ${
    emptySlotsGiveNothing(d)
      ? 'empty slots give nothing (davg = 0), so all neighbours may be counted, exactly and smoothly (grow)'
      : 'empty slots contribute (davg is not 0, or the descriptor is radial), so adding slots would change the model (no grow)'
  }`;
}

/**
 * Whether an empty slot adds nothing to D: its row is zero (davg = 0, one for all slots). A radial descriptor adds G(s) itself, which is
 * not zero.
 */
export function emptySlotsGiveNothing(d: Descriptor): boolean {
  return d.padNetOf.every((net) => net < 0) || (d.kind === 'se_e2_a' && !d.perSlotStatistics && d.davg.every((x) => x === 0));
}

function activationName({ name, threshold }: Activation): string {
  return threshold === undefined ? name : `${name}:${threshold}`;
}

function summarizeNetworks(networks: readonly Network[]): NetworkSummary | null {
  const nets = [...new Set(networks)];
  const first = nets[0];
  if (!first) return null;
  // The output layer of a fitting net is linear: the activation is that of the layers before it.
  const hidden = first.layers.filter((layer) => layer.activation.name !== 'linear');
  return {
    layers: first.layers.map((layer) => layer.outputs),
    activation: activationName(hidden[0]?.activation ?? { name: 'linear' }),
    // Nets that type embeddings were folded into differ in the bias of their first layer alone: one net of the file.
    nets: new Set(nets.map((net) => net.layers.at(-1)!.weights)).size,
    timestep: nets.some((net) => net.layers.some((layer) => layer.idt !== null)),
  };
}

function tableSummary(d: Descriptor): TableSummary | null {
  const tables = d.tables ?? [];
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
      const pair = i * p.ntypes + j;
      if (p.pairExcluded[pair] || p.descriptors.some((d) => d.excluded[pair])) out.push(`${nameOf(p, i)}-${nameOf(p, j)}`);
    }
  }
  return out;
}
