/** Tables of a compressed graph: which constant belongs to which pair of types (deep-potential.md 2.3). */
import { PotentialError } from '../../errors.js';
import type { EmbeddingTable } from '../deep-potential-parameters.js';
import { makeTable } from './assemble.js';
import { type Graph, type GraphNode, integerAttribute, typeAttribute } from './graph.js';
import { type EmbeddingScope, type GraphModel, typeLabel } from './graph-networks.js';
import { wrongShape } from './refusal.js';

export interface GraphTables {
  readonly tables: (EmbeddingTable | null)[];
  readonly width: number;
}

export function readTables(model: GraphModel, scope: EmbeddingScope, excluded: Uint8Array): GraphTables {
  const { graph, ntypes, sel } = model;
  const centres = scope.oneSided ? 1 : ntypes;
  const tables: (EmbeddingTable | null)[] = new Array(centres * ntypes).fill(null);
  let width = 0;
  for (let centre = 0; centre < centres; centre++) {
    const prefix = `${scope.scope(centre)}/`;
    for (const node of graph.operations('TabulateFusionSeA', 'TabulateFusion')) {
      if (!node.name.startsWith(prefix)) continue;
      const neighbour = neighbourType(model, node);
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
      if (!scope.oneSided && model.script === null && !hasTable(model, scope, neighbour, centre)) {
        // Neither order of the pair has a table: it is excluded.
        excluded[centre * ntypes + neighbour] = 2;
        excluded[neighbour * ntypes + centre] = 2;
        continue;
      }
      throw new PotentialError(
        'MODEL_MISSING_TENSOR',
        `the model has no operation "${prefix}TabulateFusionSeA..." for ${typeLabel(model, neighbour)} as neighbour${scope.oneSided ? '' : ` of ${typeLabel(model, centre)}`} (its embedding table)`,
        { hint: 'the file is damaged or was edited; compress the model again', tensor: `${prefix}TabulateFusionSeA` },
      );
    }
  }
  return { tables, width };
}

function hasTable(model: GraphModel, scope: EmbeddingScope, centre: number, neighbour: number): boolean {
  const prefix = `${scope.scope(centre)}/`;
  return model.graph
    .operations('TabulateFusionSeA', 'TabulateFusion')
    .some((node) => node.name.startsWith(prefix) && neighbourType(model, node) === neighbour);
}

/** The slots that the operation reads tell the neighbour type: follow its rows back to the slice. */
function neighbourType(model: GraphModel, node: GraphNode): number {
  const { graph, sel } = model;
  let at: GraphNode | undefined = node;
  let reference: string | undefined = node.inputs[3];
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
    if (begin[1] === 4 * offset && size[1] === 4 * sel[t]!) return t;
    offset += sel[t]!;
  }
  throw unknownSlots(node, `slice "${at.name}" takes columns ${begin[1]} and ${size[1]} more, which are the slots of no type`);
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
