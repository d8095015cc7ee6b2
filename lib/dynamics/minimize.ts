/** Relaxation (dynamics.md 11): its name is kept, this version does not have it. */
import { notAvailable } from '../errors.js';

/** Refused by name with `NOT_AVAILABLE`. */
export function minimize(_structure: unknown, _options: object = {}): never {
  throw notAvailable(
    'minimize',
    'relaxation',
    'nve and nvt at fixed cell are; a strongly damped Langevin run at a low temperature relaxes atoms',
  );
}
