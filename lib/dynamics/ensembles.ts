/**
 * Ensembles as plain data, made by small functions that check every argument (interface.md 3.1). They can be stored, hashed and sent
 * elsewhere; `integratorFor` turns one into the integrator that samples it.
 */
import { type ErrorDetails, notAvailable, StudyError, unknownKey } from '../errors.js';
import { type QuantityKind, quantity } from '../units.js';
import type { Integrator } from './integrator.js';
import { LangevinBaoab, type LangevinSettings } from './langevin.js';
import { NoseHooverChain, type NoseHooverSettings } from './nose-hoover.js';
import { VelocityVerlet } from './velocity-verlet.js';

export type Thermostat = { readonly noseHoover: NoseHooverSettings } | { readonly langevin: LangevinSettings };

export interface NveEnsemble {
  readonly ensemble: 'nve';
}

export interface NvtEnsemble {
  readonly ensemble: 'nvt';
  /** K: constant, or the start and the end of a ramp that is linear in the step. */
  readonly temperature: number | readonly [number, number];
  readonly thermostat: Thermostat;
}

/** A user's own integrator; `temperature` is its target, where it has one. */
export interface CustomEnsemble {
  readonly integrator: Integrator;
  readonly temperature?: number | string | readonly (number | string)[];
}

export type Ensemble = NveEnsemble | NvtEnsemble | CustomEnsemble;

export interface NvtOptions {
  readonly temperature: number | string | readonly (number | string)[];
  readonly thermostat?: {
    readonly noseHoover?: {
      readonly damping?: number | string;
      readonly chain?: number;
      readonly weights?: number;
      readonly substeps?: number;
    };
    readonly langevin?: { readonly friction: number | string; readonly removeDrift?: boolean };
    readonly csvr?: object;
  };
}

/** Damping of Nose-Hoover chains where none is given: 0.2 ps. */
export const DEFAULT_DAMPING = 200;

const join = (path: string, key: string) => (path ? `${path}.${key}` : key);

function fail(key: string, message: string, details: ErrorDetails = {}): StudyError {
  return new StudyError('BAD_VALUE', `${key}: ${message}`, { key, ...details });
}

function onlyKeys(value: unknown, known: readonly string[], key: string): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail(key, `expected a map with ${known.join(', ')}, got ${JSON.stringify(value)?.slice(0, 60)}`);
  }
  for (const name of Object.keys(value)) if (!known.includes(name)) throw unknownKey(join(key, name), name, known);
}

function positive(value: unknown, kind: QuantityKind, key: string): number {
  const number = quantity(value, kind, key);
  if (!(number > 0)) throw fail(key, `${JSON.stringify(value)} must be above zero`);
  return number;
}

function wholeNumber(value: unknown, key: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw fail(key, `${JSON.stringify(value)} is not a whole number from 1`);
  }
  return value;
}

/** Constant number, volume and energy. */
export function nve(options: Record<string, never> = {}, path = ''): NveEnsemble {
  onlyKeys(options, [], join(path, 'nve'));
  return { ensemble: 'nve' };
}

/**
 * Constant number, volume and temperature. Default thermostat: a Nose-Hoover chain of 3 with damping 0.2 ps. `path` stands before
 * the keys in messages.
 */
export function nvt(options: NvtOptions, path = ''): NvtEnsemble {
  onlyKeys(options, ['temperature', 'thermostat'], path || 'nvt');
  const temperature = temperatureTarget(options.temperature, join(path, 'temperature'));
  return { ensemble: 'nvt', temperature, thermostat: thermostat(options.thermostat, join(path, 'thermostat')) };
}

/** Not built yet: refused by name. */
export function npt(_options: object = {}, path = ''): never {
  throw notAvailable(join(path, 'ensemble'), 'the ensemble npt', 'nve and nvt at fixed cell are');
}

/** Not built yet: refused by name. */
export function nph(_options: object = {}, path = ''): never {
  throw notAvailable(join(path, 'ensemble'), 'the ensemble nph', 'nve and nvt at fixed cell are');
}

/** A temperature above zero or the two of a ramp, K. */
export function temperatureTarget(value: unknown, key: string): number | [number, number] {
  if (!Array.isArray(value)) return positive(value, 'temperature', key);
  if (value.length !== 2) throw fail(key, `a ramp has two temperatures [from, to], got ${value.length}`);
  return [positive(value[0], 'temperature', `${key}[0]`), positive(value[1], 'temperature', `${key}[1]`)];
}

