/** What all random models have in common: cutoffs by the rule of their family, and everything that a model may leave out. */
import type { DeepPotentialParameters, Descriptor, Network } from '../../lib/potential/deep-potential-parameters';
import { countParameters } from '../../lib/potential/formats/assemble';

type Family = DeepPotentialParameters['family'];

/** Graphs hold float32 attributes (1.3). */
export function cutoffs(family: Family, rc: number, rs: number): Pick<Descriptor, 'cutoff' | 'cutoffSmooth' | 'switchWidth'> {
  const round = family === 'graph' ? Math.fround : (x: number) => x;
  return { cutoff: round(rc), cutoffSmooth: round(rs), switchWidth: round(round(rc) - round(rs)) };
}

export function modelOf(
  family: Family,
  typeNames: readonly string[],
  descriptors: readonly Descriptor[],
  fitting: readonly Network[],
): DeepPotentialParameters {
  const T = typeNames.length;
  const graph = family === 'graph';
  return {
    format: graph ? 'pb' : 'yaml',
    version: graph ? 'graph 1.1 (2.1 to 3.x)' : 'native',
    family,
    typeNames,
    ntypes: T,
    cutoff: Math.max(...descriptors.map((d) => d.cutoff)),
    descriptors,
    pairExcluded: new Uint8Array(T * T),
    atomExcluded: new Uint8Array(T),
    fittingExcluded: new Uint8Array(T),
    fitting,
    typeConstants: null,
    frameParameters: null,
    atomParameters: null,
    caseConstants: null,
    subtractVacuum: new Uint8Array(T),
    atomBias: new Float64Array(T),
    outStd: new Float64Array(T).fill(1),
    outBias: new Float64Array(T),
    pairTable: null,
    precision: 'float64',
    parameterCount: countParameters(
      descriptors.flatMap((d) => d.nets),
      fitting,
    ),
    trainingScript: null,
    minNeighbourDistance: 0.9,
    storedTables: null,
  };
}
