/** The top of the page: the state of the run, and each key number with its error or the reason why there is none. */
import { explanation, type ReportedEstimate, statusChip, valueText } from './estimates.js';
import { type Content, html } from './html.js';
import { durationText, formulaText, timeText } from './quote.js';
import { numberAt, type ReportData, textAt } from './run-data.js';
import { reasonWords, statusWords } from './words.js';

/** Numbers that a reader looks for first; parts and ratios stand in the table. */
export function keyEstimates(estimates: readonly ReportedEstimate[]): ReportedEstimate[] {
  return estimates.filter(({ observable, path }) => {
    if (observable === 'conductivity') return path.length === 1 && ['total', 'nernst_einstein', 'haven_ratio'].includes(path[0]!);
    return observable === 'diffusion' || !['rdf', 'coordination', 'msd'].includes(observable);
  });
}

export function stateSentence(data: ReportData): string {
  const { state, stage, percent, secondsLeft, error } = data.status;
  const progress = percent === null ? '' : ` at ${Math.floor(percent)} %`;
  const where = stage ? ` in stage ${stage}` : '';
  switch (state) {
    case 'done': {
      const { stopped, skipped } = data.status;
      const sentences = Object.values(stopped).map(
        (text) => ` ${text.charAt(0).toUpperCase()}${text.slice(1).replaceAll('eV/A', 'eV/Å')}.`,
      );
      const left = skipped.length > 0 ? ` Not run because of that: ${skipped.join(', ')}.` : '';
      return `The run is finished.${sentences.join('')}${left}`;
    }
    case 'running':
      return `The run goes on${progress}${where}${secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`}: everything below is what is there so far.`;
    case 'failed':
      return `The run failed${progress}${where}${error ? `. ${error.replace(/[.\s]*$/, '')}` : ''}. Everything below is from before.`;
    case 'interrupted':
      return `The run was interrupted${progress}${where} and can be resumed: everything below is what is there so far.`;
    default:
      return 'The state of the run is not known.';
  }
}

/** `Li₃YCl₆, 90 atoms; production: 12 ps of nvt at 900 K` */
function subjectSentence(data: ReportData): string {
  const formula = data.composition ? formulaText(data.composition) : (textAt(data.structure, 'formula') ?? '');
  const parts = [formula, data.natoms === null ? '' : `${data.natoms} atoms`].filter(Boolean).join(', ');
  const total = data.stages.reduce((sum, stage) => sum + (stage.thermo?.end ?? 0), 0);
  const time =
    total > 0
      ? `${timeText(total)} of molecular dynamics in ${data.stages.filter((s) => s.thermo).length === 1 ? 'one stage' : `${data.stages.filter((s) => s.thermo).length} stages`}`
      : '';
  return [parts, time].filter(Boolean).join('; ');
}

/** One line for each number that may be quoted, one for each reason why others may not. */
function verdict(keys: readonly ReportedEstimate[], data: ReportData): Content {
  if (keys.length === 0) return html`<p>No transport quantity has been evaluated yet.</p>`;
  const lines: Content[] = keys
    .filter((e) => e.value !== null)
    .map((e) => {
      const right =
        e.status === 'ok' ? 'can be quoted' : e.status === 'marginal' ? 'is marginal: quote it with care' : statusWords(e.status);
      return html`<strong>${e.label} = ${valueText(e, 'plus-minus')}</strong>${temperatureOf(data, e)} ${right}.`;
    });
  const refused = new Map<string, ReportedEstimate[]>();
  for (const e of keys) if (e.value === null) refused.set(e.reasons[0] ?? '', [...(refused.get(e.reasons[0] ?? '') ?? []), e]);
  for (const [reason, group] of refused) {
    const needed = Math.max(...group.map((e) => e.timeNeeded ?? 0));
    const bounds = group.filter((e) => e.upperBound !== null).map((e) => `${e.label} is ${valueText(e)}`);
    lines.push(
      html`<strong>No number for ${list(group.map((e) => e.label))}${needed > 0 && ' yet'}.</strong> ${reason && reasonWords(reason)}${
        bounds.length > 0 && ` With 95 % confidence ${list(bounds)}.`
      }${needed > 0 && ` About ${timeText(needed, 2)} would be needed.`}`,
    );
  }
  return html`<ul class="verdict">${lines.map((line) => html`<li>${line}</li>\n`)}</ul>`;
}

/** The first reason and what would help; the others stand in the table. */
function shortExplanation(e: ReportedEstimate): string[] {
  return explanation({ ...e, reasons: e.reasons.slice(0, 1) });
}

function list(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

export function headline(data: ReportData, estimates: readonly ReportedEstimate[]): Content {
  const keys = keyEstimates(estimates);
  const version = textAt(data.provenance, 'version', 'ionclay') ?? textAt(objectOf(data), 'version');
  return html`<header>
<p class="kicker">ionclay${version && ` ${version}`} · molecular dynamics report</p>
<h1>${data.name}</h1>
<p class="subject">${subjectSentence(data)}</p>
<p class="state ${Object.keys(data.status.stopped).length > 0 && data.status.state === 'done' ? 'interrupted' : data.status.state}">${stateSentence(data)}</p>
</header>
<section id="results" aria-labelledby="h-results"><h2 id="h-results">In short</h2>
${verdict(keys, data)}
<div class="cards">${keys.map(
    (e) =>
      html`<article class="card ${e.value === null ? 'refused' : ''}"><h3>${e.label}</h3><p class="value">${valueText(e, 'plus-minus')}</p><p>${statusChip(e)}</p>${
        e.status !== 'ok' && html`<p class="why">${shortExplanation(e).map((sentence) => html`${sentence} `)}</p>`
      }<p class="from">stage ${e.stage}${temperatureOf(data, e).replace(' at', ',')}</p></article>`,
  )}</div>
</section>`;
}

function objectOf(data: ReportData) {
  const inner = data.provenance['package'] ?? data.provenance['ionclay'];
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
}

/** Transport numbers are for one temperature: the one that was given to the analysis, else that of the stage. */
function temperatureOf(data: ReportData, estimate: ReportedEstimate): string {
  const given = numberAt(estimate.inputs, 'temperature_K');
  if (given !== null) return ` at ${given} K`;
  const plan = data.stages.find((stage) => stage.name === estimate.stage)?.plan;
  const text = plan ? textAt(plan, 'temperature') : null;
  return text === null ? '' : ` at ${/[a-zA-Z]/.test(text) ? text : `${text} K`}`;
}
