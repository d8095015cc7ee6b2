/** Fitting net of native models with everything beside D in its input (deep-potential.md 1.8, 2.4). */
import type { DeepPotentialParameters, ExternalParameters, Network } from '../deep-potential-parameters.js';
import { externalParameters, fittingExtras, markTypes } from './assemble.js';
import { missingNet, type NetworkReader } from './native-networks.js';
import { checkPrecision, checkVersion, refuseFitting } from './native-refusals.js';
import { integer, object } from './native-tree.js';
import { requireFinite, unsupported, wrongShape } from './refusal.js';
import { isObject, type Json } from './training-script.js';

export interface NativeFitting
  extends Pick<
    DeepPotentialParameters,
    'fitting' | 'frameParameters' | 'atomParameters' | 'caseConstants' | 'subtractVacuum' | 'fittingExcluded' | 'atomBias'
  > {
  readonly precision: 'float64' | 'float32';
}

/** `width` is that of D with the constants that belong to it; `typeNames` are for messages. */
export function nativeFitting(
  value: unknown,
  path: string,
  reader: NetworkReader,
  ntypes: number,
  width: number,
  typeNames: readonly string[],
): NativeFitting {
  const tree = object(value, path);
  refuseFitting(tree);
  checkVersion(tree, 'Fitting', path);
  const variables = isObject(tree['@variables']) ? tree['@variables'] : {};
  const external = (kind: 'fparam' | 'aparam', defaults: Float64Array | null): ExternalParameters | null => {
    const count = tree[`numb_${kind}`] === undefined ? 0 : integer(tree, `numb_${kind}`, path, 0, 65536);
    const array = (key: string) => (count > 0 ? reader.optional(variables, key, `${path}.@variables`) : null);
    const name = `${path}.@variables.${kind}`;
    return externalParameters(count, array(`${kind}_avg`), array(`${kind}_inv_std`), count > 0 ? defaults : null, name);
  };
  const frameParameters = external('fparam', numbers(tree.default_fparam, `${path}.default_fparam`));
  const atomParameters = external('aparam', null);
  const caseConstants = caseEmbedding(tree, variables, path, reader);
  const inputs = width + fittingExtras(null, ntypes, frameParameters, atomParameters, caseConstants);
  const mixed = tree.mixed_types === true;
  const where = `${path}.nets`;
  const nets = reader.collection(tree.nets, where, { ndim: mixed ? 0 : 1, ntypes, inputs, outputs: 1 });
  const fitting = Array.from({ length: ntypes }, (_, t): Network => {
    const net = nets[mixed ? 0 : t];
    if (!net) throw missingNet(where, typeNames[t] ?? `type ${t}`);
    return net;
  });
  return {
    fitting,
    frameParameters,
    atomParameters,
    caseConstants,
    subtractVacuum: vacuumTypes(tree.atom_ener, ntypes, mixed),
    fittingExcluded: markTypes(tree.exclude_types, ntypes, `${path}.exclude_types`),
    atomBias: perType(tree, 'bias_atom_e', path, reader, ntypes),
    precision: checkPrecision(tree.precision, `${path}.precision`),
  };
}

/** An array below `@variables` with one value a type; zeros where it is not there. */
export function perType(holder: Json, key: string, path: string, reader: NetworkReader, ntypes: number): Float64Array {
  const variables = isObject(holder['@variables']) ? holder['@variables'] : {};
  const where = `${path}.@variables`;
  const values = reader.optional(variables, key, where);
  if (!values) return new Float64Array(ntypes);
  if (values.length !== ntypes) throw wrongShape(`${where}.${key}`, `${ntypes} values, one a type`, String(values.length));
  return requireFinite(values, `${where}.${key}`);
}

function numbers(value: unknown, path: string): Float64Array | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'number'))
    throw wrongShape(path, 'a list of numbers', JSON.stringify(value)?.slice(0, 80) ?? 'nothing');
  return requireFinite(Float64Array.from(value as number[]), path);
}

function caseEmbedding(tree: Json, variables: Json, path: string, reader: NetworkReader): Float64Array | null {
  const count = tree.dim_case_embd === undefined ? 0 : integer(tree, 'dim_case_embd', path, 0, 65536);
  if (count === 0) return null;
  const values = reader.optional(variables, 'case_embd', `${path}.@variables`);
  // The branch of a multi-task model that was frozen chooses it.
  if (!values)
    throw unsupported('case_embd', `${count} inputs tell the cases of a multi-task model apart, and the file chooses none`);
  if (values.length !== count) throw wrongShape(`${path}.@variables.case_embd`, `${count} values`, String(values.length));
  return requireFinite(values, `${path}.@variables.case_embd`);
}

/** Types beyond the list count as assigned, null entries do not; a list of nulls alone means none (1.8). A shared net makes no difference of types. */
function vacuumTypes(list: unknown, ntypes: number, mixed: boolean): Uint8Array {
  const out = new Uint8Array(ntypes);
  const assigned = (value: unknown) => value !== null && value !== undefined;
  if (!Array.isArray(list) || !list.some(assigned)) return out;
  for (let t = 0; t < ntypes; t++) out[t] = mixed || t >= list.length || assigned(list[t]) ? 1 : 0;
  return out;
}
