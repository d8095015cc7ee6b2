/** Embedding nets of a frozen graph, and the activation functions of its nets (deep-potential.md 1.6, 2.2). */
import { PotentialError } from '../../errors.js';
import { parseActivation } from '../activation.js';
import type { Activation, Layer, Network } from '../deep-potential-parameters.js';
import { makeLayer, makeNetwork } from './assemble.js';
import type { Graph, GraphNode } from './graph.js';
import { unsupported, wrongShape } from './refusal.js';
import type { Tensor } from './tensor-proto.js';
import type { Json } from './training-script.js';

/** What all readers of a graph need to know about it. */
export interface GraphModel {
  readonly graph: Graph;
  readonly script: Json | null;
  readonly ntypes: number;
  readonly typeNames: readonly string[];
  /** Kinds of number of all tensors of nets, gathered for the precision. */
  readonly kinds: Set<string>;
}

/** One sub-descriptor: its environment operation, and what names it in the graph. */
export interface GraphPart {
  readonly model: GraphModel;
  readonly node: GraphNode;
  readonly kind: 'se_e2_a' | 'se_e2_r';
  readonly mixed: boolean;
  /** `_k` of sub-descriptor k of a hybrid, else empty. */
  readonly suffix: string;
  /** Its section of the training input, empty where there is none. */
  readonly settings: Json;
  /** Slots by neighbour type, one number where mixed. */
  readonly sel: readonly number[];
}

export function typeLabel(model: Pick<GraphModel, 'typeNames'>, type: number): string {
  return model.typeNames[type] ?? `type ${type}`;
}

export function floats(model: GraphModel, name: string): Tensor | undefined {
  const tensor = model.graph.tensor(name);
  if (!tensor) return undefined;
  if (tensor.kind === 'float16') throw unsupported('precision float16', `tensor "${name}" is of half precision`);
  if (tensor.kind !== 'float32' && tensor.kind !== 'float64')
    throw wrongShape(`tensor "${name}"`, 'floating-point numbers', tensor.kind);
  model.kinds.add(tensor.kind);
  return tensor;
}

export function missing(name: string, meaning: string, context: string): PotentialError {
  return new PotentialError(
    'MODEL_MISSING_TENSOR',
    `the model has no tensor "${name}" (${meaning})${context ? `. ${context}` : ''}`,
    {
      hint: 'the file is damaged or was edited; freeze the model again',
      tensor: name,
    },
  );
}

export function required(model: GraphModel, name: string, meaning: string, context = ''): Tensor {
  const tensor = floats(model, name);
  if (!tensor) throw missing(name, meaning, context);
  return tensor;
}

