/** The flat object that native/addon/deep_potential.cpp reads. */
import { PotentialError } from '../errors.js';
import type { Activation, DeepPotentialParameters, Layer, Network } from './deep-potential-parameters.js';

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

export function nativeParameters(p: DeepPotentialParameters): object {
  const [d, second] = p.descriptors;
  const plain =
    d !== undefined &&
    second === undefined &&
    d.kind === 'se_e2_a' &&
    !d.mixed &&
    d.strip === null &&
    d.constants === null &&
    !d.nets.some((net) => net.layers.some((layer) => typeof layer.shortcut === 'object')) &&
    p.typeConstants === null &&
    p.frameParameters === null &&
    p.atomParameters === null &&
    p.caseConstants === null &&
    p.pairTable === null;
  if (!plain) {
    throw new PotentialError(
      'NOT_AVAILABLE',
      `the kernel does not evaluate ${p.descriptors.map((one) => one.label).join(' + ')} yet`,
      {
        hint: 'models with one se_e2_a descriptor and no further inputs are evaluated',
      },
    );
  }
  const network = (net: Network | null) =>
    net === null
      ? null
      : net.layers.map((layer) => ({
          inputs: layer.inputs,
          outputs: layer.outputs,
          weights: layer.weights,
          bias: layer.bias,
          idt: layer.idt,
          activation: ACTIVATIONS.indexOf(layer.activation.name),
          threshold: layer.activation.threshold ?? 3,
          shortcut: SHORTCUTS.indexOf(layer.shortcut),
        }));
  const pairs = d.oneSided ? p.ntypes : p.ntypes ** 2;
  return {
    ntypes: p.ntypes,
    cutoff: d.cutoff,
    cutoffSmooth: d.cutoffSmooth,
    switchWidth: d.switchWidth,
    envProtection: d.envProtection,
    slots: d.slots,
    nativeRule: p.family === 'native',
    perSlotStatistics: d.perSlotStatistics,
    oneSided: d.oneSided,
    sel: Int32Array.from(d.sel),
    davg: d.davg,
    dstd: d.dstd,
    width: d.width,
    axis: d.axis,
    embedding: Array.from({ length: pairs }, (_, k) => network(d.nets[d.netOf[k]!] ?? null)),
    tables: d.tables && Array.from({ length: pairs }, (_, k) => d.tables![d.tableOf![k]!] ?? null),
    fitting: p.fitting.map(network),
    excluded: d.excluded,
    pairExcluded: p.pairExcluded,
    atomExcluded: p.atomExcluded,
    fittingExcluded: p.fittingExcluded,
    subtractVacuum: p.subtractVacuum,
    atomBias: p.atomBias,
    outStd: p.outStd,
    outBias: p.outBias,
  };
}
