/** Embedding and fitting nets of a frozen graph, and their activation functions (deep-potential.md 1.6, 1.8, 2.2). */
import { PotentialError } from '../../errors.js';
import { parseActivation } from '../activation.js';
import type { Activation, Layer, Network } from '../deep-potential-parameters.js';
import { makeLayer, makeNetwork } from './assemble.js';
import type { Graph, GraphNode } from './graph.js';
import { unsupported, wrongShape } from './refusal.js';
import type { Tensor } from './tensor-proto.js';
import { type Json, section } from './training-script.js';

/** What the readers of nets need to know about the model. */
export interface GraphModel {
  readonly graph: Graph;
  readonly script: Json | null;
  readonly ntypes: number;
  readonly typeNames: readonly string[];
  readonly sel: readonly number[];
  /** Kinds of number of all tensors of nets, gathered for the precision. */
  readonly kinds: Set<string>;
}

export function typeLabel(model: Pick<GraphModel, 'typeNames'>, type: number): string {
  return model.typeNames[type] ?? `type ${type}`;
}

function floats(model: GraphModel, name: string): Tensor | undefined {
  const tensor = model.graph.tensor(name);
  if (!tensor) return undefined;
  if (tensor.kind === 'float16') throw unsupported('precision float16', `tensor "${name}" is of half precision`);
  if (tensor.kind !== 'float32' && tensor.kind !== 'float64')
    throw wrongShape(`tensor "${name}"`, 'floating-point numbers', tensor.kind);
  model.kinds.add(tensor.kind);
  return tensor;
}

function missing(name: string, meaning: string, context: string): PotentialError {
  return new PotentialError(
    'MODEL_MISSING_TENSOR',
    `the model has no tensor "${name}" (${meaning})${context ? `. ${context}` : ''}`,
    {
      hint: 'the file is damaged or was edited; freeze the model again',
      tensor: name,
    },
  );
}

function required(model: GraphModel, name: string, meaning: string, context = ''): Tensor {
  const tensor = floats(model, name);
  if (!tensor) throw missing(name, meaning, context);
  return tensor;
}

function matrix(tensor: Tensor, name: string): { inputs: number; outputs: number; weights: Float64Array } {
  const [inputs, outputs] = tensor.shape;
  if (tensor.shape.length !== 2 || !inputs || !outputs)
    throw wrongShape(`tensor "${name}"`, 'a matrix', `shape [${tensor.shape.join(', ')}]`);
  return { inputs, outputs, weights: tensor.values };
}

const activationOps: Record<string, Activation['name']> = {
  Tanh: 'tanh',
  Relu: 'relu',
  Relu6: 'relu6',
  Softplus: 'softplus',
  Sigmoid: 'sigmoid',
  Gelu: 'gelu',
  GeluCustom: 'gelu',
};

/**
 * Activation of the nets whose scope matches: from the training input, else from the operations. Functions that are built from several
 * operations (silu, silut, gelu_tf) cannot be told from their parts with certainty and are refused then.
 */
export function activationOf(model: GraphModel, part: 'descriptor' | 'fitting_net', scope: RegExp): Activation {
  if (model.script) {
    const net = section(model.script, 'model', part);
    if (Object.keys(net).length > 0)
      return parseActivation(
        net.activation_function ?? 'tanh',
        `model.${part}.activation_function of the training input in the graph`,
      );
  }
  const { graph } = model;
  const all = graph.operations(...Object.keys(activationOps), 'Mul');
  // The oldest versions put the activation outside the scope of its layer.
  const found = all.filter((node) => node.op !== 'Mul' && (scope.test(node.name) || scope.test(node.inputs[0] ?? '')));
  const kinds = new Set(found.map((node) => activationOps[node.op]!));
  const [kind] = kinds;
  const advice = 'freeze the model again with a version that stores its training input (2.0 or later)';
  if (kind === undefined)
    throw unsupported(
      'activation',
      `no activation function was found in the scope of the ${part === 'descriptor' ? 'embedding' : 'fitting'} nets`,
      advice,
    );
  const composed =
    kinds.size > 1 ||
    found.some((node) => !actsOnLinearMap(graph, node)) ||
    found.some((node) => isMultipliedByItsInput(all, node));
  if (composed)
    throw unsupported(
      'activation',
      'the activation function is built from several operations and the graph holds no training input that names it',
      advice,
    );
  return { name: kind };
}

