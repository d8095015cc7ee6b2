/** Finds every Estimate in the results of a run, in the order of the file, and says it in words. */
import { type Content, html } from './html.js';
import { numberText, quoteText, timeText, unitText } from './quote.js';
import { type AnalysisDocument, isObject, type Json, type JsonObject, numberAt, textAt } from './run-data.js';
import { observableWords, quantityWords, reasonWords, statusShort, statusWords } from './words.js';

/** An Estimate as results.json holds it (keys in snake_case, analysis.md 0.3). */
export interface ReportedEstimate {
  observable: string;
  stage: string;
  /** Keys that lead to it inside `result`. */
  path: readonly string[];
  /** What it is, in words. */
  label: string;
  value: number | null;
  error: number | null;
  unit: string;
  status: string;
  reasons: readonly string[];
  upperBound: number | null;
  interval68: readonly [number, number] | null;
  window: readonly [number, number] | null;
  method: string;
  inputs: JsonObject;
  /** fs of trajectory that would be needed for a number; null where it is not known. */
  timeNeeded: number | null;
}

export function estimatesOf(documents: readonly AnalysisDocument[]): ReportedEstimate[] {
  const found: ReportedEstimate[] = [];
  for (const document of documents) collect(document, document.result, [], found);
  return found;
}

function collect(document: AnalysisDocument, value: Json, path: readonly string[], found: ReportedEstimate[]): void {
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries())
      if (isObject(inner)) collect(document, inner, [...path, String(index + 1)], found);
    return;
  }
  if (!isObject(value)) return;
  if (typeof value['status'] === 'string' && 'value' in value && typeof value['unit'] === 'string') {
    found.push(estimateOf(document, value, path));
    return;
  }
  for (const [key, inner] of Object.entries(value)) collect(document, inner, [...path, key], found);
}

function pairAt(object: JsonObject, key: string): [number, number] | null {
  const value = object[key];
  return Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'number' ? [value[0], value[1]] : null;
}

function estimateOf(document: AnalysisDocument, object: JsonObject, path: readonly string[]): ReportedEstimate {
  const inputs = isObject(object['inputs']) ? object['inputs'] : {};
  return {
    observable: document.observable,
    stage: document.stage,
    path,
    label: quantityWords(document.observable, path),
    value: numberAt(object, 'value'),
    error: numberAt(object, 'error'),
    unit: textAt(object, 'unit') ?? '',
    status: textAt(object, 'status') ?? 'insufficient',
    reasons: Array.isArray(object['reasons']) ? object['reasons'].map(String) : [],
    upperBound: numberAt(object, 'upper_bound'),
    interval68: pairAt(object, 'interval68'),
    window: pairAt(object, 'window_fs') ?? pairAt(object, 'window'),
    method: textAt(object, 'method') ?? '',
    inputs,
    timeNeeded: numberAt(inputs, 'time_needed_fs') ?? numberAt(object, 'time_needed_fs'),
  };
}

/** Marks of the four states, so that they are told apart without colour. */
const MARKS: Record<string, string> = { ok: '✓', marginal: '~', 'not-diffusive': '○', insufficient: '…' };

export function statusChip(estimate: ReportedEstimate, words: (status: string) => string = statusWords): Content {
  const known = Object.hasOwn(MARKS, estimate.status) ? estimate.status : 'other';
  return html`<span class="chip ${known}"><span aria-hidden="true">${MARKS[estimate.status] ?? '?'}</span> ${words(estimate.status)}</span>`;
}

/** `6.12(34) × 10⁻⁵ cm²/s`, `below 3 × 10⁻⁷ cm²/s` or `none`. */
export function valueText(estimate: ReportedEstimate, style: 'brackets' | 'plus-minus' = 'brackets'): string {
  if (estimate.value !== null) return quoteText(estimate.value, estimate.error, estimate.unit, style);
  if (estimate.upperBound !== null) return `below ${numberText(estimate.upperBound, estimate.unit, 2)}`;
  return 'none';
}

/** Why it is as it is: sentences for the reasons, and the time a number would need. */
export function explanation(estimate: ReportedEstimate): string[] {
  const sentences = estimate.reasons.map(reasonWords);
  if (estimate.value === null && estimate.upperBound !== null) sentences.push('The bound holds with 95 % confidence.');
  if (estimate.value === null && estimate.timeNeeded !== null)
    sentences.push(`A number would need about ${timeText(estimate.timeNeeded, 2)} of this stage.`);
  return sentences;
}

/** The table of all estimates, by analysis: quantity, value, status, reasons and method; each reason is explained once below it. */
export function estimateTable(estimates: readonly ReportedEstimate[]): Content {
  const groups = new Map<string, ReportedEstimate[]>();
  for (const e of estimates) {
    const name = `${observableWords(e.observable)}${e.stage && `, stage ${e.stage}`}`;
    groups.set(name, [...(groups.get(name) ?? []), e]);
  }
  const reasons = [...new Set(estimates.flatMap((e) => e.reasons))];
  return html`<div class="scroll"><table class="estimates">
<thead><tr><th scope="col">Quantity</th><th scope="col">Value</th><th scope="col">Status</th><th scope="col">Reasons, and how it was obtained</th></tr></thead>
${[...groups].map(([name, members]) => html`<tbody><tr class="group"><th colspan="4" scope="rowgroup">${name}</th></tr>\n${members.map(estimateRow)}</tbody>`)}
</table></div>${
    reasons.length > 0 &&
    html`<h3>Reasons</h3><dl class="reasons">${reasons.map((code) => html`<dt>${reasonName(code)}</dt><dd>${reasonWords(code)}</dd>\n`)}</dl>`
  }`;
}

const reasonName = (code: string): string => code.replaceAll('-', ' ');

function estimateRow(e: ReportedEstimate): Content {
  const interval =
    e.interval68 &&
    html`<br><small>68 %: ${numberText(e.interval68[0], '', 3)} to ${numberText(e.interval68[1], '', 3)} ${unitText(e.unit)}</small>`;
  const notes = [
    e.value === null && e.upperBound !== null ? '95 % bound' : '',
    e.value === null && e.timeNeeded !== null ? `needs about ${timeText(e.timeNeeded, 2)}` : '',
  ];
  const how = [e.method, e.window && `window ${timeText(e.window[0])} to ${timeText(e.window[1])}`].filter(Boolean).join('; ');
  return html`<tr><th scope="row">${e.label}</th><td class="number">${valueText(e)}${interval}</td><td>${statusChip(e, statusShort)}</td><td>${[
    ...e.reasons.map(reasonName),
    ...notes.filter(Boolean),
  ].join(', ')} <small>${how}</small></td></tr>\n`;
}
