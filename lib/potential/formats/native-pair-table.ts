/** Native models of type zbl: a dpa1 model and a pair table, switched by the softmin distance (deep-potential.md 1.15, 2.4). */
import type { PairTable } from '../deep-potential-parameters.js';
import { requireCapacity } from './assemble.js';
import type { NetworkReader } from './native-networks.js';
import { checkVersion } from './native-refusals.js';
import { counts, names, number, object } from './native-tree.js';
import { requireFinite, unsupported, wrongShape } from './refusal.js';
import { isSet, type Json } from './training-script.js';

/** The two parts of a zbl model. */
export function zblParts(model: Json): { standard: Json; table: Json } {
  const { models } = model;
  if (!Array.isArray(models) || models.length !== 2)
    throw wrongShape('model.models', 'a standard model and a pairtab model', Array.isArray(models) ? `${models.length}` : 'none');
  const [standard, table] = models.map((part, k) => object(part, `model.models[${k}]`)) as [Json, Json];
  if ((standard.type ?? 'standard') !== 'standard')
    throw unsupported(
      String(standard.type),
      `the first part of the zbl model is "${String(standard.type)}", "standard" is needed`,
    );
  if (table.type !== 'pairtab')
    throw unsupported(String(table.type), `the second part of the zbl model is "${String(table.type)}", "pairtab" is needed`);
  for (const [k, part] of [standard, table].entries()) {
    checkVersion(part, 'Model', `model.models[${k}]`);
    for (const key of ['pair_exclude_types', 'atom_exclude_types'])
      if (isSet(part[key])) throw unsupported(key, `it belongs to a part of a zbl model (model.models[${k}]), not to the whole`);
  }
  return { standard, table };
}

export function nativePairTable(
  model: Json,
  part: Json,
  reader: NetworkReader,
  typeNames: readonly string[],
  ntypes: number,
  net: { readonly cutoff: number; readonly slots: number },
): PairTable {
  const path = 'model.models[1]';
  for (const k of [0, 1]) {
    const own = names(((model.models as Json[])[k] as Json).type_map, ntypes, `model.models[${k}].type_map`);
    if (own.length > 0 && typeNames.length > 0 && own.join(' ') !== typeNames.join(' '))
      throw unsupported(
        'type_map',
        `model.models[${k}] orders its types (${own.join(' ')}) unlike the model (${typeNames.join(' ')})`,
      );
  }
  const tab = object(part.tab, `${path}.tab`);
  checkVersion(tab, 'PairTab', `${path}.tab`);
  const where = `${path}.tab.@variables`;
  const variables = object(tab['@variables'], where);
  const info = reader.variable(variables, 'tab_info', where, 'header of the pair table').values;
  const coefficients = reader.variable(variables, 'tab_data', where, 'pair table').values;
  const [smallest = Number.NaN, step = Number.NaN, cells = Number.NaN, types = Number.NaN] = info;
  if (info.length !== 4 || !(smallest >= 0) || !(step > 0) || !Number.isInteger(cells) || cells < 1 || types !== ntypes)
    throw wrongShape(`${where}.tab_info`, `r_min >= 0, step > 0, cells >= 1, ${ntypes} types`, [...info].slice(0, 8).join(' '));
  requireCapacity(ntypes * ntypes * cells * 4, `${where}.tab_info`);
  if (coefficients.length !== ntypes * ntypes * cells * 4)
    throw wrongShape(`${where}.tab_data`, `${ntypes} x ${ntypes} x ${cells} x 4 values`, `${coefficients.length}`);
  requireFinite(coefficients, `${where}.tab_data`);
  requireFinite(info, `${where}.tab_info`);
  const cutoff = number(part, 'rcut', path);
  if (!(cutoff > 0)) throw wrongShape(`${path}.rcut`, 'a positive number', String(cutoff));
  const slots = counts(Array.isArray(part.sel) ? part.sel : [part.sel], `${path}.sel`).reduce((sum, n) => sum + n, 0);
  const alpha = number(model, 'smin_alpha', 'model');
  const from = number(model, 'sw_rmin', 'model');
  const to = number(model, 'sw_rmax', 'model');
  if (!(alpha > 0 && from >= 0 && to > from))
    throw wrongShape('model', 'smin_alpha > 0 and 0 <= sw_rmin < sw_rmax', `smin_alpha ${alpha}, sw_rmin ${from}, sw_rmax ${to}`);
  // The softmin distance runs over the list with more slots, that of the table where both have as many.
  const reach = slots >= net.slots ? cutoff : net.cutoff;
  const softmin = reach < Math.max(cutoff, net.cutoff) ? { softminCutoff: reach } : {};
  return { smallest, step, cells, coefficients, cutoff, alpha, from, to, ...softmin, addBias: false };
}
