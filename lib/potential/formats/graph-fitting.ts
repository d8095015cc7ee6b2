/** Fitting nets, parameters of frame and atoms, and biases of a frozen graph (deep-potential.md 1.8, 2.2). */
import type { Activation, DeepPotentialParameters, ExternalParameters, Layer, Network } from '../deep-potential-parameters.js';
import { externalParameters, makeLayer, makeNetwork } from './assemble.js';
import { activationOf, floats, type GraphModel, matrix, required, typeLabel } from './graph-networks.js';
import { requireCount, requireFinite, wrongShape } from './refusal.js';
import { isSet, section } from './training-script.js';

/** One fitting net a centre type, or T times the one that all types share. */
export function readFitting(model: GraphModel): { nets: Network[]; shared: boolean } {
  const { graph, ntypes, script } = model;
  const shared = graph.has('final_layer/matrix');
  const pattern = shared ? /^layer_(\d+)\/(matrix|bias|idt)$/ : /^layer_(\d+)_type_\d+\/(matrix|bias|idt)$/;
  let layers = 0;
  for (const name of graph.nodes.keys()) {
    const match = pattern.exec(name);
    if (match) layers = Math.max(layers, Number(match[1]) + 1);
  }
  const settings = section(script, 'model', 'fitting_net');
  if (Array.isArray(settings.neuron)) layers = settings.neuron.length;
  if (layers > 64) throw wrongShape('fitting net', 'at most 64 layers', String(layers));
  const scope = shared ? /^layer_\d+\// : /^layer_\d+_type_\d+\//;
  const activation: Activation = layers === 0 ? { name: 'linear' } : activationOf(model, settings, 'model.fitting_net', scope);
  const resnetDt = settings.resnet_dt === true;
  if (shared) {
    const net = fittingNet(model, '', 'of all types', layers, activation, resnetDt);
    return { nets: Array.from({ length: ntypes }, () => net), shared };
  }
  const nets = Array.from({ length: ntypes }, (_, t) =>
    fittingNet(model, `_type_${t}`, `of ${typeLabel(model, t)}`, layers, activation, resnetDt),
  );
  return { nets, shared };
}

function fittingNet(
  model: GraphModel,
  suffix: string,
  whose: string,
  layers: number,
  activation: Activation,
  resnetDt: boolean,
): Network {
  const net: Layer[] = [];
  let width: number | null = null;
  for (let k = 0; k < layers; k++) {
    const prefix = `layer_${k}${suffix}`;
    const weights = matrix(
      required(model, `${prefix}/matrix`, `weights of the fitting net ${whose}, layer ${k}`),
      `${prefix}/matrix`,
    );
    const bias = required(model, `${prefix}/bias`, `bias of the fitting net ${whose}, layer ${k}`).values;
    // The first layer never has a shortcut, and none doubles in the fitting nets of graphs (1.8).
    const shortcut = k > 0 && weights.outputs === width ? 'identity' : 'none';
    const idtName = `${prefix}/idt`;
    const idt =
      shortcut === 'none'
        ? null
        : resnetDt
          ? required(model, idtName, `timestep of the fitting net ${whose}, layer ${k}`).values
          : (floats(model, idtName)?.values ?? null);
    net.push(makeLayer({ ...weights, bias, idt, activation, shortcut }, prefix));
    width = weights.outputs;
  }
  const name = `final_layer${suffix}`;
  const weights = matrix(required(model, `${name}/matrix`, `output weights of the fitting net ${whose}`), `${name}/matrix`);
  const bias = required(model, `${name}/bias`, `output bias of the fitting net ${whose}`).values;
  net.push(makeLayer({ ...weights, bias, idt: null, activation: { name: 'linear' }, shortcut: 'none' }, name));
  return makeNetwork(net, net[0]!.inputs, 1, `fitting net ${whose}`);
}

/** `letter` is f (of the frame) or a (of every atom). */
export function readParameters({ graph, script }: GraphModel, letter: 'f' | 'a'): ExternalParameters | null {
  const node = `fitting_attr/d${letter}param`;
  const count = requireCount(graph.number(node) ?? 0, node, 0, 65536);
  if (count === 0) return null;
  const values = (name: string) => graph.tensor(`fitting_attr/t_${letter}param_${name}`)?.values ?? null;
  const stored = section(script, 'model', 'fitting_net').default_fparam;
  const defaults =
    letter === 'f' && Array.isArray(stored) && isSet(stored.length) ? Float64Array.from(stored as unknown[], Number) : null;
  const what = `${letter === 'f' ? 'frame' : 'atom'} parameters (fitting_attr/t_${letter}param_avg, _istd)`;
  return externalParameters(count, values('avg'), values('istd'), defaults, what);
}

export function readBiases({ graph, ntypes }: GraphModel): Pick<DeepPotentialParameters, 'atomBias' | 'outStd' | 'outBias'> {
  const perType = (names: readonly string[], absent: number): Float64Array => {
    for (const name of names) {
      const tensor = graph.tensor(name);
      if (!tensor) continue;
      if (tensor.values.length !== ntypes)
        throw wrongShape(`tensor "${name}"`, `${ntypes} values, one a type`, `shape [${tensor.shape.join(', ')}]`);
      return requireFinite(tensor.values, `tensor "${name}"`);
    }
    return new Float64Array(ntypes).fill(absent);
  };
  return {
    atomBias: perType(['fitting_attr/t_bias_atom_e'], 0),
    // The newest versions nest the scope of these two.
    outStd: perType(['model_attr/t_out_std', 'model_attr/model_attr/t_out_std'], 1),
    outBias: perType(['model_attr/t_out_bias', 'model_attr/model_attr/t_out_bias'], 0),
  };
}

/** Types with an assigned vacuum energy: only those that the list names, or all types of a shared net (1.8). */
export function vacuumTypes({ script, ntypes }: GraphModel, shared: boolean): Uint8Array {
  const out = new Uint8Array(ntypes);
  const list = section(script, 'model', 'fitting_net').atom_ener;
  if (!Array.isArray(list)) return out;
  const assigned = (value: unknown) => value !== null && value !== undefined;
  if (shared) return out.fill(list.some(assigned) ? 1 : 0);
  return out.map((_, t) => (t < list.length && assigned(list[t]) ? 1 : 0));
}
