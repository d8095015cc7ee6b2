/** Pair table of a frozen graph and its switch (deep-potential.md 1.15, 2.2). */
import { PotentialError } from '../../errors.js';
import type { PairTable } from '../deep-potential-parameters.js';
import { requireCapacity } from './assemble.js';
import { floatAttribute } from './graph.js';
import type { GraphModel } from './graph-networks.js';
import { requireFinite, wrongShape } from './refusal.js';
import { isSet, section } from './training-script.js';

/** null where the graph has none. `cutoff` is that of the descriptor, whose neighbours the table sees. */
export function readPairTable({ graph, script, ntypes }: GraphModel, cutoff: number): PairTable | null {
  const tensor = (name: string) => graph.tensor(`model_attr/${name}`) ?? graph.tensor(`model_attr/model_attr/${name}`);
  const info = tensor('t_tab_info');
  const data = tensor('t_tab_data');
  const [node, second] = graph.operations('SoftMinSwitch');
  if (!info && !data && !node && !isSet(section(script, 'model').use_srtab)) return null;
  if (!info || !data || !node) {
    const name = !info ? 'model_attr/t_tab_info' : !data ? 'model_attr/t_tab_data' : 'SoftMinSwitch';
    throw new PotentialError(
      'MODEL_MISSING_TENSOR',
      `the model has no ${info && data ? 'operation' : 'tensor'} "${name}" (pair table)`,
      {
        hint: 'the file is damaged or was edited; freeze the model again',
        tensor: name,
      },
    );
  }
  if (second) throw wrongShape('operations SoftMinSwitch', 'one', `"${node.name}" and "${second.name}"`);
  const [smallest = Number.NaN, step = Number.NaN, cells = Number.NaN, types = Number.NaN] = info.values;
  if (info.values.length !== 4 || !(smallest >= 0) || !(step > 0) || !Number.isInteger(cells) || cells < 1 || types !== ntypes)
    throw wrongShape(
      'tensor "model_attr/t_tab_info"',
      `r_min >= 0, step > 0, cells >= 1, ${ntypes} types`,
      [...info.values].slice(0, 8).join(' '),
    );
  requireFinite(info.values, 'tensor "model_attr/t_tab_info"');
  requireCapacity(ntypes * ntypes * cells * 4, 'tensor "model_attr/t_tab_info"');
  if (data.values.length !== ntypes * ntypes * cells * 4)
    throw wrongShape(
      'tensor "model_attr/t_tab_data"',
      `${ntypes} x ${ntypes} x ${cells} x 4 values`,
      `shape [${data.shape.join(', ')}]`,
    );
  requireFinite(data.values, 'tensor "model_attr/t_tab_data"');
  const [alpha, from, to] = ['alpha', 'rmin', 'rmax'].map((key) => floatAttribute(node, key) ?? Number.NaN) as [
    number,
    number,
    number,
  ];
  if (!(alpha > 0 && from >= 0 && to > from && Number.isFinite(alpha) && Number.isFinite(to)))
    throw wrongShape(
      `attributes of operation "${node.name}"`,
      'alpha > 0 and 0 <= rmin < rmax',
      `alpha ${alpha}, rmin ${from}, rmax ${to}`,
    );
  return {
    smallest,
    step,
    cells,
    coefficients: data.values,
    cutoff,
    alpha,
    from,
    to,
    addBias: section(script, 'model').srtab_add_bias !== false,
  };
}