function thermostat(value: NvtOptions['thermostat'], key: string): Thermostat {
  const given = value ?? { noseHoover: {} };
  onlyKeys(given, ['noseHoover', 'langevin', 'csvr'], key);
  const names = Object.keys(given);
  if (names.length !== 1) throw fail(key, `expected one of noseHoover, langevin, got ${names.join(' and ') || 'none'}`);
  if (given.csvr !== undefined) throw notAvailable(join(key, 'csvr'), 'the thermostat csvr', 'noseHoover and langevin are');
  return given.langevin !== undefined
    ? { langevin: langevinSettings(given.langevin, join(key, 'langevin')) }
    : { noseHoover: noseHooverSettings(given.noseHoover, join(key, 'noseHoover')) };
}

function noseHooverSettings(value: unknown, key: string): NoseHooverSettings {
  onlyKeys(value, ['damping', 'chain', 'weights', 'substeps'], key);
  const { damping = DEFAULT_DAMPING, chain = 3, weights = 1, substeps = 1 } = value;
  if (weights !== 1 && weights !== 3 && weights !== 5 && weights !== 7) {
    throw fail(join(key, 'weights'), `${JSON.stringify(weights)} is not one of 1, 3, 5, 7`);
  }
  return {
    damping: positive(damping, 'time', join(key, 'damping')),
    chain: wholeNumber(chain, join(key, 'chain')),
    weights,
    substeps: wholeNumber(substeps, join(key, 'substeps')),
  };
}

function langevinSettings(value: unknown, key: string): LangevinSettings {
  onlyKeys(value, ['friction', 'removeDrift'], key);
  const { friction, removeDrift = false } = value;
  if (friction === undefined) {
    throw fail(join(key, 'friction'), 'missing, expected a rate such as 1 /ps', {
      hint: '1 /ps stays near the natural dynamics, 10 /ps equilibrates quickly',
    });
  }
  if (typeof removeDrift !== 'boolean') throw fail(join(key, 'removeDrift'), 'expected true or false');
  return { friction: positive(friction, 'rate', join(key, 'friction')), removeDrift };
}

/** Target temperatures at the start and end of a stage, K; undefined without a target. */
export function temperatureRange(ensemble: Ensemble): readonly [number, number] | undefined {
  if ('integrator' in ensemble) {
    if (ensemble.temperature === undefined) return undefined;
    const target = temperatureTarget(ensemble.temperature, 'ensemble.temperature');
    return typeof target === 'number' ? [target, target] : target;
  }
  if (ensemble.ensemble === 'nve') return undefined;
  return typeof ensemble.temperature === 'number' ? [ensemble.temperature, ensemble.temperature] : ensemble.temperature;
}

/** The integrator of an ensemble; a user's own is taken as it is. */
export function integratorFor(ensemble: Ensemble): Integrator {
  if ('integrator' in ensemble) return checkedIntegrator(ensemble.integrator);
  if (ensemble.ensemble === 'nve') return new VelocityVerlet();
  if (ensemble.ensemble === 'nvt') {
    const { thermostat: bath } = ensemble;
    return 'langevin' in bath ? new LangevinBaoab(bath.langevin) : new NoseHooverChain(bath.noseHoover);
  }
  const name = (ensemble as { ensemble?: unknown }).ensemble;
  if (name === 'npt' || name === 'nph') throw notAvailable('ensemble', `the ensemble ${name}`, 'nve and nvt at fixed cell are');
  throw fail('ensemble', `${JSON.stringify(name)} is not an ensemble`, {
    hint: 'make one with nve(), nvt({...}) or { integrator }',
  });
}

/** Whether a run in this ensemble draws random numbers (a user's integrator says so by asking for the seed). */
export function isStochastic(ensemble: Ensemble): boolean {
  return 'ensemble' in ensemble && ensemble.ensemble === 'nvt' && 'langevin' in ensemble.thermostat;
}

function checkedIntegrator(integrator: Integrator): Integrator {
  for (const method of ['begin', 'step', 'conserved', 'save', 'load'] as const) {
    if (typeof integrator?.[method] !== 'function') {
      throw fail('ensemble.integrator', `it has no method ${method}`, {
        hint: 'see the interface Integrator: begin, step, conserved, save, load',
      });
    }
  }
  if (typeof integrator.name !== 'string' || typeof integrator.conservesMomentum !== 'boolean') {
    throw fail('ensemble.integrator', 'name (text) and conservesMomentum (true or false) are required');
  }
  return integrator;
}
