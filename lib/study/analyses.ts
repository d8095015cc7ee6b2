/** The analyses of a study: checked before anything runs, measured when the stages are done, written to results.json and data/. */
import { checkObservableOptions, findObservable, type ObservableContext } from '../analysis/observables.js';
import { DEFAULT_AT_WINDOW } from '../analysis/rdf-at-times.js';
import { IonclayError, StudyError, unknownKey } from '../errors.js';
import { distinctSymbols, type Structure } from '../structure.js';
import type { StagePlan, StudyPlan } from './plan.js';
import type { RunDirectory } from './run-directory.js';
import { TRAJECTORY } from './stage-files.js';
import { stageContext, stageFrames, stageOf } from './stage-frames.js';
import { type StoppedStage, skippedSentence, skippedStages, stoppedKeys } from './stopped-stages.js';

/** Refuses an observable or option that does not exist, a value out of place, and species that the structure has not. */
export function checkAnalyses(plan: StudyPlan, structure: Structure): void {
  const present = distinctSymbols(structure);
  plan.analyses.forEach(({ observable, stage, options }, index) => {
    const prefix = `analyses[${index}].${observable}.`;
    const definition = findObservable(observable, `analyses[${index}].${observable}`);
    const context = stageContext(plan, stageOf(plan, stage));
    const values = checkObservableOptions(definition, options, prefix, context);
    checkTimes(values, stageOf(plan, stage), prefix);
    const cutoffs = Object.values((values.cutoffs as object | undefined) ?? {});
    const density = definition.needs.includes('periodic-cell') || cutoffs.includes('first-minimum');
    if (density && !(structure.cell && structure.pbc.every(Boolean))) {
      throw new StudyError(
        'E_CELL_MISSING',
        `${prefix.slice(0, -1)}: g(r) needs a cell that is periodic in three directions: the density is part of its definition`,
        { key: prefix.slice(0, -1), hint: 'coordination with cut-offs in A has no such need' },
      );
    }
    if (definition.needs.includes('cell') && !structure.cell) {
      throw new StudyError('E_CELL_MISSING', `${prefix.slice(0, -1)}: needs a cell, and the structure has none`, {
        key: prefix.slice(0, -1),
      });
    }
    const named: [string, string[]][] = [
      ['species', (values.species as string[] | undefined) ?? []],
      ['pairs', ((values.pairs as string[] | undefined) ?? []).flatMap((pair) => pair.split('-'))],
      ['cutoffs', Object.keys((values.cutoffs as object | undefined) ?? {}).flatMap((pair) => pair.split('-'))],
      ['charges', Object.keys((values.charges as object | undefined) ?? {})],
    ];
    for (const [key, names] of named) {
      const missing = names.find((name) => !present.includes(name));
      if (missing === undefined) continue;
      throw new StudyError('SPECIES_MISSING', `${prefix}${key}: the structure has no ${missing}`, {
        key: `${prefix}${key}`,
        hint: unknownKey(key, missing, present).hint,
      });
    }
    const uncharged = values.charges ? present.filter((name) => !Object.hasOwn(values.charges as object, name)) : [];
    if (uncharged.length > 0) {
      throw new StudyError('CHARGE_MISSING', `${prefix}charges: no charge is given for ${uncharged.join(', ')}`, {
        key: `${prefix}charges`,
        hint: 'every species needs its formal charge; 0 for a neutral one',
      });
    }
  });
}

