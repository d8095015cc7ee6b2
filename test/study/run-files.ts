/** What of a run directory is a function of the study alone: name and SHA-256 of every file under stages/, data/, and of results.json. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function resultFiles(directory: string): Record<string, string> {
  const out: Record<string, string> = {};
  const add = (name: string) => {
    out[name] = createHash('sha256')
      .update(readFileSync(join(directory, name)))
      .digest('hex');
  };
  for (const folder of ['stages', 'data']) {
    if (!existsSync(join(directory, folder))) continue;
    for (const entry of readdirSync(join(directory, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) add(join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1));
    }
  }
  if (existsSync(join(directory, 'results.json'))) add('results.json');
  return out;
}
