/** The `model:` or `potential:` of a study, resolved to a potential. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { StudyError } from '../errors.js';
import { bundledModels } from '../potential/bundled.js';
import { loadPotential } from '../potential/load.js';
import { pairPotential } from '../potential/pair-potential.js';
import type { Potential } from '../potential/potential.js';
import type { PotentialRequest } from './plan.js';
import type { Study } from './schema.js';

/** Opens what a request asks for; studies are run by others where tests give their own. */
export type OpenPotential = (request: PotentialRequest, options: { threads?: number }) => Promise<Potential>;

/** What a study asks for, as plain data that holds wherever it is replayed: paths are absolute. */
export function potentialRequest(study: Study, directory: string): PotentialRequest {
  const { model, potential, types = null } = study;
  if ((model === undefined) === (potential === undefined)) {
    const both = model !== undefined;
    throw new StudyError(
      both ? 'BAD_VALUE' : 'MISSING_KEY',
      both
        ? 'potential: model and potential are both given, expected one'
        : 'model: missing, expected a bundled name or the path of a model (or potential:)',
      { key: both ? 'potential' : 'model' },
    );
  }
  if (potential !== undefined) {
    if (types) throw new StudyError('BAD_VALUE', 'types: pair potentials know species by their symbols', { key: 'types' });
    return { pair: potential };
  }
  const name = Array.isArray(model) ? model[0]! : model!;
  if (bundledModels().some((bundled) => bundled.name === name)) return { model: name, types };
  const beside = isAbsolute(name) ? name : join(directory, name);
  return { model: existsSync(beside) ? beside : name, types };
}

export const openPotential: OpenPotential = async (request, { threads }) => {
  if ('pair' in request) return pairPotential(request.pair, { key: 'potential' });
  return loadPotential(request.model, { threads, ...(request.types ? { types: request.types } : {}) });
};
