/** Studies and runs in words, for people at a terminal. */

import type { StageCheck, StudyCheck } from '../study/check-plan.js';
import type { RunProgress } from '../study/progress.js';
import type { RunStatus } from '../study/run-directory.js';
import { skippedSentence, stoppedSentence } from '../study/stopped-stages.js';

const short = (value: number, digits = 4) => String(Number(value.toPrecision(digits)));

/** 5400 -> `1 h 30 min`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 1) return 'less than a second';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Times of the simulated world: fs, ps or ns. */
export function simulatedText(fs: number): string {
  if (fs >= 1e6) return `${short(fs / 1e6)} ns`;
  return fs >= 1e3 ? `${short(fs / 1e3)} ps` : `${short(fs)} fs`;
}

export function progressText(progress: RunProgress): string {
  const { stage, stageNumber, stages, step, steps, stepsPerSecond, secondsLeft } = progress;
  const percent = ((100 * step) / steps).toFixed(1).padStart(5);
  const speed = stepsPerSecond === null ? '' : `  ${short(stepsPerSecond, 3)} steps/s`;
  const left = secondsLeft === null ? '' : `  ${durationText(secondsLeft)} left`;
  const number = stageNumber === undefined ? '' : `${stageNumber}/${stages} `;
  return `${percent} %  stage ${number}${stage}  step ${step}/${steps}${speed}${left}`;
}

export function statusText(directory: string, status: RunStatus): string {
  const lines = [
    `${directory}: ${status.state}`,
    `  stage            ${status.stage ?? '-'}${status.stage && status.skipped?.includes(status.stage) ? ' (not run)' : ''}`,
    `  step             ${status.step} of ${status.steps} (${status.percent} %)`,
    `  last checkpoint  step ${status.checkpoint_step}`,
  ];
  if (status.resumed_from_step > 0) lines.push(`  resumed from     step ${status.resumed_from_step}`);
  if (status.steps_per_s !== null) lines.push(`  speed            ${short(status.steps_per_s, 3)} steps/s`);
  if (status.seconds_left !== null) lines.push(`  time left        ${durationText(status.seconds_left)}`);
  const error = status.error as { code?: string; message?: string } | null;
  if (error) lines.push(`  error            ${error.code}: ${error.message}`);
  for (const one of status.stopped ?? []) lines.push(`  ${stoppedSentence(one)}`);
  for (const name of status.skipped ?? []) lines.push(`  ${skippedSentence(name)}`);
  if (status.state === 'interrupted') lines.push(`  go on with       ionclay resume ${directory}`);
  // The same bits lead to the same end: going on helps where the machine was at fault, not where the physics was.
  if (status.state === 'failed') {
    lines.push(`  after a fault of the machine (full disk ...), go on with  ionclay resume ${directory}`);
    lines.push('  after one of the study, change it and run it into another directory (--out)');
  }
  return lines.join('\n');
}

function thermostatText(thermostat: NonNullable<StageCheck['thermostat']>): string {
  if (thermostat.kind === 'langevin') return `langevin, friction ${short(1000 * thermostat.friction_per_fs)} /ps`;
  const { damping_fs: damping, chain, weights, substeps } = thermostat;
  return `nose-hoover, damping ${simulatedText(damping)}, chain ${chain}, weights ${weights}, substeps ${substeps}`;
}

function stageText(stage: StageCheck, index: number): string[] {
  const { temperature_K: temperature } = stage;
  const target =
    temperature === null
      ? ''
      : typeof temperature === 'number'
        ? ` at ${temperature} K`
        : ` from ${temperature[0]} K to ${temperature[1]} K`;
  const lines = [
    `  ${index + 1}. ${stage.name}: ${stage.ensemble}${target}, ${simulatedText(stage.time_fs)} = ${stage.steps} steps of ${stage.timestep_fs} fs`,
  ];
  if (stage.thermostat) lines.push(`     thermostat ${thermostatText(stage.thermostat)}`);
  const velocities = typeof stage.velocities === 'object' ? `drawn at ${stage.velocities.temperature_K} K` : stage.velocities;
  lines.push(`     velocities ${velocities}${index > 0 ? `, starts from the end of ${stage.from}` : ''}`);
  if (stage.fixed) lines.push(`     fixed atoms ${JSON.stringify(stage.fixed)}`);
  const frames = stage.trajectory_every === null ? 'no trajectory' : `a frame every ${stage.trajectory_every} steps`;
  lines.push(`     a row every ${stage.thermo_every} steps, ${frames}`);
  const limit = stage.stop_above_eV_per_A;
  if (limit !== null) lines.push(`     ends where the force deviation of the models is above ${short(limit)} eV/A at a row`);
  return lines;
}

export function checkText(check: StudyCheck): string {
  const { cell, estimate } = check;
  const composition = Object.entries(check.composition).map(([symbol, count]) => `${symbol} ${count}`);
  const lines = [
    `study ${check.study}`,
    `  atoms      ${check.atoms} (${composition.join(', ')})`,
    cell
      ? `  cell       ${cell.lengths_A.map((x) => short(x, 5)).join(' x ')} A, angles ${cell.angles_deg.map((x) => short(x, 5)).join(', ')} deg, ${short(cell.volume_A3!, 5)} A3`
      : '  cell       none',
    `  model      ${check.model.name} (${check.model.type}), cutoff ${check.model.cutoff_A} A, SHA-256 ${check.model.sha256.slice(0, 16)}`,
    ...(check.models ?? [])
      .slice(1)
      .map(({ name, type, sha256 }) => `  and        ${name} (${type}), SHA-256 ${sha256.slice(0, 16)}`),
    `  evaluated  in ${check.precision} precision, compression ${check.compression}`,
    ...(check.fparam ? [`  fparam     ${check.fparam.join(', ')}`] : []),
    ...(check.aparam ? [`  aparam     of ${check.aparam}`] : []),
    `  seed       ${check.seed ?? 'none: nothing is random'}`,
    '',
    'stages',
    ...check.stages.flatMap(stageText),
    `  ${check.steps} steps in all, ${simulatedText(check.time_fs)}`,
    '',
    'analyses',
    ...(check.analyses.length ? check.analyses.map(({ observable, stage }) => `  ${observable} of stage ${stage}`) : ['  none']),
    '',
    'defaults that the study leaves open',
    ...(check.defaults.length ? check.defaults.map(({ key, value }) => `  ${key}: ${value}`) : ['  none']),
    '',
    'estimate, from one evaluation of the forces here',
    `  time       ${durationText(estimate.seconds)} (${short(1000 * estimate.seconds_per_step, 3)} ms a step, instruction set ${check.model.isa})`,
    `  memory     ${estimate.memory_MB} MB`,
    `  disk       ${estimate.trajectory_MB} MB of trajectories`,
  ];
  for (const warning of check.warnings) lines.push('', `warning: ${warning}`);
  return lines.join('\n');
}
