/** The flat object that native/potential/deep_potential/parameters.cpp reads: layers once, nets as lists of their indices. */
import type { Activation, DeepPotentialParameters, Descriptor, Layer, Network } from './deep-potential-parameters.js';

const ACTIVATIONS: readonly Activation['name'][] = [
  'tanh',
  'gelu',
  'relu',
  'relu6',
  'softplus',
  'sigmoid',
  'silu',
  'silut',
  'linear',
];
const SHORTCUTS: readonly Layer['shortcut'][] = ['none', 'identity', 'double'];
const AFFINE = 3;
const SMOOTHINGS = ['one', 'switch', 'cubic'] as const;

export function nativeParameters(p: DeepPotentialParameters): object {
  const indices = new Map<Layer, number>();
  const net = (network: Network) =>
    Int32Array.from(network.layers, (layer) => {
      const known = indices.get(layer);
      if (known !== undefined) return known;
      indices.set(layer, indices.size);
      return indices.size - 1;
    });
  const descriptor = (d: Descriptor) => ({
    radial: d.kind === 'se_e2_r',
    cutoff: d.cutoff,
    cutoffSmooth: d.cutoffSmooth,
    switchWidth: d.switchWidth,
    envProtection: d.envProtection,
    slots: d.slots,
    mixed: d.mixed,
    perSlotStatistics: d.perSlotStatistics,
    sel: Int32Array.from(d.sel),
    davg: d.davg,
    dstd: d.dstd,
    width: d.width,
    axis: d.axis,
    nets: d.nets.map(net),
    netOf: d.netOf,
    padNetOf: d.padNetOf,
    tables: d.tables,
    tableOf: d.tableOf,
    excluded: d.excluded,
    stripFactors: d.strip?.factors ?? null,
    stripPadFactors: d.strip?.padFactors ?? null,
    smoothing: SMOOTHINGS.indexOf(d.strip?.smoothing ?? 'one'),
    constants: d.constants,
  });
  const descriptors = p.descriptors.map(descriptor);
  const fitting = p.fitting.map(net);
  return {
    ntypes: p.ntypes,
    cutoff: p.cutoff,
    nativeRule: p.family === 'native',
    descriptors,
    fitting,
    layers: [...indices.keys()].map(flatLayer),
    pairExcluded: p.pairExcluded,
    atomExcluded: p.atomExcluded,
    fittingExcluded: p.fittingExcluded,
    subtractVacuum: p.subtractVacuum,
    typeConstants: p.typeConstants,
    frameParameters: p.frameParameters,
    atomParameters: p.atomParameters,
    caseConstants: p.caseConstants,
    atomBias: p.atomBias,
    outStd: p.outStd,
    outBias: p.outBias,
    pairTable: p.pairTable && { ...p.pairTable, softminCutoff: p.pairTable.softminCutoff ?? p.cutoff },
    shortestDistance: p.minNeighbourDistance ?? 0,
    stored: p.storedTables?.tables ?? [],
  };
}

function flatLayer(layer: Layer): object {
  const affine = typeof layer.shortcut === 'object' ? layer.shortcut : null;
  return {
    inputs: layer.inputs,
    outputs: layer.outputs,
    weights: layer.weights,
    bias: layer.bias,
    idt: layer.idt,
    activation: ACTIVATIONS.indexOf(layer.activation.name),
    threshold: layer.activation.threshold ?? 3,
    shortcut: affine ? AFFINE : SHORTCUTS.indexOf(layer.shortcut),
    slope: affine?.slope ?? null,
    constant: affine?.constant ?? null,
  };
}
