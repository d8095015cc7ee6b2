/** Tables of a compressed graph: which constant belongs to which pair of types (deep-potential.md 2.3). */
import { PotentialError } from '../../errors.js';
import type { EmbeddingTable } from '../deep-potential-parameters.js';
import { makeTable } from './assemble.js';
import { type Graph, type GraphNode, integerAttribute, typeAttribute } from './graph.js';
import { type EmbeddingScope, type GraphPart, typeLabel } from './graph-networks.js';
import { requireFinite, wrongShape } from './refusal.js';

export interface GraphTables {
  readonly tables: (EmbeddingTable | null)[];
  readonly width: number;
}

const fusionOps = { se_e2_a: ['TabulateFusionSeA', 'TabulateFusion'], se_e2_r: ['TabulateFusionSeR'] };

/** Table operations of a part whose nets belong to types or pairs. */
function fusions({ model, kind }: GraphPart): GraphNode[] {
  return model.graph.operations(...fusionOps[kind]);
}

export function isCompressed(part: GraphPart, scope: EmbeddingScope): boolean {
  return fusions(part).some((node) => scope.pattern.test(node.name));
}

export function readTables(part: GraphPart, scope: EmbeddingScope, excluded: Uint8Array): GraphTables {
  const { model, sel, kind } = part;
  const { graph, ntypes } = model;
  const centres = scope.oneSided ? 1 : ntypes;
  const tables: (EmbeddingTable | null)[] = new Array(centres * ntypes).fill(null);
  const byScope = new Map<string, { node: GraphNode; neighbour: number }[]>();
  for (const node of fusions(part)) {
    if (!scope.pattern.test(node.name)) continue;
    const name = node.name.slice(0, node.name.indexOf('/'));
    const list = byScope.get(name) ?? [];
    list.push({ node, neighbour: neighbourType(part, node) });
    byScope.set(name, list);
  }
  const has = (centre: number, neighbour: number) =>
    byScope.get(scope.scope(centre))?.some((entry) => entry.neighbour === neighbour) ?? false;
  let width = 0;
  for (let centre = 0; centre < centres; centre++) {
    const prefix = `${scope.scope(centre)}/`;
    for (const { node, neighbour } of byScope.get(scope.scope(centre)) ?? []) {
      const index = centre * ntypes + neighbour;
      if (tables[index])
        throw wrongShape(
          `operation "${node.name}"`,
          'one table a neighbour type',
          `a second one for ${typeLabel(model, neighbour)}`,
        );
      const { table, outputs } = readTable(graph, node);
      if (width !== 0 && outputs !== width)
        throw wrongShape(`table of "${node.name}"`, `${width} outputs like the others`, `${outputs}`);
      width = outputs;
      tables[index] = table;
    }
    for (let neighbour = 0; neighbour < ntypes; neighbour++) {
      if (tables[centre * ntypes + neighbour] || sel[neighbour] === 0) continue;
      if (!scope.oneSided && excluded[centre * ntypes + neighbour]) continue;
      if (!scope.oneSided && model.script === null && !has(neighbour, centre)) {
        // Neither order of the pair has a table: it is excluded.
        excluded[centre * ntypes + neighbour] = 2;
        excluded[neighbour * ntypes + centre] = 2;
        continue;
      }
      const op = fusionOps[kind][0]!;
      throw new PotentialError(
        'MODEL_MISSING_TENSOR',
        `the model has no operation "${prefix}${op}..." for ${typeLabel(model, neighbour)} as neighbour${scope.oneSided ? '' : ` of ${typeLabel(model, centre)}`} (its embedding table)`,
        { hint: 'the file is damaged or was edited; compress the model again', tensor: `${prefix}${op}` },
      );
    }
  }
  return { tables, width };
}

/** The slots that the operation reads tell the neighbour type: follow its rows back to the slice. */
function neighbourType({ model, sel, kind }: GraphPart, node: GraphNode): number {
  const { graph } = model;
  // Table, header and rows; with the rows of se_e2_a apart from the variable s.
  const [input, components] = kind === 'se_e2_r' ? [2, 1] : [3, 4];
  let at: GraphNode | undefined = node;
  let reference: string | undefined = node.inputs[input];
  for (let hops = 0; hops < 16 && reference !== undefined; hops++) {
    at = graph.nodes.get(reference.replace(/:\d+$/, ''));
    if (!at || at.op === 'Slice') break;
    reference = at.inputs[0];
  }
  if (at?.op !== 'Slice') throw unknownSlots(node, 'its rows do not come from a slice of the environment');
  const begin = vector(graph, at.inputs[1]);
  const size = vector(graph, at.inputs[2]);
  if (!begin || !size) throw unknownSlots(node, `the bounds of slice "${at.name}" are not constants`);
  let offset = 0;
  for (let t = 0; t < sel.length; t++) {
    // Both must fit: a type without slots begins where the next one does.
    if (begin[1] === components * offset && size[1] === components * sel[t]!) return t;
    offset += sel[t]!;
  }
  throw unknownSlots(node, `slice "${at.name}" takes columns ${begin[1]} and ${size[1]} more, which are the slots of no type`);
}

