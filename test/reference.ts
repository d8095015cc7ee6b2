/**
 * Finds the reference data (golden numbers) that are not part of the package: `IONCLAY_REFERENCE`, else a folder
 * `shared/golden` beside the checkout. Where they lie no test may be skipped; elsewhere those tests are skipped with a message.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const found = (require('./reference-folder.cjs') as { referenceFolder(): string | null }).referenceFolder();

/** Path of a reference file or folder. Only inside `describeReference` or `testReference`. */
export function referencePath(...parts: string[]): string {
  if (!found) throw new Error('reference data are not here: use describeReference');
  return join(found, ...parts);
}

// biome-ignore lint/suspicious/noExplicitAny: each reference file has its own shape, known to its test alone
export function referenceJson<T = any>(...parts: string[]): T {
  return JSON.parse(readFileSync(referencePath(...parts), 'utf8')) as T;
}

export const hasReference = found !== null;

const message = 'reference data not found (set IONCLAY_REFERENCE to the golden folder)';

/** `describe` where the reference data lie, else one skipped test that says so. The body is not run without the data. */
export function describeReference(name: string, body: () => void): void {
  if (found) describe(name, body);
  else describe.skip(`${name}: ${message}`, () => test('skipped', () => undefined));
}