/** Refuses times at which the stage has no frame: a run that was cut short should say so before it begins, not after. */
function checkTimes(values: Readonly<Record<string, unknown>>, stage: StagePlan, prefix: string): void {
  if (stage.sample.trajectory === null) return;
  const interval = stage.sample.trajectory * stage.timestep;
  const last = Math.floor(stage.steps / stage.sample.trajectory) * interval;
  const refuseWithout = (key: string, from: number, to: number) => {
    // Times of frames are products of rounded numbers: a millionth of an interval decides nothing.
    const next = Math.max(0, Math.ceil(from / interval - 1e-6)) * interval;
    if (next <= Math.min(to, last) + 1e-6 * interval) return;
    throw new StudyError('OPTION_VALUE', `${prefix}${key}: stage ${stage.name} has no frame then`, {
      key: `${prefix}${key}`,
      hint: `its frames run from 0 to ${last} fs, every ${interval} fs`,
    });
  };
  const { start, stop, at, window } = values as { start?: number; stop?: number; at?: number[]; window?: number };
  if (start !== undefined || stop !== undefined) {
    refuseWithout(start === undefined ? 'stop' : 'start', start ?? 0, stop ?? last);
  }
  const half = (window ?? DEFAULT_AT_WINDOW) / 2;
  at?.forEach((time, i) => {
    refuseWithout(`at[${i}]`, time - half, time + half);
  });
}

/**
 * Measures what the study asks for: results.json, and every curve as data/<stage>-<curve>.csv. Where two analyses of a stage draw
 * different curves of one name, the later ones are numbered. Tables of an earlier list of analyses go.
 */
export async function runAnalyses(
  directory: RunDirectory,
  plan: StudyPlan,
  { stopped = [], ...options }: { signal?: AbortSignal; threads?: number; stopped?: readonly StoppedStage[] },
): Promise<Record<string, unknown>> {
  const early = new Set(stopped.map(({ stage }) => stage));
  const skipped = new Set(skippedStages(plan, stopped));
  const analyses: Record<string, unknown>[] = [];
  const tables = new Map<string, string>();
  for (const analysis of plan.analyses) {
    options.signal?.throwIfAborted();
    const stage = stageOf(plan, analysis.stage);
    const context: ObservableContext = { ...stageContext(plan, stage), ...options };
    const input = ['stages', stage.folder, TRAJECTORY].join('/');
    const without = (reason: string) => {
      const { observable, options: asked } = analysis;
      analyses.push({ observable, input, stage: stage.name, options: asked, result: null, warnings: [reason] });
    };
    if (skipped.has(stage.name)) {
      without(skippedSentence(stage.name));
      continue;
    }
    let document: Awaited<ReturnType<ReturnType<typeof findObservable>['run']>>;
    try {
      document = await findObservable(analysis.observable).run(stageFrames(directory.path, stage), analysis.options, context);
    } catch (error) {
      // A stage that ended early may be too short for what was asked of the whole.
      if (!(error instanceof IonclayError) || !early.has(stage.name) || options.signal?.aborted) throw error;
      without(`stage ${stage.name} was stopped by the deviation of the models and is too short: ${error.message}`);
      continue;
    }
    const { observable, options: echoed, result, warnings, curves } = document;
    for (const { name, columns } of curves) addTable(tables, `${stage.name}-${name}`, csv(columns));
    analyses.push({ observable, input, stage: stage.name, options: echoed, result, warnings });
  }
  for (const name of directory.list('data')) if (!tables.has(name)) directory.remove(`data/${name}`);
  for (const [name, text] of tables) directory.write(`data/${name}`, text);
  const results = { study: plan.study, ...stoppedKeys(plan, stopped), analyses };
  directory.writeJson('results.json', results);
  return results;
}

function addTable(tables: Map<string, string>, name: string, text: string): void {
  for (let number = 1; ; number++) {
    const file = `${name}${number === 1 ? '' : `-${number}`}.csv`;
    const other = tables.get(file);
    if (other === text) return;
    if (other !== undefined) continue;
    tables.set(file, text);
    return;
  }
}

/** Shortest numbers that read back to the same double. */
function csv(columns: Readonly<Record<string, readonly number[]>>): string {
  const names = Object.keys(columns);
  const rows = columns[names[0]!]!.length;
  const lines = [names.join(',')];
  for (let i = 0; i < rows; i++) lines.push(names.map((name) => numberText(columns[name]![i]!)).join(','));
  return `${lines.join('\n')}\n`;
}

/** An empty field where there is no number (no error can be given). */
const numberText = (value: number) => (Number.isFinite(value) ? String(value) : '');
