/** The clay assembly (structures.md 18): its name is kept, this version does not build it. */
import { notAvailable } from '../errors.js';

/** Refused by name with `NOT_AVAILABLE`. */
export function clay(_options: object = {}): never {
  throw notAvailable('clay', 'the builder clay', 'crystal is; read an assembly made elsewhere with readStructure');
}
