/**
 * What our `.dp` files hold beside the tree that DeePMD-kit knows, under the top-level key `@ionclay` that it leaves alone: rules of the
 * frozen graph that a model came from (deep-potential.md 1.3, 1.4, 1.6), and tables of `ionclay model compress`.
 */
import { PotentialError } from '../../errors.js';
import type { DeepPotentialParameters, Descriptor, Network, StoredTable, StoredTables } from '../deep-potential-parameters.js';
import { groupedNets, requireCapacity } from './assemble.js';
import type { ArrayReader } from './native-networks.js';
import { integer, number, object } from './native-tree.js';
import { TreeArray } from './native-writer.js';
import { requireFinite, wrongShape } from './refusal.js';
import { isObject, type Json } from './training-script.js';

export const SECTION = '@ionclay';
const VERSION = 1;

/** The section for parameters and tables; undefined where there is nothing to say. */
export function storedSection(p: DeepPotentialParameters, tables: StoredTables | null): Json | undefined {
  const rules = p.family === 'graph' ? graphRules(p) : null;
  if (!rules && !tables) return undefined;
  return { '@version': VERSION, rules, tables: tables && tablesTree(tables) };
}

function graphRules(p: DeepPotentialParameters): Json {
  return {
    family: 'graph',
    precision: p.precision,
    parameters: p.parameterCount,
    training_script: p.trainingScript,
    descriptors: p.descriptors.map((d) => ({
      switch_width: d.switchWidth,
      // Code of deep-potential-parameters.ts: 2, empty slots are masked with the real neighbours.
      exclusion: d.excluded.some((code) => code === 2) ? 2 : 1,
      without_net: [...missingNets(p.ntypes, d)],
    })),
  };
}

/** Nets of the list (a neighbour type or a pair) that the model has not; the tree has ones that give zeros there. */
function missingNets(ntypes: number, d: Descriptor): number[] {
  const length = d.oneSided ? ntypes : ntypes * ntypes;
  return Array.from({ length }, (_, k) => k).filter((k) => d.netOf[k]! < 0);
}

/** Parameters as read from the tree, with what the section says. Sections of later versions are refused. */
export function applyStoredSection(p: DeepPotentialParameters, value: unknown, array: ArrayReader): DeepPotentialParameters {
  if (value === undefined || value === null) return p;
  const section = object(value, SECTION);
  if (integer(section, '@version', SECTION, 1, 1_000_000) > VERSION) {
    throw new PotentialError('MODEL_UNSUPPORTED', `${SECTION}: version ${String(section['@version'])} is newer than ${VERSION}`, {
      hint: 'update ionclay, or compress the original model with this version',
      key: `${SECTION}.@version`,
    });
  }
  const withRules = isObject(section.rules) ? applyRules(p, section.rules) : p;
  const storedTables = isObject(section.tables) ? readTables(withRules, section.tables, array) : null;
  return { ...withRules, storedTables };
}

function applyRules(p: DeepPotentialParameters, rules: Json): DeepPotentialParameters {
  const path = `${SECTION}.rules`;
  const { descriptors, precision, training_script: script } = rules;
  if (rules.family !== 'graph' || typeof precision !== 'string' || !Array.isArray(descriptors))
    throw wrongShape(path, 'family graph, a precision and descriptors', JSON.stringify(rules)?.slice(0, 80) ?? 'nothing');
  if (descriptors.length !== p.descriptors.length)
    throw wrongShape(`${path}.descriptors`, `${p.descriptors.length} entries`, String(descriptors.length));
  return {
    ...p,
    family: 'graph',
    precision: precision.slice(0, 200),
    parameterCount: integer(rules, 'parameters', path, 0, Number.MAX_SAFE_INTEGER),
    trainingScript: isObject(script) ? script : null,
    descriptors: p.descriptors.map((d, k) => {
      const at = `${path}.descriptors[${k}]`;
      return withGraphRule(p.ntypes, d, object(descriptors[k], at), at);
    }),
  };
}

