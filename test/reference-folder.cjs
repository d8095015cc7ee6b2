/**
 * Where the reference data (golden numbers) lie that are not part of the package: `IONCLAY_REFERENCE`, else a folder `shared/golden` beside the
 * checkout; null where there is neither. Tests ask test/reference.ts, scripts and benchmarks ask here.
 */
const { existsSync } = require('node:fs');
const { join, resolve } = require('node:path');

function referenceFolder() {
  const named = process.env.IONCLAY_REFERENCE;
  if (named && !existsSync(named)) throw new Error(`IONCLAY_REFERENCE is set to ${named}, which does not exist`);
  const folder = named || join(resolve(__dirname, '..'), '..', 'shared', 'golden');
  return existsSync(folder) ? folder : null;
}

module.exports = { referenceFolder };
