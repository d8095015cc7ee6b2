/** The reference models that have frames, each by the name of its case. Only inside `describeReference`. */
import { readdirSync } from 'node:fs';
import { referenceJson, referencePath } from './reference';

export function referenceModels(): string[] {
  const names = readdirSync(referencePath('deep-potential', 'cases')).map((file) => file.replace(/\.json$/, ''));
  const models = names.filter((name) => {
    const { model, frames } = referenceJson<{ model?: string; frames?: unknown[] }>('deep-potential', 'cases', `${name}.json`);
    return model !== undefined && frames !== undefined;
  });
  // Fewer would be a folder that lost some of them.
  if (models.length < 25) throw new Error(`${models.length} reference models, expected at least 25`);
  return models.sort();
}