function withGraphRule(ntypes: number, d: Descriptor, rule: Json, path: string): Descriptor {
  const switchWidth = number(rule, 'switch_width', path);
  // Rounding of two float32 numbers and of their difference.
  if (!(Math.abs(switchWidth - (d.cutoff - d.cutoffSmooth)) <= 1e-5 * d.cutoff) || switchWidth <= 0)
    throw wrongShape(`${path}.switch_width`, `about ${d.cutoff - d.cutoffSmooth}`, String(switchWidth));
  const code = integer(rule, 'exclusion', path, 1, 2);
  const excluded = d.excluded.map((flag) => (flag ? code : 0));
  const { without_net: without } = rule;
  const length = d.oneSided ? ntypes : ntypes * ntypes;
  if (!Array.isArray(without) || without.some((k) => !Number.isInteger(k) || k < 0 || k >= length))
    throw wrongShape(
      `${path}.without_net`,
      `numbers from 0 to ${length - 1}`,
      JSON.stringify(without)?.slice(0, 80) ?? 'nothing',
    );
  if (d.mixed || d.tables) throw wrongShape(path, 'a descriptor with grouped slots and nets', d.label);
  const missing = new Set<number>(without);
  const nets = Array.from({ length }, (_, k): Network | null => (missing.has(k) ? null : (d.nets[d.netOf[k]!] ?? null)));
  return { ...d, switchWidth, excluded, ...groupedNets(d.kind, ntypes, d.oneSided, nets, null, excluded) };
}

function tablesTree({ version, precision, tables }: StoredTables): Json {
  return {
    version,
    precision,
    tables: tables.map((table) => ({
      descriptor: table.descriptor,
      centre: table.centre,
      neighbour: table.neighbour,
      columns: table.columns,
      degree: table.degree,
      value_error: table.valueError,
      slope_error: table.slopeError,
      '@variables': {
        edges: new TreeArray([table.edges.length], table.edges),
        coefficients: new TreeArray([table.edges.length - 1, table.degree + 1, table.columns], table.coefficients),
        expansion: new TreeArray([table.columns, table.expansion.length / table.columns], table.expansion),
      },
    })),
  };
}

function readTables(p: DeepPotentialParameters, tree: Json, array: ArrayReader): StoredTables {
  const path = `${SECTION}.tables`;
  const { precision, tables } = tree;
  if (precision !== 'double' && precision !== 'mixed')
    throw wrongShape(`${path}.precision`, 'double or mixed', JSON.stringify(precision) ?? 'nothing');
  const most = p.descriptors.length * p.ntypes ** 2;
  if (!Array.isArray(tables) || tables.length > most)
    throw wrongShape(`${path}.tables`, `a list of at most ${most} tables`, Array.isArray(tables) ? `${tables.length}` : 'none');
  return {
    version: integer(tree, 'version', path, 0, 1_000_000),
    precision,
    tables: tables.map((table, k) => readTable(p, object(table, `${path}.tables[${k}]`), `${path}.tables[${k}]`, array)),
  };
}

function readTable(p: DeepPotentialParameters, tree: Json, path: string, array: ArrayReader): StoredTable {
  const descriptor = integer(tree, 'descriptor', path, 0, p.descriptors.length - 1);
  const { width, cutoff } = p.descriptors[descriptor]!;
  const columns = integer(tree, 'columns', path, 1, width);
  const degree = integer(tree, 'degree', path, 1, 15);
  const where = `${path}.@variables`;
  const variables = object(tree['@variables'], where);
  const read = (key: string, length: number): Float64Array => {
    requireCapacity(length, `${where}.${key}`);
    const { values } = array(variables[key], `${where}.${key}`);
    if (values.length !== length) throw wrongShape(`${where}.${key}`, `${length} values`, String(values.length));
    return requireFinite(values, `${where}.${key}`);
  };
  const edges = requireFinite(array(variables.edges, `${where}.edges`).values, `${where}.edges`);
  const panels = edges.length - 1;
  const rising = edges.every((r, k) => r >= 0 && r <= cutoff * (1 + 1e-9) && (k === 0 || r > edges[k - 1]!));
  if (panels < 1 || !rising)
    throw wrongShape(`${where}.edges`, `at least two rising distances up to ${cutoff} A`, edges.join(' ').slice(0, 80));
  return {
    descriptor,
    centre: integer(tree, 'centre', path, 0, p.ntypes - 1),
    neighbour: integer(tree, 'neighbour', path, 0, p.ntypes - 1),
    columns,
    degree,
    edges,
    coefficients: read('coefficients', panels * (degree + 1) * columns),
    expansion: read('expansion', columns * width),
    valueError: number(tree, 'value_error', path),
    slopeError: number(tree, 'slope_error', path),
  };
}