export function matrix(tensor: Tensor, name: string): { inputs: number; outputs: number; weights: Float64Array } {
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
 * Activation of the nets whose scope matches: from their section of the training input, else from the operations. Functions that are built
 * from several operations (silu, silut, gelu_tf) cannot be told from their parts with certainty and are refused then.
 * `where` names the section; `plain` is what a scope without any such operation means (undefined = an error).
 */
export function activationOf(model: GraphModel, settings: Json, where: string, scope: RegExp, plain?: Activation): Activation {
  if (Object.keys(settings).length > 0)
    return parseActivation(
      settings.activation_function === undefined ? 'tanh' : (settings.activation_function ?? 'none'),
      `${where}.activation_function of the training input in the graph`,
    );
  const { graph } = model;
  const all = graph.operations(...Object.keys(activationOps), 'Mul');
  // The oldest versions put the activation outside the scope of its layer.
  const found = all.filter((node) => node.op !== 'Mul' && (scope.test(node.name) || scope.test(node.inputs[0] ?? '')));
  const kinds = new Set(found.map((node) => activationOps[node.op]!));
  const [kind] = kinds;
  const advice = 'freeze the model again with a version that stores its training input (2.0 or later)';
  if (kind === undefined) {
    if (plain) return plain;
    throw unsupported('activation', `no activation function was found in the scope of the nets of ${where}`, advice);
  }
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

/** Scopes of nets that belong to a neighbour type or a pair of types. */
export function embeddingScope({ model, suffix }: GraphPart): EmbeddingScope {
  const names = [...model.graph.nodes.keys()];
  const all = `filter_type_all${suffix}`;
  if (names.some((name) => name.startsWith(`${all}/matrix_`) || name.startsWith(`${all}/TabulateFusion`)))
    return { oneSided: true, scope: () => all, pattern: new RegExp(`^${all}/`) };
  // Version 0.12.
  if (suffix === '' && names.some((name) => /^DS_layer_type_\d+\/matrix_/.test(name)))
    return { oneSided: false, scope: (centre) => `DS_layer_type_${centre}`, pattern: /^DS_layer_type_\d+\// };
  return {
    oneSided: false,
    scope: (centre) => `filter_type_${centre}${suffix}`,
    pattern: new RegExp(`^filter_type_\\d+${suffix}/`),
  };
}

/** How the tensors of one net are called, and how messages call it. */
interface NetworkNames {
  matrix(layer: number): string;
  bias(layer: number): string;
  idt(layer: number): string;
  readonly meaning: string;
  /** Said where a tensor is missing. */
  readonly context?: string;
}

/** Layers 1 to `count` with the shortcuts of embedding nets (1.6). Biases may be left out where `biasOptional`. */
export function readNetwork(
  model: GraphModel,
  names: NetworkNames,
  count: number,
  inputs: number | null,
  activation: Activation,
  resnetDt: boolean,
  biasOptional = false,
): Network {
  const { meaning, context } = names;
  const net: Layer[] = [];
  let width = inputs;
  for (let k = 1; k <= count; k++) {
    const name = names.matrix(k);
    const weights = matrix(required(model, name, `weights ${meaning}, layer ${k}`, context), name);
    const biasName = names.bias(k);
    const bias =
      biasOptional && !model.graph.has(biasName)
        ? new Float64Array(weights.outputs)
        : required(model, biasName, `bias ${meaning}, layer ${k}`, context).values;
    width ??= weights.inputs;
    const shortcut = weights.outputs === width ? 'identity' : weights.outputs === 2 * width ? 'double' : 'none';
    const idtName = names.idt(k);
    // Graphs may hold idt for every layer; it acts only where there is a shortcut.
    const idt =
      shortcut === 'none'
        ? null
        : resnetDt
          ? required(model, idtName, `timestep ${meaning}, layer ${k}`).values
          : (floats(model, idtName)?.values ?? null);
    net.push(makeLayer({ ...weights, bias, idt, activation, shortcut }, name));
    width = weights.outputs;
  }
  return makeNetwork(net, inputs ?? net[0]!.inputs, null, `embedding net ${meaning}`);
}

/** Names `scope/matrix_k`, with something after the number of the layer. */
export function networkNames(scope: string, after: string, meaning: string, context?: string): NetworkNames {
  return {
    matrix: (k) => `${scope}/matrix_${k}${after}`,
    bias: (k) => `${scope}/bias_${k}${after}`,
    idt: (k) => `${scope}/idt_${k}${after}`,
    meaning,
    context,
  };
}

/** Number of layers: that of the training input, else the largest found. */
export function layerCount(found: number, settings: Json, first: string): number {
  const count = Array.isArray(settings.neuron) ? settings.neuron.length : found;
  if (count === 0 || count > 64) {
    throw missing(first, 'weights of the first layer of an embedding net', 'No embedding net was found in the graph.');
  }
  return count;
}

/**
 * Nets by neighbour type or pair of types (centre * T + neighbour). Excluded pairs of two-sided models have none; where the graph has no
 * training input they are found by that and marked in `excluded`.
 */
export function readEmbedding(part: GraphPart, scope: EmbeddingScope, excluded: Uint8Array): (Network | null)[] {
  const { model, sel, settings } = part;
  const { ntypes } = model;
  const centres = scope.oneSided ? 1 : ntypes;
  const pattern = new RegExp(`${scope.pattern.source}(matrix|bias|idt)_(\\d+)_(\\d+)$`);
  let found = 0;
  const present = new Set<string>();
  for (const name of model.graph.nodes.keys()) {
    const match = pattern.exec(name);
    if (!match) continue;
    found = Math.max(found, Number(match[2]));
    present.add(`${name.slice(0, name.indexOf('/'))} ${Number(match[3])}`);
  }
  const layers = layerCount(found, settings, `${scope.scope(0)}/matrix_1_0`);
  const activation = activationOf(model, settings, 'model.descriptor', scope.pattern);
  const total = centres * ntypes;
  const expected = `The model has ${ntypes} type${ntypes === 1 ? '' : 's'}${model.typeNames.length > 0 ? ` (${model.typeNames.join(' ')})` : ''}, so ${total} embedding net${
    total === 1 ? ' is' : 's are'
  } expected and ${present.size} ${present.size === 1 ? 'was' : 'were'} found.`;
  const resnetDt = settings.resnet_dt === true;
  const out: (Network | null)[] = [];
  for (let centre = 0; centre < centres; centre++) {
    for (let neighbour = 0; neighbour < ntypes; neighbour++) {
      const prefix = scope.scope(centre);
      if (!present.has(`${prefix} ${neighbour}`)) {
        const isExcluded = !scope.oneSided && excluded[centre * ntypes + neighbour] !== 0;
        // Without a training input a pair is excluded when neither order of it has a net.
        const unknownExclusion = !scope.oneSided && model.script === null && !present.has(`${scope.scope(neighbour)} ${centre}`);
        if (isExcluded || unknownExclusion || sel[neighbour] === 0) {
          if (unknownExclusion) {
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
      out.push(readNetwork(model, networkNames(prefix, `_${neighbour}`, pair, expected), layers, 1, activation, resnetDt));
    }
  }
  return out;
}
