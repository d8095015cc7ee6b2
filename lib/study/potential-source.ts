/** The `model:` or `potential:` of a study, resolved to a potential. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { PotentialError, StudyError } from '../errors.js';
import { bundledModels } from '../potential/bundled.js';
import { DYNAMICS_COMPRESSION } from '../potential/kernel-options.js';
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
    refuseForPairs(study);
    return { pair: potential };
  }
  const [first, ...others] = (Array.isArray(model) ? model : [model!]).map((name) => modelPath(name, directory));
  const { fparam, aparam, precision = 'double', compression = DYNAMICS_COMPRESSION } = study;
  return {
    model: first!,
    ...(others.length > 0 ? { members: others } : {}),
    types,
    precision,
    compression,
    ...(fparam ? { fparam } : {}),
    ...(aparam ? { aparam: isAbsolute(aparam) ? aparam : join(directory, aparam) } : {}),
  };
}

/** A bundled name stays one; a path is taken from the folder of the study. */
function modelPath(name: string, directory: string): string {
  if (bundledModels().some((bundled) => bundled.name === name)) return name;
  const beside = isAbsolute(name) ? name : join(directory, name);
  return existsSync(beside) ? beside : name;
}

/** What belongs to models means nothing for pair terms. */
function refuseForPairs(study: Study): void {
  const refuse = (key: string, why: string) => new StudyError('BAD_VALUE', `${key}: ${why}`, { key, hint: 'leave it out' });
  if (study.types) throw refuse('types', 'pair potentials know species by their symbols');
  if (study.fparam) throw refuse('fparam', 'pair potentials have no frame parameters');
  if (study.aparam) throw refuse('aparam', 'pair potentials have no atom parameters');
  if (study.precision === 'mixed') throw refuse('precision', 'pair potentials are evaluated in double precision');
  if (study.compression === 'auto') throw refuse('compression', 'pair potentials have no embedding nets');
}

export const openPotential: OpenPotential = async (request, { threads }) => {
  if ('pair' in request) return pairPotential(request.pair, { key: 'potential' });
  const { model, members = [], types, precision, compression, fparam, aparam } = request;
  const options = { threads, types: types ?? undefined, precision, compression, fparam, aparam };
  return loadPotential([model, ...members], options).catch((error: unknown) => {
    throw underKey(error);
  });
};

/** A model that is not there is a fault of the study, not of a file: said with the key, for which the study knows the line. */
function underKey(error: unknown): unknown {
  if (!(error instanceof PotentialError) || error.code !== 'MODEL_NOT_FOUND') return error;
  const hint = `${error.hint}; a path is taken from the folder of the study`;
  return new PotentialError(error.code, error.message, { ...error.details, key: 'model', hint, cause: error });
}