/** The one table of g(s) in strip mode, and the constant that tt of a pair is looked up in (1.14, 2.3). */
export function readStrippedTable(
  { model }: GraphPart,
  node: GraphNode,
): { table: EmbeddingTable; width: number; factors: (neighbour: number, centre: number) => Float64Array; oneSided: boolean } {
  const { graph, ntypes } = model;
  const { table, outputs } = readTable(graph, node);
  const gather = lookUpNode(graph, node.inputs[4]);
  const name = gather?.inputs[0];
  const values = name === undefined ? undefined : graph.tensor(name);
  if (!gather || !values) {
    throw new PotentialError(
      'MODEL_MISSING_TENSOR',
      `the factors of the types of operation "${node.name}" do not come from a look-up in a constant`,
      {
        hint: 'the file is damaged or was made in an unknown way; compress the model again',
        tensor: node.inputs[4] ?? node.name,
      },
    );
  }
  const [count = 0, columns = 0] = values.shape;
  const oneSided = count === ntypes + 1;
  if (values.shape.length !== 2 || columns !== outputs || !(oneSided || count === (ntypes + 1) ** 2))
    throw wrongShape(
      `tensor "${name}"`,
      `${(ntypes + 1) ** 2} or ${ntypes + 1} rows of ${outputs} factors`,
      `shape [${values.shape.join(', ')}]`,
    );
  requireFinite(values.values, `tensor "${name}"`);
  const factors = (neighbour: number, centre: number) => {
    const row = oneSided ? neighbour : centre * (ntypes + 1) + neighbour;
    return values.values.subarray(row * outputs, row * outputs + outputs);
  };
  return { table, width: outputs, factors, oneSided };
}

/** The look-up that a reference leads to, through shapes and the product with the smoothing function. */
function lookUpNode(graph: Graph, reference: string | undefined): GraphNode | null {
  let waiting = reference === undefined ? [] : [reference];
  for (let hops = 0; hops < 16 && waiting.length > 0 && waiting.length < 64; hops++) {
    const next: string[] = [];
    for (const name of waiting) {
      const node = graph.nodes.get(name.replace(/:\d+$/, ''));
      if (node?.op === 'GatherV2' || node?.op === 'Gather') return node;
      if (node?.op === 'Mul') next.push(...node.inputs);
      else if (node && ['Reshape', 'Identity', 'Cast'].includes(node.op) && node.inputs[0]) next.push(node.inputs[0]);
    }
    waiting = next;
  }
  return null;
}

function unknownSlots(node: GraphNode, why: string): PotentialError {
  return new PotentialError('MODEL_CORRUPT', `the neighbour type of table operation "${node.name}" cannot be told: ${why}`, {
    hint: 'the file is damaged or was made in an unknown way; compress the model again',
    tensor: node.name,
  });
}

/** A constant vector, given whole or packed from constants. */
function vector(graph: Graph, reference: string | undefined): number[] | null {
  if (reference === undefined) return null;
  const tensor = graph.tensor(reference);
  if (tensor) return [...tensor.values];
  const node = graph.nodes.get(reference.replace(/:\d+$/, ''));
  if (node?.op !== 'Pack') return null;
  const parts = node.inputs
    .filter((input) => !input.startsWith('^'))
    .map((input) => graph.tensor(input)?.values[0] ?? Number.NaN);
  return parts;
}

function readTable(graph: Graph, node: GraphNode): { table: EmbeddingTable; outputs: number } {
  const [data, info] = [node.inputs[0] ?? '', node.inputs[1] ?? ''];
  const coefficients = graph.tensor(data);
  const header = graph.tensor(info);
  if (!coefficients || !header) {
    const name = coefficients ? info : data;
    throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no tensor "${name}" (table of operation "${node.name}")`, {
      hint: 'the file is damaged or was edited; compress the model again',
      tensor: name,
    });
  }
  const [rows = 0, columns = 0] = coefficients.shape;
  const outputs = integerAttribute(node, 'last_layer_size') ?? columns / 6;
  if (coefficients.shape.length !== 2 || !(outputs > 0) || outputs > 1 << 16)
    throw wrongShape(`table of "${node.name}"`, 'a matrix', `shape [${coefficients.shape.join(', ')}]`);
  const single = typeAttribute(node, 'T') === 1 || (typeAttribute(node, 'T') === undefined && coefficients.kind === 'float32');
  const rounded = (values: Float64Array) => (single ? Float64Array.from(values, Math.fround) : values);
  return {
    table: makeTable(
      rounded(header.values),
      rounded(coefficients.values),
      rows,
      columns,
      outputs,
      single,
      `table of "${node.name}"`,
    ),
    outputs,
  };
}
