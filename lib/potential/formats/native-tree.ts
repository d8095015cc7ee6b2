/** Access to the tree of native models: every part that is missing or of another kind is named by its path. */
import { PotentialError } from '../../errors.js';
import { wrongShape } from './refusal.js';
import { isObject, type Json } from './training-script.js';

export const exportAgain = 'the file is damaged or was edited; export the model again';

export function object(value: unknown, path: string): Json {
  if (isObject(value)) return value;
  throw new PotentialError('MODEL_CORRUPT', `the model has no mapping "${path}"`, { key: path, hint: exportAgain });
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}

export function number(holder: Json, key: string, path: string): number {
  const value = holder[key];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongShape(`${path}.${key}`, 'a number', shown(value));
  return value;
}

export function integer(holder: Json, key: string, path: string, min: number, max: number): number {
  const value = holder[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw wrongShape(`${path}.${key}`, `an integer from ${min} to ${max}`, shown(value));
  return value;
}

export function flag(holder: Json, key: string, path: string): boolean {
  const value = holder[key];
  if (typeof value !== 'boolean') throw wrongShape(`${path}.${key}`, 'true or false', shown(value));
  return value;
}

/** Slots of a descriptor. */
export function counts(value: unknown, path: string): number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 512)
    throw wrongShape(path, 'a list of 1 to 512 numbers of neighbours', shown(value));
  const sel = value.map((n, k) => {
    if (!Number.isInteger(n) || n < 0 || n > 1_000_000)
      throw wrongShape(`${path}[${k}]`, 'an integer from 0 to 1000000', shown(n));
    return n as number;
  });
  if (sel.every((n) => n === 0)) throw wrongShape(path, 'at least one slot', sel.join(' '));
  return sel;
}

export function names(value: unknown, ntypes: number, path: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string'))
    throw wrongShape(path, 'a list of names', shown(value));
  if (value.length !== 0 && value.length !== ntypes) throw wrongShape(path, `${ntypes} names`, `${value.length}`);
  return value as string[];
}
