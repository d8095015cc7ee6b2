/** The analyses of a study: checked before anything runs, measured when the stages are done, written to results.json and data/. */
import { checkObservableOptions, findObservable, type ObservableContext } from '../analysis/observables.js';
import { StudyError, unknownKey } from '../errors.js';
import { shortest } from '../io/number-text.js';
import { distinctSymbols, type Structure } from '../structure.js';
import type { StudyPlan } from './plan.js';
import type { RunDirectory } from './run-directory.js';
import { TRAJECTORY } from './stage-files.js';
import { stageContext, stageFrames, stageOf } from './stage-frames.js';

/** Refuses an observable or option that does not exist, a value out of place, and species that the structure has not. */
export function checkAnalyses(plan: StudyPlan, structure: Structure): void {
  const present = distinctSymbols(structure);
  plan.analyses.forEach(({ observable, stage, options }, index) => {
    const prefix = `analyses[${index}].${observable}.`;
    const definition = findObservable(observable, `analyses[${index}].${observable}`);
    const context = stageContext(plan, stageOf(plan, stage));
    const values = checkObservableOptions(definition, options, prefix, context);
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

/** results.json; the curves go to data/<stage>-<curve>.csv. */
export async function runAnalyses(
  directory: RunDirectory,
  plan: StudyPlan,
  options: { signal?: AbortSignal; threads?: number },
): Promise<Record<string, unknown>> {
  const analyses: Record<string, unknown>[] = [];
  for (const analysis of plan.analyses) {
    const stage = stageOf(plan, analysis.stage);
    const context: ObservableContext = { ...stageContext(plan, stage), ...options };
    const document = await findObservable(analysis.observable).run(stageFrames(directory.path, stage), analysis.options, context);
    const { observable, options: echoed, result, warnings, curves } = document;
    for (const { name, columns } of curves) directory.write(`data/${stage.name}-${name}.csv`, csv(columns));
    const input = ['stages', stage.folder, TRAJECTORY].join('/');
    analyses.push({ observable, input, stage: stage.name, options: echoed, result, warnings });
  }
  return { study: plan.study, analyses };
}

/** Shortest numbers that read back to the same double. */
function csv(columns: Readonly<Record<string, readonly number[]>>): string {
  const names = Object.keys(columns);
  const rows = columns[names[0]!]!.length;
  const lines = [names.join(',')];
  for (let i = 0; i < rows; i++) lines.push(names.map((name) => shortest(columns[name]![i]!)).join(','));
  return `${lines.join('\n')}\n`;
}
