/**
 * TorchScript models (`.pth`): the attributes of the object tree, brought to the tree of native models (deep-potential.md 2.4, 2.5),
 * which the other native formats share.
 */
import type { DeepPotentialParameters } from '../deep-potential-parameters.js';
import { type ArrayReader, nativeParameters } from './native-model.js';
import { torchDescriptor } from './pth-descriptor.js';
import { networks, TorchObject } from './pth-object.js';
import { unsupported } from './refusal.js';
import { TorchArchive } from './torch-archive.js';
import { parseTrainingScript } from './training-script.js';

type Tree = Record<string, unknown>;

/** Classes of models that are not evaluated, by the names that their makers give to the kind. */
const otherModels = new Map([
  ['DipoleModel', 'dipole'],
  ['PolarModel', 'polar'],
  ['DOSModel', 'dos'],
  ['PropertyModel', 'property'],
  ['PopulationModel', 'population'],
  ['SpinModel', 'spin_ener'],
  ['SpinEnergyModel', 'spin_ener'],
  ['LinearEnergyModel', 'linear'],
  ['FrozenModel', 'frozen'],
]);

const otherFittings = new Map([
  ['DipoleFittingNet', 'dipole'],
  ['PolarFittingNet', 'polar'],
  ['DOSFittingNet', 'dos'],
  ['PropertyFittingNet', 'property'],
  ['PopulationFittingNet', 'population'],
  ['EnergyFittingNetDirect', 'direct_force_ener'],
]);

export function parseTorchScript(bytes: Uint8Array, fileName: string): DeepPotentialParameters {
  const { tree, array } = openTorchScript(bytes, fileName);
  return nativeParameters(tree, array, 'pth');
}

/** The tree of a native model and its arrays, before anything is made of them. */
export function openTorchScript(bytes: Uint8Array, fileName: string): { tree: Tree; array: ArrayReader } {
  const archive = new TorchArchive(bytes, fileName);
  const root = TorchObject.root(archive);
  if (root.kind !== 'EnergyModel' && root.kind !== 'DPZBLModel')
    throw unsupported(otherModels.get(root.kind) ?? root.kind, `its class is ${root.kind}, EnergyModel or DPZBLModel is needed`);
  const atomic = root.object('atomic_model');
  const model = root.kind === 'EnergyModel' ? standardModel(atomic) : zblModel(atomic);
  const script = root.optional('model_def_script');
  const tree: Tree = {
    backend: 'PyTorch',
    model,
    model_def_script: typeof script === 'string' ? parseTrainingScript(script) : null,
    min_nbor_dist: root.number('min_nbor_dist'),
  };
  return { tree, array: (leaf, path) => archive.read(leaf, path) };
}

/** What atomic models of all kinds have. */
function common(atomic: TorchObject): Tree {
  return {
    '@class': 'Model',
    '@version': 2,
    type_map: atomic.optional('type_map'),
    rcond: atomic.optional('rcond'),
    preset_out_bias: null,
    atom_exclude_types: atomic.excludedTypes('atom_excl'),
    pair_exclude_types: atomic.excludedPairs('pair_excl'),
    '@variables': { out_bias: atomic.optionalTensor('out_bias'), out_std: atomic.optionalTensor('out_std') },
  };
}

function standardModel(atomic: TorchObject): Tree {
  if (!/^DP(Energy)?AtomicModel$/.test(atomic.kind))
    throw unsupported(atomic.kind, 'the class of its atomic model; DPEnergyAtomicModel is needed');
  return {
    type: 'standard',
    ...common(atomic),
    descriptor: torchDescriptor(atomic.object('descriptor')),
    fitting: fitting(atomic.object('fitting_net')),
  };
}

/** out_bias, which is of shape [outputs, T, 1], belongs to the whole; that of the parts is not used. */
function zblModel(atomic: TorchObject): Tree {
  const parts = atomic.object('models');
  const [standard, table] = [parts.object('0'), parts.object('1')];
  return {
    type: 'zbl',
    ...common(atomic),
    weights: 'mean',
    sw_rmin: atomic.plain('sw_rmin'),
    sw_rmax: atomic.plain('sw_rmax'),
    smin_alpha: atomic.plain('smin_alpha'),
    models: [
      standardModel(standard),
      {
        type: 'pairtab',
        ...common(table),
        rcut: table.plain('rcut'),
        sel: table.plain('sel'),
        tab: {
          '@class': 'PairTab',
          '@version': 1,
          '@variables': { tab_info: table.tensor('tab_info'), tab_data: table.tensor('tab_data') },
        },
      },
    ],
  };
}

function fitting(net: TorchObject): Tree {
  if (net.kind !== 'EnergyFittingNet' && net.kind !== 'InvarFitting') {
    const word = otherFittings.get(net.kind) ?? net.kind;
    throw unsupported(word, `the class of its fitting net is ${net.kind}, EnergyFittingNet is needed`);
  }
  // Assigned vacuum energies are known by whether they are there.
  const vacuum = net.optional('remove_vaccum_contribution');
  return {
    '@class': 'Fitting',
    '@version': 4,
    type: 'ener',
    var_name: 'energy',
    dim_out: 1,
    tot_ener_zero: false,
    trainable: true,
    layer_name: null,
    spin: null,
    rcond: net.optional('rcond'),
    ...net.options(['ntypes', 'dim_descrpt', 'neuron', 'resnet_dt', 'activation_function', 'type_map']),
    numb_fparam: net.optional('numb_fparam') ?? 0,
    numb_aparam: net.optional('numb_aparam') ?? 0,
    dim_case_embd: net.optional('dim_case_embd') ?? 0,
    default_fparam: net.optional('default_fparam'),
    use_aparam_as_mask: net.optional('use_aparam_as_mask') ?? false,
    mixed_types: net.plain('mixed_types'),
    precision: net.plain('precision'),
    exclude_types: net.excludedTypes('emask'),
    atom_ener: Array.isArray(vacuum) ? vacuum.map((assigned) => (assigned === true ? 0 : null)) : null,
    '@variables': {
      bias_atom_e: net.optionalTensor('bias_atom_e'),
      fparam_avg: net.optionalTensor('fparam_avg'),
      fparam_inv_std: net.optionalTensor('fparam_inv_std'),
      aparam_avg: net.optionalTensor('aparam_avg'),
      aparam_inv_std: net.optionalTensor('aparam_inv_std'),
      case_embd: net.optionalTensor('case_embd'),
    },
    nets: networks(net.object('filter_layers')),
  };
}
