/** What was run: structure, model, settings and the table of stages. */
import { type Content, html } from './html.js';
import { countText, formulaText, numberText, quoteText, timeText } from './quote.js';
import {
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  numbersAt,
  objectAt,
  type ReportData,
  type StageReport,
  textAt,
} from './run-data.js';

export type Fact = readonly [name: string, value: Content];

export function factTable(facts: readonly Fact[]): Content {
  const known = facts.filter(([, value]) => value !== null && value !== '' && value !== undefined && value !== false);
  return html`<table class="facts"><tbody>${known.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`)}</tbody></table>`;
}

/** `force_eV_per_A` 0.065 -> `force 0.065 eV/Å`; null where the key does not end in a unit. */
function namedNumber(key: string, value: Json): string | null {
  const parts = /^(.+?)_((?:meV|eV|A|A2|A3|K|GPa|fs|deg|g|e)(?:_per_\w+)?)$/.exec(key);
  return parts && typeof value === 'number' ? `${parts[1]!.replaceAll('_', ' ')} ${numberText(value, parts[2], 4)}` : null;
}

/** Text for any value of a study or a record: `nose-hoover (damping 0.2 ps, chain 3)`. */
export function plainText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(plainText).join(', ');
  if (isObject(value)) {
    return Object.entries(value)
      .map(([key, inner]) =>
        isObject(inner) ? `${key} (${plainText(inner)})` : (namedNumber(key, inner) ?? `${key} ${plainText(inner)}`.trim()),
      )
      .join(', ');
  }
  return typeof value === 'number' && !Number.isInteger(value) ? numberText(value, '', 8) : String(value);
}

function structureFacts(data: ReportData): Fact[] {
  const { structure, composition, natoms } = data;
  const counts = composition
    ? Object.entries(composition)
        .map(([symbol, n]) => `${n} ${symbol}`)
        .join(', ')
    : '';
  const formula = composition ? formulaText(composition) : (textAt(structure, 'formula') ?? '');
  const last = data.stages.findLast((stage) => stage.thermo)?.thermo;
  const density = last?.first.density_g_per_cm3 ?? numberAt(structure, 'density_g_per_cm3') ?? Number.NaN;
  const volume = last?.first.volume_A3 ?? numberAt(structure, 'volume_A3') ?? Number.NaN;
  const [lengths, angles] = [numbersAt(structure, 'lengths_A'), numbersAt(structure, 'angles_deg')];
  const shape =
    lengths.length === 3 && angles.length === 3
      ? `${lengths.map((l) => numberText(l, '', 5)).join(' × ')} Å, angles ${angles.map((a) => numberText(a, '', 4)).join('°, ')}°`
      : '';
  return [
    ['Structure', [formula, counts].filter(Boolean).join(': ') || (natoms === null ? '' : `${natoms} atoms`)],
    ['Atoms', natoms === null ? '' : countText(natoms)],
    ['Built from', plainText(data.study['structure'])],
    ['Cell', [shape, Number.isFinite(volume) ? `volume ${numberText(volume, 'A3', 5)}` : ''].filter(Boolean).join('; ')],
    ['Density', Number.isFinite(density) ? numberText(density, 'g/cm3', 4) : ''],
  ];
}

function modelFacts(data: ReportData): Fact[] {
  const model = objectAt(data.provenance, 'model');
  const named = textAt(model, 'name') ?? textAt(data.provenance, 'model') ?? plainText(data.study['model']);
  const potential = data.study['potential'];
  const pair = (name: string, key: string): Fact => [
    name,
    textAt(
      model,
      key,
      key.replaceAll('_', '-'),
      key.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
    ),
  ];
  return [
    [
      'Model',
      [
        named,
        textAt(model, 'type', 'descriptor'),
        numberAt(model, 'cutoff_A') === null ? '' : `cut-off ${numberText(numberAt(model, 'cutoff_A')!, 'A')}`,
      ]
        .filter(Boolean)
        .join(', '),
    ],
    ['Pair potential', potential === undefined ? '' : plainText(potential)],
    pair('Good for', 'good_for'),
    pair('Not for', 'not_for'),
    ['Training error', plainText(model['training_error'])],
    ['Committee', committeeText(data.provenance['models'])],
    ['Frame parameters', plainText(data.provenance['fparam'])],
    [
      'Evaluated',
      [
        textAt(data.provenance, 'precision') && `in ${textAt(data.provenance, 'precision')} precision`,
        textAt(data.provenance, 'compression') && `compression ${textAt(data.provenance, 'compression')}`,
      ]
        .filter(Boolean)
        .join(', '),
    ],
  ];
}

/** The models whose deviation is shown; the first drives. */
function committeeText(models: Json | undefined): string {
  const names = (Array.isArray(models) ? models : []).filter(isObject).map((model) => textAt(model, 'name') ?? '');
  return names.length > 1 ? `${names.length} models, ${names[0]} drives; compared with ${names.slice(1).join(', ')}` : '';
}

function stageKind(stage: StageReport): string {
  const { plan } = stage;
  if (plan['minimize'] !== undefined) return 'minimisation';
  const ensemble = textAt(plan, 'ensemble') ?? 'dynamics';
  const bath = isObject(plan['thermostat']) ? plan['thermostat'] : {};
  return ensemble === 'nve' || Object.keys(bath).length === 0 ? ensemble : `${ensemble}, ${plainText(bath)}`;
}

function target(plan: JsonObject): string {
  const temperature = plan['temperature'];
  return Array.isArray(temperature) ? temperature.map((t) => plainText(t)).join(' → ') : plainText(temperature);
}

const STATE_WORDS: Record<StageReport['state'], string> = {
  done: 'done',
  running: 'running',
  stopped: 'stopped',
  'to come': 'to come',
  unknown: '',
  'stopped by deviation': 'stopped by the deviation of the models',
  'not run': 'not run',
};

/** Drift of the conserved quantity in meV per atom and ns. */
function driftText(stage: StageReport, natoms: number | null): string {
  const drift = stage.thermo?.drift('conserved_eV');
  if (!drift || natoms === null) return '';
  const scale = 1e9 / natoms; // eV/fs -> meV/ns an atom
  return quoteText(drift.value * scale, drift.error * scale, 'meV/atom/ns', 'plus-minus');
}

function stageTable(data: ReportData): Content {
  if (data.stages.length === 0) return null;
  return html`<h3>Stages</h3><div class="scroll"><table>
