/** Gathers {@link ReportData} from a run directory. A file that is missing or broken is named in the report, never fatal. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { IonclayError } from '../errors.js';
import { look, openRunDirectory } from '../study/run-directory.js';
import { stoppedSentence } from '../study/stopped-stages.js';
import {
  type AnalysisDocument,
  type CurveFile,
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  type ReportData,
  type RunState,
  type RunStatus,
  type StageReport,
  textAt,
} from './run-data.js';
import { readTable } from './table.js';
import { readThermo, type StageThermo } from './thermo-summary.js';

const STATES: readonly RunState[] = ['running', 'done', 'failed', 'interrupted'];

export async function readRun(runDirectory: string): Promise<ReportData> {
  const directory = resolve(runDirectory);
  if (!existsSync(join(directory, 'study.yaml')) && !existsSync(join(directory, 'status.json'))) {
    throw new IonclayError('NOT_A_RUN', `${runDirectory}: not a run directory (no study.yaml and no status.json in it)`, {
      file: runDirectory,
      hint: 'give the directory that `ionclay run` wrote, such as runs/<study name>',
    });
  }
  const problems: string[] = [];
  const text = async (name: string): Promise<string | null> => {
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch {
      return null;
    }
  };
  const parsed = async (name: string, parse: (text: string) => unknown, needed: boolean): Promise<JsonObject> => {
    const content = await text(name);
    if (content === null) {
      if (needed) problems.push(`${name} is missing.`);
      return {};
    }
    try {
      const value = parse(content) as Json;
      if (isObject(value)) return value;
      problems.push(`${name} does not hold an object.`);
    } catch (error) {
      problems.push(`${name} cannot be read: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
    return {};
  };
  const studyText = await text('study.yaml');
  const study = await parsed('study.yaml', parseYaml, true);
  const status = statusOf(await parsed('status.json', JSON.parse, true));
  // A process that was killed could not write that it does not run any more.
  if (status.state === 'running' && look(directory) === 'run' && !openRunDirectory(directory).isHeld()) {
    status.state = 'interrupted';
    status.secondsLeft = null;
  }
  const provenance = await parsed('provenance.json', JSON.parse, true);
  const structure = await parsed('structure.json', JSON.parse, false);
  const results = await parsed('results.json', JSON.parse, status.state === 'done');
  const composition = compositionOf(await text('structure.extxyz')) ?? countsOf(objectAt(structure, 'composition'));
  const stages = await readStages(directory, study, status, problems);
  const analyses = documentsOf(results);
  const { curves, files } = await readCurves(directory, stages, problems);
  return {
    name: textAt(study, 'study') ?? basename(directory),
    study,
    studyText,
    status,
    provenance,
    structure,
    composition,
    natoms: composition ? Object.values(composition).reduce((sum, n) => sum + n, 0) : numberAt(structure, 'natoms', 'atoms'),
    stages,
    analyses,
    curves,
    files,
    problems,
  };
}

function statusOf(object: JsonObject): RunStatus {
  const state = STATES.find((known) => known === object['state']) ?? 'unknown';
  const error = object['error'];
  return {
    state,
    stage: textAt(object, 'stage'),
    step: numberAt(object, 'step'),
    steps: numberAt(object, 'steps'),
    percent: numberAt(object, 'percent'),
    secondsLeft: numberAt(object, 'seconds_left'),
    error: isObject(error)
      ? [textAt(error, 'code'), textAt(error, 'message')].filter(Boolean).join(': ') || null
      : typeof error === 'string'
        ? error
        : null,
    stopped: stoppedOf(object['stopped']),
    skipped: Array.isArray(object['skipped']) ? object['skipped'].map(String) : [],
  };
}

function stoppedOf(list: Json | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const one of Array.isArray(list) ? list : []) {
    if (!isObject(one)) continue;
    const [stage, step] = [textAt(one, 'stage'), numberAt(one, 'step')];
    const [found, limit] = [numberAt(one, 'deviation_force_max_eV_per_A'), numberAt(one, 'stop_above_eV_per_A')];
    if (stage === null || step === null || found === null || limit === null) continue;
    out[stage] = stoppedSentence({
      stage,
      step,
      time_fs: numberAt(one, 'time_fs') ?? 0,
      deviation_force_max_eV_per_A: found,
      stop_above_eV_per_A: limit,
    });
  }
  return out;
}

function countsOf(object: JsonObject): Record<string, number> | null {
  const counts = Object.entries(object).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return counts.length > 0 ? Object.fromEntries(counts) : null;
}

/** Atoms by element from an extended XYZ file that this package wrote: the species column is the first one. */
function compositionOf(text: string | null): Record<string, number> | null {
  const lines = text?.split('\n') ?? [];
  const natoms = Number(lines[0]);
  if (!Number.isInteger(natoms) || natoms < 1 || lines.length < natoms + 2 || !/Properties=species:S:1/.test(lines[1]!))
    return null;
  const counts = new Map<string, number>();
  for (let i = 0; i < natoms; i++) {
    const symbol = lines[i + 2]!.trim().split(/\s+/, 1)[0]!;
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

async function readStages(directory: string, study: JsonObject, status: RunStatus, problems: string[]): Promise<StageReport[]> {
  const { stages: planned, analyses: _, ...defaults } = study;
  const folders = await names(join(directory, 'stages'));
  const plans = (Array.isArray(planned) ? planned : [])
    .filter(isObject)
    .map((plan, i) => ({ name: textAt(plan, 'name') ?? `stage ${i + 1}`, plan }));
  const known = new Set(plans.map(({ name }) => name));
  // Stages that the study expands from a protocol, or does not name, are known by their folder alone.
  for (const folder of folders) {
    const name = stageOfFolder(folder);
    if (!known.has(name)) plans.push({ name, plan: {} });
  }
  const stages: StageReport[] = [];
  const current = plans.findIndex(({ name }) => name === status.stage || name === stageOfFolder(status.stage ?? ''));
  for (const [index, { name, plan }] of plans.entries()) {
    const folder = folders.find((f) => stageOfFolder(f) === name) ?? null;
    let thermo: StageThermo | null = null;
    const path = folder && join(directory, 'stages', folder, 'thermo.csv');
    if (path && existsSync(path)) {
      try {
        thermo = await readThermo(path);
      } catch (error) {
        problems.push(`stages/${folder}/thermo.csv cannot be read: ${error instanceof Error ? error.message : error}`);
      }
    }
    stages.push({
      name,
      directory: folder,
      plan: { ...pick(defaults, 'timestep', 'thermostat', 'barostat'), ...plan },
      state: status.skipped.includes(name)
        ? 'not run'
        : Object.hasOwn(status.stopped, name)
          ? 'stopped by deviation'
          : stateOf(index, current, status, folder !== null),
      thermo,
    });
  }
  return stages;
}

function stateOf(index: number, current: number, status: RunStatus, begun: boolean): StageReport['state'] {
  if (status.state === 'done') return 'done';
  if (current < 0) return begun ? 'unknown' : 'to come';
  if (index < current) return 'done';
  if (index > current) return 'to come';
  return status.state === 'running' ? 'running' : status.state === 'unknown' ? 'unknown' : 'stopped';
}

const stageOfFolder = (folder: string): string => folder.replace(/^\d+-/, '');

function pick(object: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => object[key] !== undefined).map((key) => [key, object[key]!]));
}

