/** What the report knows about a run: read from the files of its directory (interface.md 3.3), whatever state the run is in. */
import type { Table } from './table.js';
import type { StageThermo } from './thermo-summary.js';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export type RunState = 'running' | 'done' | 'failed' | 'interrupted' | 'unknown';

export interface RunStatus {
  state: RunState;
  stage: string | null;
  step: number | null;
  steps: number | null;
  percent: number | null;
  secondsLeft: number | null;
  /** Message of the error that ended the run. */
  error: string | null;
  /** Stages that the deviation of the models ended, as sentences by name; and those that were not run because of that. */
  stopped: Readonly<Record<string, string>>;
  skipped: readonly string[];
}

export interface StageReport {
  name: string;
  /** Folder under stages/, null where the stage has not begun. */
  directory: string | null;
  /** The stage as the study gives it, with the defaults of the study under it. */
  plan: JsonObject;
  state: 'done' | 'running' | 'stopped' | 'to come' | 'unknown' | 'stopped by deviation' | 'not run';
  thermo: StageThermo | null;
}

export interface CurveFile {
  /** Name of the file in data/. */
  file: string;
  stage: string;
  kind: 'msd' | 'rdf' | 'conductivity' | 'coordination';
  /** Species or pair; empty where the file holds all. */
  subject: string;
  /** Centre of the time window, fs, for distributions at given times. */
  at: number | null;
  table: Table;
}

export interface AnalysisDocument {
  observable: string;
  stage: string;
  options: JsonObject;
  result: JsonObject;
  warnings: string[];
}

export interface ReportData {
  /** Name of the study. */
  name: string;
  study: JsonObject;
  studyText: string | null;
  status: RunStatus;
  provenance: JsonObject;
  /** structure.json. */
  structure: JsonObject;
  /** Atoms by element in the order of the file, from structure.extxyz; null where it cannot be read. */
  composition: Record<string, number> | null;
  natoms: number | null;
  stages: StageReport[];
  analyses: AnalysisDocument[];
  curves: CurveFile[];
  /** Every table under data/ and stages/, relative, for the list of files. */
  files: string[];
  /** Files that are missing or cannot be read, in words. */
  problems: string[];
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function objectAt(value: Json | undefined, ...path: string[]): JsonObject {
  let here: Json | undefined = value;
  for (const key of path) here = isObject(here) ? here[key] : undefined;
  return isObject(here) ? here : {};
}

/** First of the keys that holds text or a number, as text. */
export function textAt(object: JsonObject, ...keys: string[]): string | null {
  for (const key of keys) {
    const value = object[key];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  }
  return null;
}

export function numberAt(object: JsonObject, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = object[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return null;
}

/** The numbers of a list; empty where there is none. */
export function numbersAt(object: JsonObject, key: string): number[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((x): x is number => typeof x === 'number' && Number.isFinite(x)) : [];
}
