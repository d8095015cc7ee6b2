/** A frozen TensorFlow graph as named nodes; constants are decoded only when they are asked for (deep-potential.md 2.2). */
import { PotentialError } from '../../errors.js';
import { decodeTensor, type Tensor } from './tensor-proto.js';
import { appendNumbers, corrupt, type Field, float32, forEachField, type Range, text, varint } from './wire.js';

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  /** Encoded AttrValue of every attribute. */
  readonly attributes: ReadonlyMap<string, Range>;
}

export class Graph {
  readonly nodes = new Map<string, GraphNode>();
  private readonly tensors = new Map<string, Tensor>();

  constructor(bytes: Uint8Array) {
    forEachField({ data: bytes, start: 0, end: bytes.length }, 'graph', (field) => {
      if (field.number !== 1) return;
      if (field.wire !== 2) throw corrupt('graph: a node that is not a message', field.start);
      const node = decodeNode(field);
      this.nodes.set(node.name, node);
    });
  }

  /** Nodes whose operation is one of `ops`, without those of the gradient graph. */
  operations(...ops: string[]): GraphNode[] {
    return [...this.nodes.values()].filter((node) => ops.includes(node.op) && !node.name.startsWith('gradients/'));
  }

  has(name: string): boolean {
    return this.nodes.has(name);
  }

  /** The constant that `reference` leads to: through identities and casts, ignoring output numbers. */
  constantOf(reference: string): GraphNode | null {
    let name = reference;
    for (let hops = 0; hops < 64; hops++) {
      const node = this.nodes.get(name.replace(/^\^/, '').replace(/:\d+$/, ''));
      if (!node) return null;
      if (node.op === 'Const') return node;
      const next = node.inputs.find((input) => !input.startsWith('^'));
      if (!['Identity', 'Cast', 'StopGradient', 'Snapshot'].includes(node.op) || next === undefined) return null;
      name = next;
    }
    return null;
  }

  /** Value of a constant, or undefined where the graph has none of that name. */
  tensor(name: string): Tensor | undefined {
    const constant = this.constantOf(name);
    if (!constant) return undefined;
    const known = this.tensors.get(constant.name);
    if (known) return known;
    const value = constant.attributes.get('value');
    const encoded = value && attributeField(value, 8, constant.name);
    if (!encoded) throw corrupt(`constant "${constant.name}" has no value`, value?.start ?? 0);
    const tensor = decodeTensor(encoded, constant.name);
    this.tensors.set(constant.name, tensor);
    return tensor;
  }

  /** Text of a string constant. */
  string(name: string): string | undefined {
    const tensor = this.tensor(name);
    if (!tensor) return undefined;
    if (tensor.kind !== 'string') throw shape(name, 'a text', tensor);
    return tensor.strings[0] ?? '';
  }

  /** A single number. */
  number(name: string): number | undefined {
    const tensor = this.tensor(name);
    if (!tensor) return undefined;
    if (tensor.values.length !== 1) throw shape(name, 'one number', tensor);
    return tensor.values[0];
  }
}

function shape(name: string, expected: string, tensor: Tensor): PotentialError {
  return new PotentialError(
    'MODEL_SHAPE',
    `tensor "${name}" must be ${expected}, it is ${tensor.kind} of shape [${tensor.shape.join(', ')}]`,
    { tensor: name },
  );
}

function decodeNode(range: Range): GraphNode {
  let name = '';
  let op = '';
  const inputs: string[] = [];
  const attributes = new Map<string, Range>();
  forEachField(range, 'graph node', (field) => {
    if (field.number === 1) name = text(field);
    else if (field.number === 2) op = text(field);
    else if (field.number === 3) inputs.push(text(field));
    else if (field.number === 5) {
      let key = '';
      let value: Range = { data: field.data, start: field.end, end: field.end };
      forEachField(field, `attribute of node "${name}"`, (part) => {
        if (part.number === 1) key = text(part);
        else if (part.number === 2) value = part;
      });
      attributes.set(key, value);
    }
  });
  return { name, op, inputs, attributes };
}

function attributeField(value: Range, number: number, name: string): Field | undefined {
  let found: Field | undefined;
  forEachField(value, `attribute of node "${name}"`, (field) => {
    if (field.number === number) found = field;
  });
  return found;
}

/** Attribute as float32, undefined where the node has none; a value left out is 0. */
export function floatAttribute(node: GraphNode, key: string): number | undefined {
  const value = node.attributes.get(key);
  if (!value) return undefined;
  const field = attributeField(value, 4, node.name);
  if (!field) return 0;
  if (field.wire !== 5) throw corrupt(`attribute "${key}" of node "${node.name}" is not a float32`, field.start);
  return float32(field);
}

export function integerAttribute(node: GraphNode, key: string): number | undefined {
  const value = node.attributes.get(key);
  if (!value) return undefined;
  const field = attributeField(value, 3, node.name);
  return field ? varint(field) : 0;
}

export function integerListAttribute(node: GraphNode, key: string): number[] | undefined {
  const value = node.attributes.get(key);
  if (!value) return undefined;
  const out: number[] = [];
  const list = attributeField(value, 1, node.name);
  if (list) {
    forEachField(list, `attribute "${key}" of node "${node.name}"`, (field) => {
      if (field.number === 3) appendNumbers(field, 'varint', out, `attribute "${key}" of node "${node.name}"`);
    });
  }
  return out;
}

/** Number of a data type (1 float32, 2 float64). */
export function typeAttribute(node: GraphNode, key: string): number | undefined {
  const value = node.attributes.get(key);
  const field = value && attributeField(value, 6, node.name);
  return field ? varint(field) : undefined;
}
