/** Models that come with the package, and how a name or path becomes a file. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nearest, PotentialError } from '../errors.js';

export interface BundledModel {
  readonly name: string;
  /** Relative to the models folder. */
  readonly file: string;
  readonly sha256: string;
  readonly species: readonly string[];
  /** One line. */
  readonly purpose: string;
  /** What it must not be used for, one line. */
  readonly not_for: string;
  /** Root mean square errors on frames never trained on, against the teacher. */
  readonly errors: Readonly<Record<string, unknown>>;
  /** Absolute path of the file. */
  readonly path: string;
}

let known: { folder: string; models: readonly BundledModel[] } | null = null;

/** The models folder stands beside package.json, whether this file runs from lib/ or from dist/. */
function load(): { folder: string; models: readonly BundledModel[] } {
  if (known) return known;
  let at = __dirname;
  while (!existsSync(join(at, 'models', 'index.json'))) {
    const parent = dirname(at);
    if (parent === at) {
      throw new PotentialError('MODEL_NOT_FOUND', 'the folder of the bundled models is missing from the installation', {
        hint: 'install ionclay again',
      });
    }
    at = parent;
  }
  const folder = join(at, 'models');
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { models: Omit<BundledModel, 'path'>[] };
  known = { folder, models: index.models.map((model) => ({ ...model, path: join(folder, model.file) })) };
  return known;
}

export function bundledModels(): readonly BundledModel[] {
  return load().models;
}

/** Path of a model given by bundled name or path; a bundled name wins. Error MODEL_NOT_FOUND with the nearest bundled name as hint. */
export function resolveModel(nameOrPath: string): string {
  const models = bundledModels();
  const bundled = models.find((model) => model.name === nameOrPath);
  if (bundled) return bundled.path;
  if (nameOrPath !== '' && existsSync(nameOrPath)) {
    const path = resolve(nameOrPath);
    // The folder of a bundled model, or any folder that holds a model.pb, is not a file: say which one is meant.
    if (statSync(path).isDirectory() && existsSync(join(path, 'model.pb'))) {
      throw new PotentialError('MODEL_NOT_FOUND', `${nameOrPath} is a folder`, {
        file: nameOrPath,
        hint: `did you mean ${join(nameOrPath, 'model.pb')}?`,
      });
    }
    return path;
  }
  const names = models.map((model) => model.name);
  const guess =
    nearest(nameOrPath, names) ?? names.find((name) => nameOrPath.length >= 3 && name.startsWith(nameOrPath.toLowerCase()));
  throw new PotentialError('MODEL_NOT_FOUND', `model "${nameOrPath}" is neither a bundled model nor an existing file`, {
    file: nameOrPath,
    hint: guess ? `did you mean "${guess}"?` : `bundled models: ${names.join(', ')}`,
  });
}