/** Whether the input of an operation is x W + b. */
function actsOnLinearMap(graph: Graph, node: GraphNode): boolean {
  let at: GraphNode | undefined = node;
  for (let hops = 0; hops < 16 && at; hops++) {
    const input: string | undefined = at.inputs.find((name) => !name.startsWith('^'));
    at = input === undefined ? undefined : graph.nodes.get(input.replace(/:\d+$/, ''));
    if (!at) return true; // a graph without the operations between: nothing speaks against it
    if (['Add', 'AddV2', 'BiasAdd', 'MatMul'].includes(at.op)) return true;
    if (!['Reshape', 'Identity', 'Cast', 'Const'].includes(at.op)) return false;
    if (at.op === 'Const') return true;
  }
  return false;
}

/** x sigmoid(x) is silu. */
function isMultipliedByItsInput(nodes: GraphNode[], node: GraphNode): boolean {
  const input = node.inputs[0];
  return nodes.some(
    (other) => other.op === 'Mul' && other.inputs.includes(node.name) && input !== undefined && other.inputs.includes(input),
  );
}

export interface EmbeddingScope {
  readonly oneSided: boolean;
  /** Scope of the nets of a centre type. */
  scope(centre: number): string;
  readonly pattern: RegExp;
}

export function embeddingScope(graph: Graph): EmbeddingScope {
  const names = [...graph.nodes.keys()];
  const holds = (prefix: string) =>
    names.some((name) => name.startsWith(`${prefix}/matrix_`) || name.startsWith(`${prefix}/TabulateFusion`));
  if (holds('filter_type_all')) return { oneSided: true, scope: () => 'filter_type_all', pattern: /^filter_type_all\// };
  if (names.some((name) => /^DS_layer_type_\d+\/matrix_/.test(name))) {
    return { oneSided: false, scope: (centre) => `DS_layer_type_${centre}`, pattern: /^DS_layer_type_\d+\// };
  }
  return { oneSided: false, scope: (centre) => `filter_type_${centre}`, pattern: /^filter_type_\d+\// };
}

/** Embedding nets in the order of DeepPotentialParameters.embedding; excluded pairs of two-sided models have none. */
export function readEmbedding(model: GraphModel, scope: EmbeddingScope, excluded: Uint8Array): (Network | null)[] {
  const { graph, ntypes, sel } = model;
  const centres = scope.oneSided ? 1 : ntypes;
  const names = [...graph.nodes.keys()];
  const pattern = new RegExp(`${scope.pattern.source}(matrix|bias|idt)_(\\d+)_(\\d+)$`);
  let layers = 0;
  const present = new Set<string>();
  for (const name of names) {
    const match = pattern.exec(name);
    if (!match) continue;
    layers = Math.max(layers, Number(match[2]));
    present.add(`${name.slice(0, name.indexOf('/'))} ${Number(match[3])}`);
  }
  const neuron = section(model.script, 'model', 'descriptor').neuron;
  if (Array.isArray(neuron)) layers = neuron.length;
  if (layers === 0 || layers > 64) {
    throw missing(
      `${scope.scope(0)}/matrix_1_0`,
      'weights of the first layer of an embedding net',
      'No embedding net was found in the graph.',
    );
  }
  const activation = activationOf(model, 'descriptor', scope.pattern);
  const total = centres * ntypes;
  const expected = `The model has ${ntypes} type${ntypes === 1 ? '' : 's'}${model.typeNames.length > 0 ? ` (${model.typeNames.join(' ')})` : ''}, so ${total} embedding net${
    total === 1 ? ' is' : 's are'
  } expected and ${present.size} ${present.size === 1 ? 'was' : 'were'} found.`;
  const resnetDt = section(model.script, 'model', 'descriptor').resnet_dt === true;
  const out: (Network | null)[] = [];
  for (let centre = 0; centre < centres; centre++) {
    for (let neighbour = 0; neighbour < ntypes; neighbour++) {
      const prefix = scope.scope(centre);
      const found = present.has(`${prefix} ${neighbour}`);
      if (!found) {
        const isExcluded = !scope.oneSided && excluded[centre * ntypes + neighbour] !== 0;
        // Without a training input a pair is excluded when neither order of it has a net.
        const unknownExclusion = !scope.oneSided && model.script === null && !present.has(`${scope.scope(neighbour)} ${centre}`);
        if (isExcluded || unknownExclusion || sel[neighbour] === 0) {
          if (!scope.oneSided && unknownExclusion) {
            excluded[centre * ntypes + neighbour] = 2;
            excluded[neighbour * ntypes + centre] = 2;
          }
          out.push(null);
          continue;
        }
      }
      const pair = scope.oneSided
        ? `${typeLabel(model, neighbour)} as neighbour`
        : `${typeLabel(model, neighbour)} -> ${typeLabel(model, centre)}`;
      const net: Layer[] = [];
      let width = 1;
      for (let k = 1; k <= layers; k++) {
        const name = `${prefix}/matrix_${k}_${neighbour}`;
        const weights = matrix(required(model, name, `weights ${pair}, layer ${k}`, expected), name);
        const bias = required(model, `${prefix}/bias_${k}_${neighbour}`, `bias ${pair}, layer ${k}`, expected).values;
        const shortcut = weights.outputs === width ? 'identity' : weights.outputs === 2 * width ? 'double' : 'none';
        const idtName = `${prefix}/idt_${k}_${neighbour}`;
        // Graphs may hold idt for every layer; it acts only where there is a shortcut.
        const idt =
          shortcut === 'none'
            ? null
            : resnetDt
              ? required(model, idtName, `timestep ${pair}, layer ${k}`).values
              : (floats(model, idtName)?.values ?? null);
        net.push(makeLayer({ ...weights, bias, idt, activation, shortcut }, name));
        width = weights.outputs;
      }
      out.push(makeNetwork(net, 1, null, `embedding net ${pair}`));
    }
  }
  return out;
}

/** One fitting net a centre type. `inputs` is the width of the descriptor, or null to take it from the first matrix. */
export function readFitting(model: GraphModel, inputs: number | null): Network[] {
  const { graph, ntypes } = model;
  if (graph.has('final_layer/matrix')) throw unsupported('type embedding', 'one fitting net shared by all types');
  const pattern = /^layer_(\d+)_type_\d+\/(matrix|bias|idt)$/;
  let layers = 0;
  for (const name of graph.nodes.keys()) {
    const match = pattern.exec(name);
    if (match) layers = Math.max(layers, Number(match[1]) + 1);
  }
  const settings = section(model.script, 'model', 'fitting_net');
  if (Array.isArray(settings.neuron)) layers = settings.neuron.length;
  if (layers > 64) throw wrongShape('fitting net', 'at most 64 layers', String(layers));
  const activation: Activation = layers === 0 ? { name: 'linear' } : activationOf(model, 'fitting_net', /^layer_\d+_type_\d+\//);
  const resnetDt = settings.resnet_dt === true;
  const out: Network[] = [];
  for (let t = 0; t < ntypes; t++) {
    const net: Layer[] = [];
    let width = inputs;
    for (let k = 0; k < layers; k++) {
      const prefix = `layer_${k}_type_${t}`;
      const weights = matrix(
        required(model, `${prefix}/matrix`, `weights of the fitting net of ${typeLabel(model, t)}, layer ${k}`),
        `${prefix}/matrix`,
      );
      const bias = required(model, `${prefix}/bias`, `bias of the fitting net of ${typeLabel(model, t)}, layer ${k}`).values;
      // The first layer never has a shortcut, and none doubles in the fitting nets of graphs (1.8).
      const shortcut = k > 0 && weights.outputs === width ? 'identity' : 'none';
      const idtName = `${prefix}/idt`;
      const idt =
        shortcut === 'none'
          ? null
          : resnetDt
            ? required(model, idtName, `timestep of the fitting net of ${typeLabel(model, t)}, layer ${k}`).values
            : (floats(model, idtName)?.values ?? null);
      net.push(makeLayer({ ...weights, bias, idt, activation, shortcut }, prefix));
      width = weights.outputs;
    }
    const name = `final_layer_type_${t}`;
    const weights = matrix(
      required(model, `${name}/matrix`, `output weights of the fitting net of ${typeLabel(model, t)}`),
      `${name}/matrix`,
    );
    const bias = required(model, `${name}/bias`, `output bias of the fitting net of ${typeLabel(model, t)}`).values;
    net.push(makeLayer({ ...weights, bias, idt: null, activation: { name: 'linear' }, shortcut: 'none' }, name));
    out.push(makeNetwork(net, inputs ?? net[0]!.inputs, 1, `fitting net of ${typeLabel(model, t)}`));
  }
  return out;
}