function documentsOf(results: JsonObject): AnalysisDocument[] {
  const analyses = results['analyses'];
  if (!Array.isArray(analyses)) return [];
  return analyses.filter(isObject).map((document) => ({
    observable: textAt(document, 'observable') ?? 'analysis',
    stage: textAt(document, 'stage') ?? '',
    options: objectAt(document, 'options'),
    result: objectAt(document, 'result'),
    warnings: Array.isArray(document['warnings']) ? document['warnings'].map(warningText) : [],
  }));
}

const warningText = (warning: Json): string =>
  isObject(warning) ? (textAt(warning, 'message', 'code') ?? JSON.stringify(warning)) : String(warning);

async function names(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    return [];
  }
}

/** `<stage>-msd-<species>.csv`, `<stage>-rdf-<pair>[-at-<t>fs].csv`, `<stage>-conductivity.csv`, `<stage>-coordination.csv`. */
const CURVE = /^(msd|rdf|conductivity|coordination)(?:-(.+?))?(?:-at-(\d+(?:\.\d+)?)fs)?\.csv$/;

async function readCurves(
  directory: string,
  stages: readonly StageReport[],
  problems: string[],
): Promise<{ curves: CurveFile[]; files: string[] }> {
  const curves: CurveFile[] = [];
  const files: string[] = [];
  // Names of stages may contain one another (`run`, `run-2`): the longest that fits wins.
  const prefixes = stages
    .flatMap((stage) =>
      [stage.name, ...(stage.directory ? [stage.directory] : [])].map((prefix) => ({ prefix: `${prefix}-`, stage: stage.name })),
    )
    .sort((a, b) => b.prefix.length - a.prefix.length);
  for (const file of await names(join(directory, 'data'))) {
    if (!file.endsWith('.csv')) continue;
    files.push(`data/${file}`);
    for (const { prefix, stage } of prefixes) {
      const match = file.startsWith(prefix) ? CURVE.exec(file.slice(prefix.length)) : null;
      if (!match) continue;
      try {
        const table = await readTable(join(directory, 'data', file));
        curves.push({
          file,
          stage,
          kind: match[1] as CurveFile['kind'],
          subject: match[2] ?? '',
          at: match[3] === undefined ? null : Number(match[3]),
          table,
        });
      } catch (error) {
        problems.push(`data/${file} cannot be read: ${error instanceof Error ? error.message : error}`);
      }
      break;
    }
  }
  for (const stage of stages) {
    if (!stage.directory) continue;
    for (const file of await names(join(directory, 'stages', stage.directory))) {
      const path = `stages/${stage.directory}/${file}`;
      if ((await stat(join(directory, path))).isFile()) files.push(path);
    }
  }
  return { curves, files };
}
