/** How models are evaluated: which precisions and compressions the kernels have, and what is taken where nobody says. */
import { StudyError } from '../errors.js';
import type { Compression, Precision } from './potential.js';

/** `mixed`: nets and tables in float32, all sums in double. */
export const PRECISIONS: readonly Precision[] = ['double', 'mixed'];
/** `auto`: embedding nets become tables with a measured error. */
export const COMPRESSIONS: readonly Compression[] = ['none', 'auto'];
/** What dynamics takes (interface.md 2); single evaluations take `none`. */
export const DYNAMICS_COMPRESSION: Compression = 'auto';

/** Of the layout and the making of tables: stored ones of another version are made anew. */
export const TABLE_VERSION = 1;

/** Refuses what no kernel of this version does. */
export function requireKernel(precision: Precision, compression: Compression): void {
  const refuse = (key: string, value: unknown, known: readonly string[]) =>
    new StudyError('BAD_VALUE', `${key}: ${JSON.stringify(value)} will not do, expected one of ${known.join(', ')}`, { key });
  if (!PRECISIONS.includes(precision)) throw refuse('precision', precision, PRECISIONS);
  if (!COMPRESSIONS.includes(compression)) throw refuse('compression', compression, COMPRESSIONS);
}