<thead><tr><th scope="col">Stage</th><th scope="col">What</th><th scope="col">Target</th><th scope="col">Length</th><th scope="col">State</th><th scope="col">Mean temperature</th><th scope="col">Mean pressure</th><th scope="col">Drift of the conserved quantity</th></tr></thead>
<tbody>${data.stages.map((stage) => {
    const { plan, thermo } = stage;
    // The mean over a ramp would be that of no temperature in particular.
    const ramp = Array.isArray(plan['temperature']);
    const temperature = ramp ? null : thermo?.mean('temperature_K');
    const pressure = ramp ? null : thermo?.mean('pressure_GPa');
    const asked = textAt(plan, 'run') ?? (textAt(plan, 'steps') === null ? '' : `${textAt(plan, 'steps')} steps`);
    const made = thermo ? `${timeText(thermo.end)} (${countText(thermo.lastStep)} steps)` : '';
    const ended = stage.state === 'done' || stage.state === 'stopped by deviation';
    const length = ended || !thermo ? made || asked : `${made} of ${asked}`;
    return html`<tr><th scope="row">${stage.name}</th><td>${stageKind(stage)}</td><td>${target(plan)}</td><td>${length}</td><td>${STATE_WORDS[stage.state]}</td><td class="number">${
      temperature ? quoteText(temperature.value, temperature.error, 'K', 'plus-minus') : ramp && 'ramp'
    }</td><td class="number">${pressure ? quoteText(pressure.value, pressure.error, 'GPa', 'plus-minus') : ''}</td><td class="number">${driftText(stage, data.natoms)}</td></tr>\n`;
  })}</tbody></table></div>
<p class="soft">Errors of the means and of the drift: one standard error from 20 blocks of each stage; nothing is given for stages of fewer than 40 rows.</p>`;
}

/** What the study did not say and the program chose: physics has no silent defaults. */
function defaultsOf(data: ReportData): Content {
  const defaults = data.provenance['defaults'];
  return Array.isArray(defaults)
    ? defaults.map((line, i) => html`${i > 0 && html`<br>`}${plainText(line)}`)
    : plainText(defaults);
}

export function setupSection(data: ReportData): Content {
  return html`<section id="setup" aria-labelledby="h-setup"><h2 id="h-setup">What was run</h2>
${factTable([
  ...structureFacts(data),
  ...modelFacts(data),
  ['Time step', plainText(data.study['timestep'])],
  ['Seed', plainText(data.provenance['seed'] ?? data.study['seed'])],
  ['Defaults taken', defaultsOf(data)],
])}
<div style="height:1em"></div>
${stageTable(data)}</section>`;
}
